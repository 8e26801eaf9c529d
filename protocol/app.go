package protocol

// App is the replicated application. The machine feeds every server's App the same operations
// in the same order. So an App must be deterministic: no clock, no randomness, no map order in
// a result. Each life of a server gets a fresh App, owned by that server alone.
type App interface {
	// Apply executes one operation and returns its result. The op is immutable and may
	// be kept; the result must never change once returned. An op that the App cannot
	// read is an error for it to report in the result: it may not panic.
	Apply(op []byte) []byte
	// Query answers an operation that only reads, with the result that Apply would have now. It
	// changes nothing. Any other operation is an error for it to report in the result.
	Query(op []byte) []byte
	// Snapshot returns the whole state in a canonical form: equal states, equal bytes.
	Snapshot() []byte
	// Restore replaces the state by one that Snapshot returned.
	Restore(snapshot []byte) error
	// Clone returns a copy that shares no mutable memory with the original.
	Clone() App
	// Hash identifies the state: equal states, equal hashes. It is asked for after each
	// executed slot, so it should be O(1).
	Hash() uint64
}
