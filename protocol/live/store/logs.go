package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/wire"
)

// readLogs reads Pebble's write-ahead logs.
func readLogs(dir string, fs vfs.FS) ([][]byte, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, plain(err)
	}
	var logs [][]byte
	for _, name := range names {
		if !strings.HasSuffix(name, ".log") {
			continue
		}
		text, err := readFile(fs, fs.PathJoin(dir, name))
		if err != nil {
			return nil, plain(err)
		}
		logs = append(logs, text)
	}
	return logs, nil
}

// vouching looks in the logs, past whatever Pebble could not read, for a whole record which
// says that the missing one was durable. Pebble cannot tell a torn end from damage within a
// log's last block; the records' bases can.
func vouching(logs [][]byte, missing protocol.Position) (protocol.Position, bool) {
	key := append(slices.Clone(recordKey), 0, 0, 0) // positions stay far below 2^40
	for _, log := range logs {
		for at := 0; ; at++ {
			next := bytes.Index(log[at:], key)
			if next < 0 {
				break
			}
			at += next
			value := log[min(len(log), at+len(recordKey)+8):]
			n, header := binary.Uvarint(value) // as a batch of Pebble's has it
			if header <= 0 || n > uint64(len(value)-header) {
				continue
			}
			if r, ok := wire.Open(value[header : header+int(n)]); ok && r.Position > missing && r.Base >= missing {
				return r.Position, true
			}
		}
	}
	return 0, false
}

func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	return text, errors.Join(err, f.Close())
}
