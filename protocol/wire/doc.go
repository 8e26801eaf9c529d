// Package wire turns a server's messages into datagrams and back: MessagePack in frames with
// a checksum, and, with a key, authenticated. It is pure: bytes in, messages out.
//
// A datagram is
//
//	bytes  what
//	4      "PXS" and the format's version
//	4      CRC-32C of all that follows but the tag
//	…      a frame: cluster, sender, its life, the message's number, part, parts, payload
//	16     with a key: HMAC-SHA-256 of all before it, truncated
//
// A message larger than a datagram travels in parts. An Encoder belongs to one life of one
// server; a Decoder to one receiver. Neither is for two goroutines.
//
// A Decoder refuses a datagram that is cut, flipped, foreign, of another format, forged, or of
// a server's earlier life. It refuses one that claims sizes it does not have. It counts what it
// refuses, by reason, and never panics. No claim of a datagram costs more memory than its own
// bytes times a small constant, or two kilobytes. Messages that never become whole are
// forgotten, the oldest first.
//
// The checksum is for accidents; only the key is for enemies. A replay within a life is a
// repeated message, which does the protocol no harm.
package wire

//go:generate go tool -modfile=../../tools.mod msgp -file frame.go -o frame_gen.go -tests=false -io=false -unexported
