package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

func sceneCommands() []command {
	return []command{
		{"set", "SETTING VALUE", "a setting of the machine: timeout, ceiling, heartbeat, retransmit, stagger, update_timer, session_idle (times), part_bytes, window_slots, batch_bytes, prepare_slots, queue_updates, session_limit, tombstones, snapshot_slots, history_slots (numbers), overlapped_write (on)", true, parseSet},
		{"formation", "", "the servers begin with fresh disks that must meet before anybody takes part (X18); without it they trust that no disk is ever lost", true, parseFormation},
	}
}

func parseSet(p *parser, args []string) (func(*story) error, error) {
	if len(args) != 2 {
		return nil, errUsage
	}
	settings := map[string]any{}
	if len(p.script.plan.Settings) > 0 {
		numbers := json.NewDecoder(bytes.NewReader(p.script.plan.Settings))
		numbers.UseNumber() // as they stand
		if err := numbers.Decode(&settings); err != nil {
			return nil, err
		}
	}
	times := []string{"timeout", "ceiling", "heartbeat", "retransmit", "stagger", "update_timer", "session_idle"}
	numbers := []string{"part_bytes", "window_slots", "batch_bytes", "prepare_slots", "queue_updates", "session_limit", "tombstones", "snapshot_slots", "history_slots"}
	switch {
	case slices.Contains(numbers, args[0]):
		n, err := number(args[1], 1, 1<<20)
		if err != nil {
			return nil, err
		}
		settings[args[0]] = n
	case slices.Contains(times, args[0]):
		d, err := duration(args[1])
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
	p.script.plan.Settings = raw
	return nil, err
}

func parseFormation(p *parser, args []string) (func(*story) error, error) {
	if len(args) != 0 {
		return nil, errUsage
	}
	p.script.plan.Formation = true
	return nil, nil
}
