package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errTerminated is why the program's context ended, where it was SIGTERM: a server then ends in
// good order. Everything else is interrupted by it, as by Ctrl-C.
var errTerminated = errors.New("terminated")

// signalled is a context that ends with the first signal that asks the program to end. The
// second one does not wait for what is under way: it ends the process as if nobody caught it.
func signalled() context.Context {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, ends...)
	go func() {
		first := <-arrived
		if first == syscall.SIGTERM {
			cancel(errTerminated)
		}
		cancel(nil)
		time.Sleep(oneSignal)
		signal.Stop(arrived)
	}()
	return ctx
}

// oneSignal is how long a signal may come again and be the same: some senders (timeout) send it to
// the process, and to its group.
const oneSignal = 100 * time.Millisecond

// unlessInterrupted does what takes long and can't be stopped in the middle. Where the context ends
// first it is left to itself, as the process is about to end.
func unlessInterrupted[T any](ctx context.Context, what string, do func() T) (done T, err error) {
	interrupted := &failure{status: statusInterrupted, line: "interrupted, " + what + " did not end"}
	if ctx.Err() != nil {
		return done, interrupted
	}
	ended := make(chan T, 1)
	go func() { ended <- do() }()
	select {
	case <-ctx.Done():
		return done, interrupted
	case done = <-ended:
		return done, nil
	}
}
