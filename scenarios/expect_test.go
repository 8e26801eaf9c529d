package scenarios_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim/mutants"
	"github.com/fauer4effect/paxos/sim/script"
)

// A step that fails says where, what it expected and what there was, and shows all servers.
func TestEveryExpectationCanFail(t *testing.T) {
	// Server 1 leads view 1, a's update is executed everywhere, and it is quiet: lines 1 to 5.
	const calm = "# About. A test.\ncluster 3\nuntil leader 1\nput a x 1\nrun 1s\n"
	// Server 1 is alone, b waits for it, and 2 leads view 2: lines 6 to 9.
	const alone = calm + "isolate 1\nsend b put x 2 via 1\nuntil leader 2\nput c x 3 via 2\n"
	// The same with room for one session: a's goes for b's, and a hears so.
	const lapsed = "# About. A test.\ncluster 3\nset session_limit 1\nuntil leader 1\nput a x 1\nput b x 2\nrun 1s\n! put a x 3\n"
	for _, c := range []struct{ before, step, want string }{
		{calm, "expect leader 2", "expected server 2 to lead; server 1 leads view 1"},
		{calm, "expect leader none", "expected no server to lead; server 1 leads view 1"},
		{calm, "expect view 2", "expected view 2; it is 1"},
		{calm, "expect view >= 2", "expected view >= 2; it is 1"},
		{calm, "expect ordered 2", "expected slots ordered 2; it is 1"},
		{calm, "expect ordered != 1", "expected slots ordered != 1; it is 1"},
		{calm, "expect executed 3 > 1", "expected slots executed on server 3 > 1; it is 1"},
		{calm, "expect executed 3 < 1", "expected slots executed on server 3 < 1; it is 1"},
		{calm, "expect executed 3 <= 0", "expected slots executed on server 3 <= 0; it is 1"},
		{calm, "expect ordered-on 3,1", "expected slot 1 to be executed on servers 1 3; it is on 1 2 3"},
		{calm, "expect ordered-on 2 7", "expected slot 7 to be executed on servers 2; it is on none"},
		{calm, "expect value x 2", "expected x to be 2; in the log it is 1"},
		{calm, "expect value x missing", "expected x to be missing; in the log it is 1"},
		{alone, "expect value x 3 on 1", "expected x to be 3; in server 1 it is 1"},
		{calm, "expect value y 1", "expected y to be 1; in the log it is missing"},
		{calm, "expect reply a 1", "expected client a to be answered 1; it was answered done"},
		{alone, "expect reply b done", "expected client b to be answered done; it still waits"},
		{calm, "expect no-reply a", "expected client a to wait; server 1 answered done"},
		{calm, "expect no-reply", "expected client a to wait; server 1 answered done"},
		{calm, "expect expired a", "expected client a's session to be expired; server 1 answered done"},
		{alone, "expect expired b", "expected client b's session to be expired; it still waits"},
		{calm, "expect expired e", "expected client e's session to be expired; it has asked nothing"},
		{lapsed, "expect expired b", "expected client b's session to be expired; server 1 answered done"},
		{lapsed, "expect reply a done", "expected client a to be answered done; it was told that its session is expired"},
		{lapsed, "expect no-reply a", "expected client a to wait; server 1 said that its session is expired"},
		{lapsed, "expect session b 3,1", "expected client b to have a session on servers 1 3; it has one on 1 2 3"},
		{lapsed, "expect session a 2", "expected client a to have a session on servers 2; it has one on none"},
		{lapsed, "expect session b none", "expected client b to have a session on servers none; it has one on 1 2 3"},
		{lapsed, "expect sessions 2 0", "expected sessions open on server 2 0; it is 1"},
		{lapsed + "put c x 1\n", "put b x 3", "expected an answer to client b; server 1 says that its session is expired"},
		{calm, "expect state 2 RegLeader", "expected server 2 to be in RegLeader; it is RegNonLeader"},
		{calm + "crash 2\n", "expect state 2 RegNonLeader", "expected server 2 to be in RegNonLeader; it is down"},
		{calm + "crash 2\n", "expect up 1,2", "expected server 2 to be up; it is down"},
		{calm, "expect down 2", "expected server 2 to be down; it is RegNonLeader"},
		{calm + "pause 2\n", "expect down leader", "expected server 1 to be down; it is RegLeader"},
		{calm + "pause 2\n", "expect down 2", "expected server 2 to be down; it is paused, in RegNonLeader"},
		{calm, "expect effect crash 1", "expected effect crash 1; it is 0"},
		{alone, "check converged", "expected all servers to be equal; server 1 has executed 1…1 with state "},
		{calm + "crash all\n", "check converged", "expected all servers to be equal; none is up"},
		{calm, "check view-changes 1", "expected view changes 1; it is 0"},
		{alone, "check view-changes 0", "expected view changes 0; it is 1"},
		{calm, "check end", "expected the plan to be at its end, 86400s; it is 1.01"},
		{calm, "until leader 3 within 1s", "expected server 3 to lead within 1s; server 1 leads view 1"},
		{calm + "crash 1,2\n", "until leader within 1s", "expected a server to lead within 1s; no server leads"},
		{calm, "until view 2 within 1s", "expected view 2 to be led within 1s; server 1 leads view 1"},
		{calm, "until ordered 2", "expected 2 slots to be ordered within 10s; server 1 leads view 1"},
		{alone, "until executed 2 on 1,2 within 1s", "expected slot 2 to be executed on 1,2 within 1s; server 2 leads view 2"},
		{alone, "until reply b within 1s", "expected an answer to client b within 1s; server 2 leads view 2"},
		{calm, "until state 2 Preparing within 1s", "expected server 2 to be in Preparing within 1s; server 1 leads view 1"},
		{calm, "until held Accept 1->* within 1s", "expected a message to be held within 1s; server 1 leads view 1"},
		{alone, "put a x 1 via 1 within 500ms", "expected an answer to client a within 0.5s; there is none"},
		{alone, "get a x via 1", "expected an answer to client a within 10s; there is none"},
		{calm, "! run 1s", "expected to fail (!), but it succeeded"},
		{calm, "! expect leader 1", "expected to fail (!), but it succeeded"},
		{calm + "crash 2\n", "crash 1,2", "server 2 is down"},
		{calm + "crash 2\n", "pause 2", "server 2 is down"},
		{calm + "crash all\n", "put a x 1 via leader", "no server leads now"},
		{calm, "restart 2", "server 2 is up"},
		{calm, "resume 2", "server 2 is not paused"},
		{calm, "deliver Accept *->1", "expected a held Accept *->1 to deliver; none is held"},
	} {
		failed(t, c.before+c.step+"\n", strings.Count(c.before, "\n")+1, c.step+": "+c.want)
	}
}

// failed tells a story that must fail at the line, with an error that begins so.
func failed(t *testing.T, text string, line int, want string) *script.Outcome {
	t.Helper()
	s := parse(t, text)
	o, err := s.Run(t.Context(), false)
	var wrong *script.Error
	switch want = fmt.Sprintf("s.txtar:%d: %s", line, want); {
	case !errors.As(err, &wrong):
		t.Fatalf("no failure, want %s", want)
	case !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n"):
		t.Errorf("error\n\t%v\nwant\n\t%s", err, want)
	case wrong.Line != line || !wrong.Story:
		t.Errorf("%s: at line %d, a story's: %v", want, wrong.Line, wrong.Story)
	case o.Transcript == "":
		t.Errorf("%s: no transcript", want)
	}
	rows := strings.Split(strings.TrimSuffix(o.Servers, "\n"), "\n")
	if len(rows) != 4 || !strings.HasPrefix(rows[0], "server  state ") {
		t.Fatalf("%s: not a table of three servers:\n%s", want, o.Servers)
	}
	column := strings.Index(rows[0], "state")
	for i, row := range rows[1:] {
		if !strings.HasPrefix(row, fmt.Sprint(i+1, " ")) || row[column-1] != ' ' || row[column] == ' ' {
			t.Errorf("%s: row %d of the table is out of line:\n%s", want, i+1, o.Servers)
		}
	}
	return o
}

// The table tells where each server stands.
func TestTheTableOfServers(t *testing.T) {
	o := failed(t, "# About. A test.\ncluster 3\nuntil leader 1\nput a x 1\nrun 1s\npause 2\ncrash 3\nexpect leader 3\n", 8, "expect leader 3: ")
	want := `server  state                    view  attempted  aru  proposed  pending  durable
1       RegLeader                1     1          1    1         0        2 of 3
2       paused, in RegNonLeader  1     1          1    0         0        2 of 3
3       down                     1     1          1    0         0        2 of 2
`
	if o.Servers != want {
		t.Errorf("table\n%s\nwant\n%s", o.Servers, want)
	}
}

// cmp points at the first line that differs.
func TestCmpCanFail(t *testing.T) {
	const script = "# About. A test.\ncluster 1\nuntil leader\ncmp transcript want.txt\n-- want.txt --\n"
	const wants, leads = "   0.000s  server 1 wants view 1\n", "   0.001s  server 1 leads view 1, votes of 1\n"
	for _, c := range []struct{ file, want string }{
		{wants, `expected line 2 of the transcript to be the end; it is "   0.001s  server 1 leads view 1, votes of 1"`},
		{leads, `expected line 1 of the transcript to be "   0.001s  server 1 leads view 1, votes of 1"; it is "   0.000s  server 1 wants view 1"`},
		{wants + leads + leads, `expected line 3 of the transcript to be "   0.001s  server 1 leads view 1, votes of 1"; it is the end`},
		{"", `expected line 1 of the transcript to be the end; it is "   0.000s  server 1 wants view 1"`},
	} {
		_, err := parse(t, script+c.file).Run(t.Context(), false)
		if want := "s.txtar:4: cmp transcript want.txt: " + c.want; err == nil || err.Error() != want {
			t.Errorf("error\n\t%v\nwant\n\t%s", err, want)
		}
	}
	if _, err := parse(t, script+wants+leads).Run(t.Context(), false); err != nil {
		t.Error(err)
	}
}

// A step that must fail and does is passed over, whatever its reason.
func TestAStepThatMustFail(t *testing.T) {
	s := parse(t, "# About. A test.\ncluster 3\nuntil leader 1\nisolate 1\n! put a x 1 via 1 within 200ms\n"+
		"! expect leader 2\n! check view-changes 1\n! restart 1\n! until leader 2 within 10ms\nexpect ordered 0\n")
	if _, err := s.Run(t.Context(), false); err != nil {
		t.Error(err)
	}
}

// A property that breaks fails the step in which it breaks, a ! or not: here a server
// answers a read from its own state.
func TestABrokenPropertyFailsTheStep(t *testing.T) {
	local := mutant(t, needMutants(t), "h-local-reads")
	for _, step := range []string{"get a x via 2", "! get a x via 2", "! expect leader 2\n! get a x via 2\nrun 1s"} {
		file := filepath.Join(t.TempDir(), "s.txtar")
		if err := os.WriteFile(file, []byte("# About. A test.\ncluster 3\nuntil leader 1\n"+step+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		line := 4 + strings.Count(step, "\n! ")
		want := fmt.Sprintf("FAIL  %s:%d: %s: S8 (reply) is violated: client 1's operation 1 is answered, but has no position in the log\n",
			file, line, strings.Split(step, "\n")[line-4])
		status, output := tellBy(t, local, file)
		if status != 1 || !strings.Contains(output, want) || !strings.Contains(output, "server  state ") {
			t.Errorf("status %d, want 1, with %s:\n%s", status, want, output)
		}
	}
}

// `check linearizable` is a second opinion. To see it alone the exact check of replies has
// to look away, besides the machine being broken.
func TestCheckLinearizableCanFail(t *testing.T) {
	needMutants(t)
	const blind = `--- a/sim/paxos/check/replies.go
+++ b/sim/paxos/check/replies.go
@@ -26,2 +26,5 @@
 	}
 	at := slotOf(u.place)
+	if at == 0 {
+		return 0
+	}
`
	root := t.TempDir()
	patch, err := os.ReadFile("../testdata/mutants/h-local-reads.patch")
	if err == nil {
		err = os.MkdirAll(filepath.Join(root, mutants.Dir), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(root, mutants.Dir, "h-and-blind.patch"), append(patch, blind...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	all, err := mutants.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "s.txtar")
	text := "# About. A test.\ncluster 3\nuntil leader 1\nput a x old\nisolate 1\nuntil leader 2\nput a x new via 2\n" +
		"get b x via 1\nexpect reply b old\ncheck linearizable\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	status, output := tellBy(t, mutant(t, all, "h-and-blind"), file)
	want := "FAIL  " + file + `:10: check linearizable: S8 (reply) is violated: the clients' history has no linearization: `
	if status != 1 || !strings.Contains(output, want) || !strings.Contains(output, `get "x" → "old"`) {
		t.Errorf("status %d, want 1, with %s:\n%s", status, want, output)
	}
}

// A search that porcupine gives up is not a proof. Here it would have to try every order of
// twelve appends that never happened, besides the one that did.
func TestCheckLinearizableMayNotDecide(t *testing.T) {
	script := "# About. A test.\ncluster 3\nuntil leader 1\nsend a append x q via 1\nuntil ordered 1\nisolate 1\n"
	for i := range 12 {
		script += fmt.Sprintf("send a append x n%x via 1\nrun 1ms\n", i)
	}
	script += "crash 1\nuntil leader 2\nappend c x yes via 2\nexpect reply c 4\n"
	failed(t, script+"check linearizable\n", strings.Count(script, "\n")+1,
		"check linearizable: expected an order that explains what all clients saw; porcupine gave up on 1 of the keys")
}

func mutant(t *testing.T, all []mutants.Mutant, name string) mutants.Mutant {
	t.Helper()
	for _, m := range all {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no mutant %s", name)
	return mutants.Mutant{}
}
