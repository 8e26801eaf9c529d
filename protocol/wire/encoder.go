package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"

	"github.com/fauer4effect/paxos/protocol"
)

// DatagramBytes is the size up to which datagrams pass nearly every network whole.
const DatagramBytes = 1400

const (
	version     = 3
	headerBytes = 8
	tagBytes    = 16
	frameBytes  = 48 // of a frame, at most, beside its payload
	maxParts    = 64 // of one message
)

var magic = [4]byte{'P', 'X', 'S', version}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Identity says whose datagrams these are.
type Identity struct {
	Cluster uint64            // datagrams of another are refused
	Server  protocol.ServerID // 1…MaxServers
	Life    uint64            // rises with each start of the server, so that earlier ones are told apart
}

// Encoder makes datagrams of one server's messages.
type Encoder struct {
	identity Identity
	chunk    int       // payload bytes of a datagram
	mac      hash.Hash // nil without a key
	sent     uint64    // messages
	message  message
	payload  []byte
	buffers  [][]byte
}

// NewEncoder returns the encoder of one life of a server. Datagrams have at most the given
// size in bytes; zero means DatagramBytes. An empty key means no authentication.
func NewEncoder(id Identity, datagramBytes int, key []byte) (*Encoder, error) {
	if datagramBytes == 0 {
		datagramBytes = DatagramBytes
	}
	e := &Encoder{identity: id, chunk: datagramBytes - headerBytes - frameBytes, mac: newMAC(key)}
	if e.mac != nil {
		e.chunk -= tagBytes
	}
	if e.chunk < 64 || datagramBytes > 65_507 {
		return nil, fmt.Errorf("wire: datagrams of %d bytes: from %d to 65507 are possible", datagramBytes, headerBytes+frameBytes+tagBytes+64)
	}
	return e, nil
}

func newMAC(key []byte) hash.Hash {
	if len(key) == 0 {
		return nil
	}
	return hmac.New(sha256.New, key)
}

// Encode returns the message as datagrams, whose memory is reused by the next call. The
// only message it refuses is one too large for its parts.
func (e *Encoder) Encode(m *protocol.Message) ([][]byte, error) {
	if err := e.message.fill(m); err != nil {
		return nil, err
	}
	payload, err := e.message.MarshalMsg(e.payload[:0])
	e.payload = payload
	if err != nil {
		return nil, fmt.Errorf("wire: %v: %w", m, err)
	}
	parts := (len(payload) + e.chunk - 1) / e.chunk
	if parts > maxParts {
		return nil, fmt.Errorf("wire: %v: %d bytes are more than %d datagrams hold", m, len(payload), maxParts)
	}
	e.sent++
	for len(e.buffers) < parts {
		e.buffers = append(e.buffers, nil)
	}
	f := frame{
		Cluster: e.identity.Cluster, Sender: uint8(e.identity.Server), Life: e.identity.Life,
		ID: e.sent, Parts: uint16(parts),
	}
	for i := range parts {
		f.Part, f.Payload = uint16(i), payload[i*e.chunk:min((i+1)*e.chunk, len(payload))]
		if e.buffers[i], err = e.seal(e.buffers[i][:0], &f); err != nil {
			return nil, fmt.Errorf("wire: %v: %w", m, err)
		}
	}
	return e.buffers[:parts], nil
}

// seal puts a frame between its header and its tag.
func (e *Encoder) seal(b []byte, f *frame) ([]byte, error) {
	b = append(b, magic[:]...)
	b = append(b, 0, 0, 0, 0)
	b, err := f.MarshalMsg(b)
	if err != nil {
		return b, err
	}
	binary.BigEndian.PutUint32(b[4:], crc32.Checksum(b[headerBytes:], castagnoli))
	return appendTag(b, e.mac), nil
}

// appendTag appends what proves that the sender knows the key.
func appendTag(b []byte, mac hash.Hash) []byte {
	if mac == nil {
		return b
	}
	mac.Reset()
	mac.Write(b) // a hash takes all
	n := len(b)
	return mac.Sum(b)[:n+tagBytes]
}
