package scenarios_test

import (
	"testing"

	"github.com/fauer4effect/paxos/scenarios"
)

// What once went wrong on a stage: each script failed before its cause was mended.
func TestStageRegressions(t *testing.T) {
	for name, text := range map[string]string{
		"judging ends no operation": `# A check leaves a waiting client waiting. It once took the answer for given.
cluster 3
until leader 1
isolate 1,2,3
send a put x 1 via 1
check linearizable
expect no-reply a
run 2s
expect no-reply a
heal
until reply a
expect value x 1
check linearizable
`,
		"values need not be ASCII": `# A value is what the script says, byte by byte. It was once mangled.
cluster 1
until leader 1
put a schlüssel 'größe 1'
expect value schlüssel 'größe 1'
! expect reply c done
! until reply c within 1s
`,
		"a heal of all ends scheduled cuts": `# The end of a scheduled cut takes no later cut away. It once did.
cluster 3
at 1s cut 1->2 for 1s
until leader 1
run 1.2s
heal
cut 1->2
run 2s
drop CatchUpReply *->2
put a x 1 via 3
run 20ms
expect executed 2 0
`,
		"a heal of all ends scheduled omissions": `# Whatever time they were given. They once went on.
cluster 3
at 1s omit Proposal 2,3 for 9s
until leader 1
run 1.2s
send a put x 1 via 1
run 100ms
expect no-reply a
heal
until reply a within 150ms
`,
		"a heal of all ends flapping": `# It went on with its next closing.
cluster 3
at 1s flap 1 for 8s by 200ms
until leader 1
run 1.05s
heal
run 160ms
put a x 1 via 1 within 50ms
`,
		"a restart by hand ends the scheduled one": `# A crash for a time, ended by hand, restarts no later life. It once did.
cluster 3
until leader 1
crash 2 for 1s
restart 2
crash 2
run 2s
expect down 2
`,
	} {
		s, err := scenarios.Parse(name, []byte(text))
		if err != nil {
			t.Error(err)
			continue
		}
		if o, err := s.Run(t.Context(), false); err != nil {
			t.Errorf("%v\n%s%s", err, o.Transcript, o.Servers)
		}
	}
}
