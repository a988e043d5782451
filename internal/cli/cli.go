package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Exit codes of Main.
const (
	ExitOK      = 0
	ExitFailure = 1 // the command failed, or completed only in part
	ExitUsage   = 2 // wrong arguments; nothing was done
)

// Environment variables that supply the defaults of flags.
const (
	EnvURL    = "TROUPE_URL"     // --from, --to
	EnvAPIKey = "TROUPE_API_KEY" // --api-key
)

// DefaultAddr is the address on which troupe serve listens. DefaultURL is the URL at which
// all other commands look for a collector.
const (
	DefaultAddr = "127.0.0.1:7780"
	DefaultURL  = "http://" + DefaultAddr
)

// usageError marks an error in the arguments: Main returns ExitUsage for it.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Main runs the command named by args, which exclude the program's name, and returns its
// exit code. The first SIGINT or SIGTERM cancels the command's context; a second one kills
// the process.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // restores the default: a second signal kills the process

	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(execute(ctx, root, args), stderr)
}

// endTime limits how long a command may go on after SIGINT or SIGTERM. It is below one
// second, the time that users and supervisors commonly wait.
const endTime = 900 * time.Millisecond

// endsItself annotates commands that need longer than endTime to shut down and enforce a
// limit themselves.
const endsItself = "ends-itself"

// errInterrupted is returned for a command that did not react to a signal within endTime.
var errInterrupted = errors.New("interrupted: the command did not finish; only the printed results are certain")

// execute runs a command. After a signal the command has endTime to return, which is enough
// for commands that wait for a server. A command blocked on a disk or a pipe cannot be
// cancelled: its goroutine is abandoned, which is safe because no command leaves files that
// need completion.
func execute(ctx context.Context, root *cobra.Command, args []string) error {
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	if cmd, _, err := root.Find(args); err == nil && cmd.Annotations[endsItself] != "" {
		return <-done
	}
	select {
	case err := <-done:
		return err
	case <-time.After(endTime):
		return errInterrupted
	}
}

// exitCode prints err, if any, and returns its exit code.
func exitCode(err error, stderr io.Writer) int {
	var usage usageError
	if err == nil {
		return ExitOK
	}
	if errors.As(err, &usage) {
		printError(stderr, err)
		_, _ = fmt.Fprintln(stderr, `Run "troupe help" for a list of commands, or "troupe help COMMAND" for its flags.`)
		return ExitUsage
	}
	printError(stderr, err)
	return ExitFailure
}

// printError writes err on one line, prefixed with the program's name. A failed write is
// ignored: there is no other place to report it.
func printError(w io.Writer, err error) {
	text := strings.TrimPrefix(err.Error(), "troupe: ") // errors of the logger have the prefix already
	_, _ = fmt.Fprintf(w, "troupe: %s\n", strings.ReplaceAll(text, "\n", "; "))
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "troupe",
		Short: "Collect, show and replay the logs of AI agents",
		Long: "Troupe collects, shows and replays the logs of AI agents.\n\n" +
			"Exit codes: 0 success, 1 failure, 2 wrong arguments.",
		Version:       version(),
		SilenceErrors: true, // exitCode prints them
		SilenceUsage:  true,
		Args:          arguments(cobra.NoArgs),
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(serveCommand(), showCommand(), replayCommand(), spoolCommand(), demoCommand(), exportCommand(), importCommand(), diffCommand(), searchCommand(), tailCommand(), doctorCommand())
	return root
}

// arguments wraps check so that its errors are usage errors.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// requireRepo returns a usage error if repo is empty.
func requireRepo(repo string) error {
	if repo == "" {
		return usageError{errors.New("no repository given: name one with --repo")}
	}
	return nil
}

// version returns the version of the module from which the program was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
