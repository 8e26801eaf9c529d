package finding

import (
	"fmt"
	"regexp"
	"strings"
)

// Violation is a property that does not hold, with what shows it.
type Violation struct {
	Property string `json:"property"` // S1…S10, L1…L4, or invariant
	At       int64  `json:"at_ns"`    // virtual time
	Detail   string `json:"detail"`   // servers, views and seqs involved

	// Name says in a word what the property is, where it has one: agreement.
	Name string `json:"name,omitempty"`

	// Stack is, of a panic, who called whom, the innermost first.
	Stack []string `json:"stack,omitempty"`
}

// Named is the property as people read it: S1 (agreement).
func (v *Violation) Named() string {
	if v.Name == "" {
		return v.Property
	}
	return v.Property + " (" + v.Name + ")"
}

func (v *Violation) String() string {
	return fmt.Sprintf("%s violated at %.6fs: %s", v.Named(), float64(v.At)/1e9, v.Detail)
}

// Signature is the violation without its numbers and its values: failures of one signature
// are likely to be of one bug.
func (v *Violation) Signature() string {
	detail := v.Detail
	place := panicPlace.FindString(detail) // of two panics, the line tells them apart
	if before, _, found := strings.Cut(detail, NoLinearization); found {
		return v.Property + ": " + before + NoLinearization // whatever the operation
	}
	detail = stillBroken.ReplaceAllString(strings.TrimSuffix(detail, place), "")
	return v.Property + ": " + values.ReplaceAllString(detail, "#") + place
}

// NoLinearization is what an S8 by the clients' history alone says.
const NoLinearization = "the clients' history has no linearization"

var (
	panicPlace  = regexp.MustCompile(`\([^ ()]+\.go:\d+\)$`)
	stillBroken = regexp.MustCompile(`(, server \d+ (down|cut|deaf|mute))+$`)
)

// values are quoted texts, lists and numbers.
var values = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\[[0-9 ]*\]|\b[0-9a-f]{16}\b|\d+(?:\.\d+)?`)
