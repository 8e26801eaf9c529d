package engine

import (
	"strconv"
	"strings"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// texts make the clients' operations. These are many and small, and are kept as long as the checks
// need them. So operations that are made one after the other share a piece of memory. The zero
// value is ready.
type texts struct {
	written strings.Builder
	encoded []byte
}

const (
	textPiece   = 2048
	mostOfPiece = 256 // bytes: what is longer may be copied on
)

// number is n in decimal and the given end.
func (t *texts) number(n int, end string) string {
	if t.written.Cap()-t.written.Len() < mostOfPiece {
		t.written.Reset()
		t.written.Grow(textPiece)
	}
	var digits [20]byte
	at := t.written.Len()
	t.written.Write(strconv.AppendInt(digits[:0], int64(n), 10))
	t.written.WriteString(end)
	return t.written.String()[at:]
}

// encode is the operation's Encode.
func (t *texts) encode(op *kv.Op) []byte {
	if cap(t.encoded)-len(t.encoded) < mostOfPiece {
		t.encoded = make([]byte, 0, textPiece)
	}
	at := len(t.encoded)
	t.encoded = op.AppendTo(t.encoded)
	return t.encoded[at:len(t.encoded):len(t.encoded)]
}
