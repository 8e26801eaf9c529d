package check

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
)

func TestL1Answered(t *testing.T) {
	wait := func(now, call int64) func(s *story) {
		return func(s *story) {
			s.now = now
			s.Answered.Waiting(now, 4, 9, call)
		}
	}
	names := []string{"client 4", "operation 9", "servers [1 2]"}
	hear(t, []tale{
		{"sent before the calm: a ns after views may settle", wait(settleBy+1, 1), "L1", names},
		{"sent before the calm: at the bound", wait(settleBy, 1), "", nil},
		{"sent late: a ns after its time", wait(settleBy+500+patient+1, settleBy+500), "L1", names},
		{"sent late: at the bound", wait(settleBy+500+patient, settleBy+500), "", nil},
		{"sent just before views may settle: it has its own time still", wait(settleBy+patient-1, settleBy-1), "", nil},
		{"sent just before views may settle: a ns late", wait(settleBy+patient, settleBy-1), "L1", names},
	})
}

func TestL2ViewsSettle(t *testing.T) {
	install := func(now int64, id protocol.ServerID) func(s *story) {
		return func(s *story) {
			s.now = now - 1
			s.event(id, protocol.Event{Kind: protocol.Installed, View: 6})
		}
	}
	hear(t, []tale{
		{"a view installed a ns after they should have settled", install(settleBy+1, 2), "L2", []string{"server 2", "view 6", "servers [1 2]"}},
		{"a view installed at the bound", install(settleBy, 2), "", nil},
		{"outside the core anything goes", install(settleBy+1, 3), "", nil},
		{"a mere attempt is no view", func(s *story) {
			s.now = settleBy
			s.event(2, protocol.Event{Kind: protocol.Attempted, View: 6})
			s.event(2, protocol.Event{Kind: protocol.Preinstalled, View: 6})
		}, "", nil},
	})
}

func TestL3Converged(t *testing.T) {
	end := func(ends ...End) func(s *story) {
		return func(s *story) {
			for _, e := range ends {
				s.Converged.Ended(s.tick(), e)
			}
		}
	}
	hear(t, []tale{
		{"one slot behind", end(End{1, 7, 0xaa}, End{2, 6, 0xaa}), "L3", []string{"server 1", "server 2", "1…7", "1…6"}},
		{"another state after the same slots", end(End{1, 7, 0xaa}, End{2, 7, 0xab}), "L3", []string{"server 1", "server 2", "00aa", "00ab"}},
		{"the core agrees, whatever server 3 missed", end(End{1, 7, 0xaa}, End{2, 7, 0xaa}, End{3, 1, 0xcc}), "", nil},
		{"and if server 3 is told in first", end(End{3, 1, 0xcc}, End{1, 7, 0xaa}, End{2, 7, 0xaa}), "", nil},
	})
}
