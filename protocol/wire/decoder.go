package wire

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"

	"github.com/tinylib/msgp/msgp"

	"github.com/fauer4effect/paxos/protocol"
)

// Decoder makes messages of datagrams, for one receiver.
type Decoder struct {
	cluster uint64
	servers int
	mac     hash.Hash // nil without a key
	lives   [protocol.MaxServers + 1]uint64
	partial [protocol.MaxServers + 1]assembly
	frame   frame
	message message
	read    int // bytes, since message was empty
	tag     []byte
	refused [numReasons]uint64
	foreign uint64
}

// NewDecoder returns the decoder of a server of a cluster of the given size. With a key it
// takes only datagrams that were made with the same one.
func NewDecoder(cluster uint64, servers int, key []byte) *Decoder {
	return &Decoder{cluster: cluster, servers: servers, mac: newMAC(key)}
}

// reason says why a datagram was refused.
type reason uint8

const (
	truncated reason = iota
	otherFormat
	badChecksum
	forged
	otherCluster
	unknownSender
	earlierLife
	malformed
	numReasons
)

// EarlierLife and OtherKey are the reasons for which datagrams of a server's earlier life are
// refused, and those that were made without the key.
const (
	EarlierLife = "an earlier life of its sender"
	OtherKey    = "not made with our key"
)

var reasonNames = [numReasons]string{
	truncated:     "truncated",
	otherFormat:   "another format or version",
	badChecksum:   "bad checksum",
	forged:        OtherKey,
	otherCluster:  "another cluster",
	unknownSender: "unknown sender",
	earlierLife:   EarlierLife,
	malformed:     "malformed",
}

// Lives are, by sender, the latest life that a datagram was taken from. Datagrams of earlier lives
// are refused.
func (d *Decoder) Lives() [protocol.MaxServers + 1]uint64 { return d.lives }

// SetLives has the decoder begin with what an earlier one knew.
func (d *Decoder) SetLives(lives [protocol.MaxServers + 1]uint64) { d.lives = lives }

// Foreign is the last other cluster that a datagram came from, zero for none.
func (d *Decoder) Foreign() uint64 { return d.foreign }

// Refused calls f with each reason for which datagrams are refused, and how many were, in a
// fixed order.
func (d *Decoder) Refused(f func(reason string, times uint64)) {
	for why, times := range d.refused {
		f(reasonNames[why], times)
	}
}

// Decode takes a datagram, and returns a message if that made one whole. The message has
// memory of its own; the datagram's may be reused. False means that the datagram was
// refused, and counted, or that parts of its message are still missing.
func (d *Decoder) Decode(datagram []byte) (protocol.Message, bool) {
	payload, whole := d.open(datagram)
	if !whole {
		return protocol.Message{}, false
	}
	m, ok := d.decode(payload)
	if !ok {
		d.refused[malformed]++
	}
	return m, ok
}

func (d *Decoder) decode(payload []byte) (protocol.Message, bool) {
	var m protocol.Message
	ok := unmarshal(payload, &d.message) == nil
	if ok {
		m, ok = d.message.message(protocol.ServerID(d.frame.Sender))
	}
	if d.read += len(payload); d.read > readIntoOne {
		d.message, d.read = message{}, 0
	}
	return m, ok
}

// readIntoOne is how many bytes are read into the same message or record. Then an empty one takes its
// place: its entries and updates keep the most room that each has needed, and that adds up.
const readIntoOne = 64 << 10

// unmarshal reads one MessagePack value, which must be all of the bytes. A claimed length alone costs
// next to nothing: the decoder allocates little, or no more than the bytes that really follow.
func unmarshal(b []byte, to msgp.Unmarshaler) error {
	if mayClaimMuch(b) {
		if _, err := msgp.Skip(b); err != nil {
			return err
		}
	}
	rest, err := to.UnmarshalMsg(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes too many", len(rest))
	}
	return err
}

// mayClaimMuch says whether there may be a header of more than 15 elements or 255 bytes in b. To look
// for the bytes with which such headers begin takes far less time than to go through all values.
func mayClaimMuch(b []byte) bool {
	for _, header := range [...]byte{0xc5, 0xc6, 0xdc, 0xdd} { // bin 16, bin 32, array 16, array 32
		if bytes.IndexByte(b, header) >= 0 {
			return true
		}
	}
	return false
}

// open checks a datagram from the outside in, cheap checks first, and returns the message's
// bytes once they are all there.
func (d *Decoder) open(b []byte) (payload []byte, whole bool) {
	why, ok := d.check(b)
	if !ok {
		d.refused[why]++
		return nil, false
	}
	f := &d.frame
	switch {
	case f.Cluster != d.cluster:
		why, d.foreign = otherCluster, f.Cluster
	case f.Sender == 0 || int(f.Sender) > d.servers:
		why = unknownSender
	case f.Life < d.lives[f.Sender]:
		why = earlierLife
	case f.Parts == 0 || f.Parts > maxParts || f.Part >= f.Parts:
		why = malformed
	default:
		if f.Life > d.lives[f.Sender] {
			d.lives[f.Sender] = f.Life
			d.partial[f.Sender] = assembly{}
		}
		if f.Parts == 1 {
			return f.Payload, true
		}
		return d.partial[f.Sender].add(f)
	}
	d.refused[why]++
	return nil, false
}

// check looks at header, tag and frame.
func (d *Decoder) check(b []byte) (reason, bool) {
	if d.mac != nil {
		n := len(b) - tagBytes
		if n < headerBytes {
			return truncated, false
		}
		if d.tag = appendTag(append(d.tag[:0], b[:n]...), d.mac); !hmac.Equal(d.tag[n:], b[n:]) {
			return forged, false
		}
		b = b[:n]
	}
	switch {
	case len(b) <= headerBytes:
		return truncated, false
	case [4]byte(b) != magic:
		return otherFormat, false
	case binary.BigEndian.Uint32(b[4:]) != crc32.Checksum(b[headerBytes:], castagnoli):
		return badChecksum, false
	}
	if rest, err := d.frame.UnmarshalMsg(b[headerBytes:]); err != nil || len(rest) > 0 {
		return malformed, false
	}
	return 0, true
}

// assembly collects the parts of one sender's messages. It has room for a few messages at a
// time; a new one takes the place of the oldest.
type assembly struct {
	slots [assemblySlots]partial
}

const assemblySlots = 4

type partial struct {
	id      uint64
	parts   [][]byte
	missing int
}

// add takes a part, and returns the whole payload if it was the last that was missing.
func (a *assembly) add(f *frame) ([]byte, bool) {
	p := a.find(f)
	if p == nil || len(p.parts) != int(f.Parts) || p.parts[f.Part] != nil {
		return nil, false // older than what we collect, contradictory, or there already
	}
	p.parts[f.Part] = append([]byte{}, f.Payload...)
	if p.missing--; p.missing > 0 {
		return nil, false
	}
	var whole []byte
	for _, part := range p.parts {
		whole = append(whole, part...)
	}
	p.parts = nil // id stays: late repetitions begin nothing new
	return whole, true
}

// find is the place of the frame's message, nil if it is too old to have one.
func (a *assembly) find(f *frame) *partial {
	oldest := &a.slots[0]
	for i := range a.slots {
		if a.slots[i].id == f.ID {
			return &a.slots[i]
		}
		if a.slots[i].id < oldest.id {
			oldest = &a.slots[i]
		}
	}
	if f.ID < oldest.id {
		return nil
	}
	*oldest = partial{id: f.ID, parts: make([][]byte, f.Parts), missing: int(f.Parts)}
	return oldest
}
