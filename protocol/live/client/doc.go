// Package client talks to a live cluster's servers. Any of them takes any command.
//
// It knows several servers, and keeps to one while that answers. It goes on to the next where a
// command was surely not executed: the server could not be reached, or said so. A command that
// only reads is asked again in any case.
//
// A write whose connection broke before it was answered may have been executed, or not: that is
// [ErrUnknown]. A caller that repeats such a command must accept that it may be executed twice.
//
// Any library for Redis will do as well. This one adds that distinction.
package client
