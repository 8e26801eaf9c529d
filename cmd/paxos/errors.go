package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/fauer4effect/paxos/sim/testbed/cli"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit statuses; scripts depend on them.
const (
	statusFailed      = 1   // a property was violated or a check failed
	statusUsage       = 2   // wrong usage or bad input
	statusInterrupted = 130 // as a shell reports SIGINT
)

// failure ends a command with a status, and with a line on stderr where the output does not
// already say it.
type failure struct {
	status int
	line   string // what and where; "": the output has said it
	hint   string // what to type instead
}

func (f *failure) Error() string { return f.line }

var (
	errFailed      = &failure{status: statusFailed}
	errInterrupted = &failure{status: statusInterrupted}
)

// usage is wrong usage or bad input.
func usage(hint, format string, args ...any) error {
	return &failure{status: statusUsage, line: fmt.Sprintf(format, args...), hint: hint}
}

// exitStatus says how the program ends, and writes the line that says why.
func exitStatus(cmd *cobra.Command, err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	var f *failure
	if !errors.As(err, &f) {
		f = foreign(cmd, err)
	}
	if f.line != "" {
		fmt.Fprintln(stderr, oneLine(cmd, f))
	}
	return f.status
}

// oneLine is `paxos: sweep: --nodes 10: a cluster has 1 to 9 servers (hint)`.
func oneLine(cmd *cobra.Command, f *failure) string {
	line := strings.ReplaceAll(cmd.CommandPath(), " ", ": ") + ": " + f.line
	if f.hint != "" {
		line += " (" + f.hint + ")"
	}
	return strings.Join(strings.Fields(line), " ")
}

// foreign makes a line of what cobra itself complains about: an unknown command.
func foreign(cmd *cobra.Command, err error) *failure {
	what, _, _ := strings.Cut(err.Error(), "\n")
	hint := cmd.CommandPath() + " --help lists the commands"
	var name, parent string
	if n, _ := fmt.Sscanf(what, "unknown command %q for %q", &name, &parent); n == 2 {
		what = fmt.Sprintf("unknown command %q", name)
		if close := cmd.SuggestionsFor(name); len(close) > 0 {
			hint = "did you mean " + strings.Join(close, " or ") + "? paxos help lists the commands"
		} else {
			hint = "paxos help lists the commands"
		}
	}
	return &failure{status: statusUsage, line: what, hint: hint}
}

// flagError says what is wrong with a flag, in our words.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var number *strconv.NumError
	hint := cmd.CommandPath() + " --help lists the flags"
	if asksForHelp(cmd, err) {
		showHelp(cmd, nil)
		return &failure{status: 0}
	}
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return usage(hint, "unknown flag -%s", unknown.GetSpecifiedShortnames())
	case errors.As(err, &unknown):
		return usage(hint, "unknown flag --%s", unknown.GetSpecifiedName())
	case errors.As(err, &bare):
		name := "--" + bare.GetSpecifiedName()
		if bare.GetSpecifiedShortnames() != "" {
			name = name[1:]
		}
		return usage(hint, "%s: its value is missing", name)
	case errors.As(err, &invalid):
		cause := errors.Unwrap(invalid)
		if errors.As(cause, &number) {
			cause = number.Err
		}
		return usage("", "--%s %s: %v", invalid.GetFlag().Name, cli.Quote(invalid.GetValue()), cause)
	}
	return usage(hint, "%v", err)
}

// asksForHelp says whether -h stands alone. With a value it is the host file of a live server.
func asksForHelp(cmd *cobra.Command, err error) bool {
	var bare *pflag.ValueRequiredError
	return errors.Is(err, pflag.ErrHelp) ||
		errors.As(err, &bare) && bare.GetSpecifiedShortnames() == "h" && cmd.Flags().NFlag() == 0
}

// noCommand refuses what is no command.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
	}
	return nil
}

// noArgs refuses arguments.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("it takes flags only", "unexpected argument %s", cli.Quote(args[0]))
	}
	return nil
}
