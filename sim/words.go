package sim

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/world"
)

const (
	microsecond = world.Instant(1_000)
	millisecond = 1_000 * microsecond
	second      = 1_000 * millisecond
	million     = 1_000_000 // parts are the whole
)

func listOf(ids []int) string { return strings.Trim(fmt.Sprint(ids), "[]") }

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
