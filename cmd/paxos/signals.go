package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
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
		signal.Stop(arrived)
		if first == syscall.SIGTERM {
			cancel(errTerminated)
		}
		cancel(nil)
	}()
	return ctx
}
