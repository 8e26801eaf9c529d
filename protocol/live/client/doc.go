// Package client talks to a live cluster's servers, of which any takes any command.
//
// It knows several of them, keeps to one while that answers, and goes on to the next where a
// command was surely not executed: the server could not be reached, or said so. A command that
// only reads is asked again in any case. A write whose connection broke before it was answered
// may have been executed, or not: that is [ErrUnknown], and whoever repeats such a command must
// bear that it is executed twice.
//
// Any library for Redis will do as well; what this one adds is that distinction.
package client
