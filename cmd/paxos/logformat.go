//go:build !simonly

package main

import (
	"errors"
	"io"
	"log/slog"
)

// logFormat is how a server logs. The zero value is not at all: it tells lines instead.
type logFormat string

func parseLogFormat(text string) (logFormat, error) {
	if text != "text" && text != "json" {
		return "", errors.New("it is text or json")
	}
	return logFormat(text), nil
}

// handler writes records, nil where there is no log.
func (f logFormat) handler(w io.Writer) slog.Handler {
	switch f {
	case "text":
		return slog.NewTextHandler(w, nil)
	case "json":
		return slog.NewJSONHandler(w, nil)
	}
	return nil
}
