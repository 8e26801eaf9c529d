package protocol

import "fmt"

// InvariantError is what a Server panics with when it finds itself in a state that its own
// rules exclude. That is a bug of the machine; bad input from outside is dropped instead.
type InvariantError struct {
	Law   string // the law that does not hold, said positively
	State string // the server, as String has it
}

func (e *InvariantError) Error() string {
	return fmt.Sprintf("invariant broken: %s: %s", e.Law, e.State)
}

// BrokenLaw is the law, for the code that catches the panic.
func (e *InvariantError) BrokenLaw() string { return e.Law }

// invariant panics unless ok. The law is constant, so that it costs nothing while it holds.
func (s *Server) invariant(ok bool, law string) {
	if !ok {
		panic(&InvariantError{Law: law, State: s.String()})
	}
}

// String is the server's state in one line.
func (s *Server) String() string {
	return fmt.Sprintf("server %d of %d: %v, attempted %d, installed %d, aru %d, proposed %d, top %d, pending %d",
		s.id, s.n, s.state, s.lastAttempted, s.lastInstalled, s.localARU, s.lastProposed, s.top, s.pendings)
}
