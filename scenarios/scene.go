package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fauer4effect/paxos/sim/script"
)

func sceneCommands() []script.Command {
	return []script.Command{
		{Name: "set", Args: "SETTING VALUE", Summary: "a setting of the machine: timeout, ceiling, heartbeat, retransmit, stagger, update_timer, session_idle (times), part_bytes, window_slots, batch_bytes, prepare_slots, queue_updates, session_limit, tombstones, snapshot_slots, history_slots (numbers), overlapped_write (on)", Setup: true, Parse: parseSet},
		{Name: "formation", Args: "", Summary: "the servers begin with fresh disks that must meet before anybody takes part (X18); without it they trust that no disk is ever lost", Setup: true, Parse: parseFormation},
	}
}

func parseSet(p *script.Parser, args []string) (func(*script.Story) error, error) {
	if len(args) != 2 {
		return nil, script.ErrUsage
	}
	settings := map[string]any{}
	if len(p.Script.Plan.Settings) > 0 {
		numbers := json.NewDecoder(bytes.NewReader(p.Script.Plan.Settings))
		numbers.UseNumber() // as they stand
		if err := numbers.Decode(&settings); err != nil {
			return nil, err
		}
	}
	times := []string{"timeout", "ceiling", "heartbeat", "retransmit", "stagger", "update_timer", "session_idle"}
	numbers := []string{"part_bytes", "window_slots", "batch_bytes", "prepare_slots", "queue_updates", "session_limit", "tombstones", "snapshot_slots", "history_slots"}
	switch {
	case slices.Contains(numbers, args[0]):
		n, err := script.Number(args[1], 1, 1<<20)
		if err != nil {
			return nil, err
		}
		settings[args[0]] = n
	case slices.Contains(times, args[0]):
		d, err := script.Duration(args[1])
		if err != nil {
			return nil, err
		}
		settings[args[0]+"_ns"] = d
	case args[0] == "overlapped_write":
		if args[1] != "on" {
			return nil, fmt.Errorf("%q is not on: leave the line out", args[1])
		}
		settings[args[0]] = true
	default:
		return nil, fmt.Errorf("no setting %q: there are %s and overlapped_write", args[0], strings.Join(append(times, numbers...), ", "))
	}
	raw, err := json.Marshal(settings) // keys come out sorted
	p.Script.Plan.Settings = raw
	return nil, err
}

func parseFormation(p *script.Parser, args []string) (func(*script.Story) error, error) {
	if len(args) != 0 {
		return nil, script.ErrUsage
	}
	p.Script.Plan.Formation = true
	return nil, nil
}
