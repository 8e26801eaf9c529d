package history

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// Porcupine carries 102 logs of an etcd register, recorded by Jepsen, with their verdicts.
// We read and judge them all alike.
func TestJepsenLogs(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil || runtime.GOOS == "js" {
		t.Skip("needs the go tool to find porcupine's module")
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anishathalye/porcupine").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(string(out))
	tests, err := os.ReadFile(filepath.Join(dir, "porcupine_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	verdicts := regexp.MustCompile(`checkJepsen\(t, (\d+), (true|false)\)`).FindAllStringSubmatch(string(tests), -1)
	if len(verdicts) != 102 {
		t.Fatalf("porcupine has verdicts of %d logs, not 102", len(verdicts))
	}
	for _, v := range verdicts {
		name := "etcd_" + strings.Repeat("0", 3-len(v[1])) + v[1] + ".log"
		f, err := os.Open(filepath.Join(dir, "test_data", "jepsen", name))
		if err != nil {
			t.Fatal(err)
		}
		history, err := ReadJepsen(f)
		f.Close()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := OK
		if v[2] == "false" {
			want = Illegal
		}
		if got := LinearizableWithin(history, 50_000_000); got.Verdict != want {
			t.Errorf("%s, %d operations: %v, want %v", name, len(history), got.Verdict, want)
		}
	}
}

// What is written is read.
func TestHistoryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var history []Operation
		for range rapid.IntRange(0, 10).Draw(t, "operations") {
			o := Operation{
				Client: rapid.Uint32().Draw(t, "client"), Call: rapid.Int64Range(0, 1000).Draw(t, "call"),
				Op:       kv.Op{Kind: kv.Kind(rapid.IntRange(int(kv.Get), int(kv.Strlen)).Draw(t, "kind")), Key: rapid.String().Draw(t, "key"), Value: rapid.String().Draw(t, "value")},
				Answered: rapid.Bool().Draw(t, "answered"),
			}
			if o.Answered {
				o.Return = o.Call + rapid.Int64Range(0, 1000).Draw(t, "took")
				switch o.Result.Status = rapid.SampledFrom(answersOf[o.Op.Kind]).Draw(t, "status"); o.Result.Status {
				case kv.HasValue:
					o.Result.Value = rapid.String().Draw(t, "result")
				case kv.HasNumber:
					o.Result.Number = rapid.Int64().Draw(t, "number")
				}
			}
			history = append(history, o)
		}
		var b bytes.Buffer
		if err := Write(&b, history); err != nil {
			t.Fatal(err)
		}
		read, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(history, read); diff != "" {
			t.Fatal(diff)
		}
	})
}

// What a history may not say, and the line that says so.
func TestBadHistories(t *testing.T) {
	for text, want := range map[string]string{
		"{}":                                     `line 1: unknown op ""`,
		"\n\nx":                                  "line 3: invalid character",
		`{"op":"get","call_ns":1,"retrun_ns":2}`: `line 1: json: unknown field "retrun_ns"`,
		`{"op":"steal","call_ns":1}`:             `line 1: unknown op "steal"`,
		`{"op":"many","call_ns":1}`:              `line 1: unknown op "many"`, // it is on no one key
		`{"client":1,"op":"get","call_ns":5,"return_ns":2,"result":{"status":"missing"}}`: "line 1: return_ns 2 is before call_ns 5",
		`{"client":1,"op":"get","call_ns":5,"return_ns":6}`:                               "line 1: return_ns, but no result",
		`{"client":1,"op":"get","call_ns":5,"result":{"status":"missing"}}`:               "line 1: a result, but no return_ns",
		`{"client":1,"op":"get","call_ns":5,"return_ns":6,"result":{"status":"odd"}}`:     `line 1: unknown status "odd"`,

		// What must be there, once, and fit.
		`{"op":"get","call_ns":5}`:                       "line 1: client and call_ns must be there",
		`{"client":1,"op":"get"}`:                        "line 1: client and call_ns must be there",
		`{"client":1,"op":"get","Op":"put","call_ns":5}`: "line 1: byte 27: duplicate field \"Op\"",

		`{"client":1,"op":"get","call_ns":5,"return_ns":6,"result":{"status":"done"}}`:                `line 1: no get is answered "done"`,
		`{"client":1,"op":"incr","call_ns":5,"return_ns":6,"result":{"status":"number","value":"1"}}`: `line 1: a value, but the result is "number"`,
		`{"client":1,"op":"get","call_ns":5,"return_ns":6,"result":{"status":"missing","number":1}}`:  `line 1: a number, but the result is "missing"`,
		`{"client":1,"op":"get","call_ns":5} {"op":"get"}`:                                            "line 1: something follows the operation",

		// What JSON would make another text of.
		"{\"client\":1,\"op\":\"put\",\"key\":\"\xff\",\"call_ns\":5}": "line 1: it is not UTF-8",
		`{"client":1,"op":"put","value":"\ud800","call_ns":5}`:         "line 1: half of a surrogate pair",
		`{"client":1,"op":"put","key":"\udc00x","call_ns":5}`:          "line 1: half of a surrogate pair",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{"\uFFFD", `\ufffd`, `\uFFFD`, `\ud83d\ude00`} {
		if _, err := Read(strings.NewReader("\ufeff" + `{"client":1,"op":"put","key":"` + text + `","call_ns":5}`)); err != nil {
			t.Errorf("key %s: %v", text, err)
		}
	}
	if err := Write(io.Discard, []Operation{{Op: kv.Op{Kind: kv.Get, Key: "\xff"}}}); err == nil {
		t.Error("a key that is not UTF-8 is written as another one")
	}
	const i = "INFO  jepsen.util - "
	for text, want := range map[string]string{
		"":                            "no event of Jepsen's in 0 lines",
		"hello\n":                     "no event of Jepsen's in 1 lines",
		i + "1\t:ok\t:read\t3\n":      "line 1: process 1 ends an operation that it did not begin",
		i + "1\t:invoke\t:cas\tnil\n": "line 1: an invocation of cas with nil",
		i + "1\t:invoke\t:read\tnil\n" + i + "1\t:invoke\t:read\tnil\n": "line 2: process 1 begins an operation before its last one ended",
		i + "1\t:invoke\t:write\t1\n" + i + "1\t:ok\t:write\t2\n":       "line 2: process 1 ends write 2, and began write 1",
		i + "1\t:invoke\t:write\t1\n" + i + "1\t:ok\t:read\t1\n":        "line 2: process 1 ends read 1, and began write 1",
		i + "1\t:invoke\t:read\tnil\n" + i + "1\t:ok\t:read\t[1 2]\n":   "line 2: process 1 reads [1 2]",
		i + "1\t:invoke\t:read\tnil\n" + i + "1\t:ok\t:read\tfoo\n":     `line 2: not an operation on an integer register: "INFO  jepsen.util - 1\t:ok\t:read\tfoo"`,
	} {
		if _, err := ReadJepsen(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

// What Jepsen says failed did not happen, a cas excepted, which found another value.
func TestJepsenFailures(t *testing.T) {
	const i = "INFO  jepsen.util - "
	for text, want := range map[string]Verdict{
		i + "1\t:invoke\t:write\t-7\n" + i + "1\t:ok\t:write\t-7\n" + i + "1\t:invoke\t:read\tnil\n" + i + "1\t:ok\t:read\t-7\n":    OK,
		i + "1\t:invoke\t:write\t1\n" + i + "1\t:fail\t:write\t1\n" + i + "1\t:invoke\t:read\tnil\n" + i + "1\t:ok\t:read\t1\n":     Illegal,
		i + "1\t:invoke\t:write\t1\n" + i + "1\t:info\t:write\t1\n" + i + "2\t:invoke\t:read\tnil\n" + i + "2\t:ok\t:read\t1\n":     OK,
		i + "1\t:invoke\t:write\t3\n" + i + "1\t:ok\t:write\t3\n" + i + "1\t:invoke\t:read\tnil\n" + i + "1\t:fail\t:read\tnil\n":   OK,
		i + "1\t:invoke\t:cas\t[1 2]\n" + i + "1\t:fail\t:cas\t[1 2]\n" + i + "1\t:invoke\t:read\tnil\n" + i + "1\t:ok\t:read\t2\n": Illegal,
	} {
		history, err := ReadJepsen(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := Linearizable(history, 0); got.Verdict != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// A search that gives up halfway still makes a page.
func TestVisualizeWithoutEnd(t *testing.T) {
	var history []Operation
	for i := range uint32(8) {
		value := strconv.Itoa(int(i))
		history = append(history,
			Operation{Client: i, Op: kv.Op{Kind: kv.Put, Key: "x", Value: value}, Result: kv.Result{Status: kv.Done}, Return: 100, Answered: true},
			Operation{Client: 100 + i, Op: kv.Op{Kind: kv.Get, Key: "x"}, Result: kv.Result{Status: kv.HasValue, Value: value}, Return: 101, Answered: true})
	}
	history = append(history, Operation{Client: 200, Op: kv.Op{Kind: kv.Get, Key: "x"}, Result: kv.Result{Status: kv.Missing}, Call: 102, Return: 103, Answered: true})
	var page bytes.Buffer
	if err := Visualize(&page, history, 1000); err != nil || page.Len() < 1000 {
		t.Errorf("%d bytes, %v", page.Len(), err)
	}
}

// Porcupine's page has the operations of a history, illegal or not.
func TestVisualize(t *testing.T) {
	history := []Operation{
		{Client: 1, Op: kv.Op{Kind: kv.Put, Key: "x", Value: "new"}, Result: kv.Result{Status: kv.Done}, Return: 5, Answered: true},
		{Client: 2, Op: kv.Op{Kind: kv.Get, Key: "x"}, Result: kv.Result{Status: kv.Missing}, Call: 6, Return: 7, Answered: true},
		{Client: 3, Op: kv.Op{Kind: kv.Incr, Key: "y"}, Call: 6},
	}
	var page bytes.Buffer
	if err := Visualize(&page, history, 1000); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<html", "put", "missing", "no answer"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
}
