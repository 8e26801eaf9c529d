package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// ByteOrderMark is what some editors begin UTF-8 with. It says nothing.
const ByteOrderMark = "\ufeff"

// RefuseTwins finds a field that an object of the JSON text has twice, in whatever case. Of
// the two encoding/json would silently take the last. What else may be wrong with the text
// is for its decoder to say.
func RefuseTwins(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	type level struct {
		object bool
		key    bool // a key comes next
		seen   map[string]bool
	}
	levels := []level{{}}
	for {
		token, err := d.Token()
		if err != nil {
			return nil
		}
		at := &levels[len(levels)-1]
		if name, ok := token.(string); ok && at.object && at.key {
			if folded := strings.ToLower(name); at.seen[folded] {
				return fmt.Errorf("byte %d: duplicate field %q", d.InputOffset(), name)
			} else {
				at.seen[folded] = true
			}
			at.key = false
			continue
		}
		at.key = true // behind a value a key comes next, if this is an object
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{object: true, key: true, seen: map[string]bool{}})
		case json.Delim('['):
			levels = append(levels, level{})
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:len(levels)-1]
			levels[len(levels)-1].key = true
		}
	}
}
