package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Error says of an error of encoding/json at which byte it is, and what would be right.
func Error(err error, at int64) error {
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("it ends in the middle, after byte %d", at)
	case errors.As(err, &syntax):
		return fmt.Errorf("byte %d: %w", syntax.Offset, err)
	case errors.As(err, &typed):
		where := ""
		if typed.Field != "" {
			where = "field " + typed.Field + ": "
		}
		return fmt.Errorf("byte %d: %s%s", typed.Offset, where, Mismatch(typed))
	}
	return fmt.Errorf("byte %d: %w", at, err)
}

// Mismatch says what a value should have been, and what it is.
func Mismatch(err *json.UnmarshalTypeError) string {
	return fmt.Sprintf("expected %s, found %s", jsonKind(err.Type.Kind()), withArticle(err.Value))
}

// jsonKind is what JSON has for a kind of Go's.
func jsonKind(k reflect.Kind) string {
	switch k {
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	}
	return "a number that fits " + k.String()
}

func withArticle(what string) string {
	if strings.ContainsAny(what[:1], "aeiou") {
		return "an " + what
	}
	return "a " + what
}
