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
	ExitFailure = 1 // what was asked for was not, or not wholly, done
	ExitUsage   = 2 // the arguments are wrong; nothing was done
)

// Environment variables that stand for flags that are not given.
const (
	EnvURL    = "TROUPE_URL"     // --from, --to
	EnvAPIKey = "TROUPE_API_KEY" // --api-key
)

// DefaultAddr is where a collector listens, and DefaultURL where it is looked for.
const (
	DefaultAddr = "127.0.0.1:7780"
	DefaultURL  = "http://" + DefaultAddr
)

// usageError is an error of the caller's.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Main runs the command that args name, without the program's name, and returns the
// exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second signal ends the process

	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(execute(ctx, root, args), stderr)
}

// endTime is how long a command may go on after SIGINT or SIGTERM.
const endTime = 900 * time.Millisecond

// endsItself annotates commands that take longer to end, and bound it themselves.
const endsItself = "ends-itself"

// errInterrupted is returned for a command that a signal ended in the middle of something.
var errInterrupted = errors.New("interrupted: it is not known how much was done; what was printed holds")

// execute runs a command. If a signal comes, the command has endTime to end by itself, which
// is enough for those that wait for a server. One that waits for a disk or a pipe is left
// behind; nothing that it writes needs to be finished.
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

// exitCode tells of an error and returns its exit code.
func exitCode(err error, stderr io.Writer) int {
	var usage usageError
	if err == nil {
		return ExitOK
	}
	if errors.As(err, &usage) {
		tell(stderr, err)
		_, _ = fmt.Fprintln(stderr, "Run troupe help for the commands, and troupe help COMMAND for its flags.")
		return ExitUsage
	}
	tell(stderr, err)
	return ExitFailure
}

// tell writes an error in one line, under the program's name. Where that fails there
// is nobody left to tell.
func tell(w io.Writer, err error) {
	text := strings.TrimPrefix(err.Error(), "troupe: ") // the logger's have the name already
	_, _ = fmt.Fprintf(w, "troupe: %s\n", strings.ReplaceAll(text, "\n", "; "))
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "troupe",
		Short: "Collect, show and replay what AI agents log",
		Long: "Troupe collects, shows and replays what AI agents log.\n\n" +
			"Exit codes: 0 success, 1 failure, 2 wrong arguments.",
		Version:       version(),
		SilenceErrors: true, // exitCode tells
		SilenceUsage:  true,
		Args:          arguments(cobra.NoArgs),
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(serveCommand(), showCommand(), replayCommand(), spoolCommand(), demoCommand(), exportCommand(), importCommand(), diffCommand(), searchCommand(), tailCommand(), doctorCommand())
	return root
}

// arguments makes the errors of a check of arguments usage errors.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// requireRepo fails if no repository was named.
func requireRepo(repo string) error {
	if repo == "" {
		return usageError{errors.New("name the log repository with --repo")}
	}
	return nil
}

// version returns the version of the module that the program was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
