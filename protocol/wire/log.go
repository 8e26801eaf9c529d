package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
)

// A log is stored records one after the other, each behind its length in 4 bytes. A crash may
// tear what was not yet durable, or leave holes in it: that is cut off. Where a record is
// missing that a later one vouches for, the log is damaged.

const logHeader = 4

// AppendToLog appends a record to a log. All records up to base must be durable.
func (c *RecordCodec) AppendToLog(log []byte, r *protocol.Record, base protocol.Position) ([]byte, error) {
	start := len(log)
	log, err := c.Append(append(log, 0, 0, 0, 0), r, base)
	if err != nil {
		return log[:start], err
	}
	binary.BigEndian.PutUint32(log[start:], uint32(len(log)-start-logHeader))
	return log, nil
}

// ReadLog reads a log's records, from position 1 or from a snapshot on. It says how many bytes
// at the end a crash left of unfinished writes. Other damage is an error.
func (c *RecordCodec) ReadLog(log []byte) (records []protocol.Record, torn int, err error) {
	first := protocol.Position(1)
	if s, ok := logEntry(log); ok {
		if r, err := c.decode(s); err == nil && r.Kind == protocol.RecordSnapshot {
			first = r.Position
		}
	}
	for at := 0; at < len(log); {
		next := first + protocol.Position(len(records))
		s, ok := logEntry(log[at:])
		if ok && s.Position < next {
			return nil, 0, fmt.Errorf("record %d stands in the place of record %d", s.Position, next)
		}
		if !ok || s.Position != next {
			if by, found := vouched(log[at:], next); found {
				return nil, 0, fmt.Errorf("record %d is damaged or not in its place, and record %d says that it was durable", next, by)
			}
			return records, len(log) - at, nil
		}
		r, err := c.decode(s)
		if err != nil {
			return nil, 0, fmt.Errorf("record %d: %w", next, err)
		}
		records = append(records, r)
		at += logHeader + storedHeader + len(s.body)
	}
	return records, 0, nil
}

// logEntry is the first record of a log, if it is whole.
func logEntry(log []byte) (Stored, bool) {
	if len(log) < logHeader+storedHeader {
		return Stored{}, false
	}
	n := uint64(binary.BigEndian.Uint32(log))
	if n < storedHeader || n > uint64(len(log)-logHeader) {
		return Stored{}, false
	}
	return Open(log[logHeader : logHeader+n])
}

// vouched finds a record that vouches for the missing one, anywhere in what is left of a log.
func vouched(log []byte, missing protocol.Position) (protocol.Position, bool) {
	for at := range log {
		// Cheap looks first: the checksum covers as much as the length claims.
		if len(log)-at < logHeader+storedHeader ||
			protocol.Position(binary.BigEndian.Uint64(log[at+logHeader+4:])) <= missing ||
			protocol.Position(binary.BigEndian.Uint64(log[at+logHeader+12:])) < missing {
			continue
		}
		if s, ok := logEntry(log[at:]); ok {
			return s.Position, true
		}
	}
	return 0, false
}
