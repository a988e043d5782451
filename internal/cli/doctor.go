package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/vfs"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/transport"
)

const (
	// doctorTime limits the checks of the server.
	doctorTime = 10 * time.Second
	// mostSkew is the largest accepted difference between the clocks. Beyond it the
	// entries of a trace that spans two machines appear out of order.
	mostSkew = 2 * time.Second
	// leastFree is the free disk space that the spool should have, in bytes.
	leastFree = 1 << 30
)

// The outcomes of a check.
const (
	stateOK   = "ok"
	stateWarn = "warning"
	stateFail = "failed"
)

// finding is the result of one check.
type finding struct {
	Check  string `json:"check"`
	State  string `json:"state"` // ok, warning or failed
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

func doctorCommand() *cobra.Command {
	var t target
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor [flags]",
		Short: "Check the requirements of logging and suggest fixes",
		Long: "Checks the requirements of a logger of this user: the settings, whether the server responds and accepts the\n" +
			"key, whether the clocks agree, and whether the spool folder is writable and has free space. It logs nothing.\n" +
			"The exit code is 0 if no check failed; warnings are not failures.",
		Example: "  troupe doctor --repo my-agents",
		Args:    arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			t.url = cmp.Or(t.url, os.Getenv(EnvURL), os.Getenv(logger.EnvBaseURL), DefaultURL)
			t.key = cmp.Or(t.key, os.Getenv(EnvAPIKey), os.Getenv(logger.EnvAPIKey))
			t.repo = cmp.Or(t.repo, os.Getenv(logger.EnvRepoID))
			return diagnose(c.Context(), t, dir, asJSON, c.OutOrStdout())
		},
	}
	t.flags(cmd, "to", "")
	cmd.Flags().Lookup("to").Usage = "URL of the server (default: $" + EnvURL + ", $" + logger.EnvBaseURL + ", then " + DefaultURL + ")"
	cmd.Flags().Lookup("repo").Usage = "repository of the log (default: $" + logger.EnvRepoID + ")"
	cmd.Flags().Lookup("api-key").Usage = "key of the server (default: $" + EnvAPIKey + ", then $" + logger.EnvAPIKey + "); visible to other users in the process list"
	cmd.Flags().StringVar(&dir, "spool", "", "folder of the spool (default: troupe in your cache folder)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON list")
	return cmd
}

func diagnose(ctx context.Context, t target, dir string, asJSON bool, stdout io.Writer) error {
	findings := []finding{examineSettings(t)}
	if findings[0].State != stateFail {
		findings = append(findings, examineServer(ctx, t)...)
	}
	findings = append(findings, examineSpool(dir)...)
	failed := 0
	for _, f := range findings {
		if f.State == stateFail {
			failed++
		}
	}
	if err := printFindings(stdout, findings, asJSON); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(findings))
	}
	return nil
}

func printFindings(w io.Writer, findings []finding, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(findings)
	}
	marks := map[string]string{stateOK: "✓", stateWarn: "!", stateFail: "✗"}
	for _, f := range findings {
		remedy := ""
		if f.Remedy != "" {
			remedy = "\n    → " + f.Remedy
		}
		if _, err := fmt.Fprintf(w, "%s %s: %s%s\n", marks[f.State], f.Check, f.Detail, remedy); err != nil {
			return err
		}
	}
	return nil
}

// examineSettings checks the settings as far as possible without the network.
func examineSettings(t target) finding {
	f := finding{Check: "settings", State: stateOK}
	_, err := connect(t.url, cmp.Or(t.repo, "none"), t.key)
	switch {
	case err != nil:
		f.State, f.Detail, f.Remedy = stateFail, err.Error(), "set --to and --api-key, or their environment variables"
	case t.repo == "":
		f.State, f.Detail = stateWarn, "no repository is set"
		f.Remedy = "set Config.ID in your program, or $" + logger.EnvRepoID
	default:
		f.Detail = fmt.Sprintf("repository %q at %s, %s", t.repo, t.url, map[bool]string{true: "with a key", false: "without a key"}[t.key != ""])
	}
	return f
}

// examineServer checks that the server responds, that its clock agrees with this machine's,
// and that it accepts the key. Without a response the other two checks are left out.
func examineServer(ctx context.Context, t target) []finding {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	begun := time.Now()
	date, err := serverDate(ctx, t.url)
	took := time.Since(begun)
	if err != nil {
		return []finding{{"server", stateFail, err.Error(), "start a collector with \"troupe serve\", or name another server with --to"}}
	}
	findings := []finding{{"server", stateOK, fmt.Sprintf("%s responded within %s", t.url, took.Round(time.Millisecond)), ""}}
	if !date.IsZero() {
		skew := time.Until(date).Truncate(time.Second)
		f := finding{"clock", stateOK, "within " + mostSkew.String() + " of the server's", ""}
		if skew.Abs() > mostSkew {
			f = finding{
				"clock", stateWarn, fmt.Sprintf("the server's clock differs from this machine's by %s", skew),
				"synchronise both with NTP: otherwise entries of a trace that spans two machines appear out of order",
			}
		}
		findings = append(findings, f)
	}
	return append(findings, examineKey(ctx, t))
}

// serverDate returns the Date header of any response of the server, zero if it has none.
func serverDate(ctx context.Context, to string) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, to, http.NoBody)
	if err != nil {
		return time.Time{}, errors.New("the URL is invalid") // the original error would print a password in it
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return time.Time{}, fmt.Errorf("no answer from %s: %w", req.URL.Host, cause(err))
	}
	date, _ := http.ParseTime(resp.Header.Get("Date")) // zero if missing or malformed: the clock is not checked
	return date, resp.Body.Close()
}

func examineKey(ctx context.Context, t target) finding {
	client, err := connect(t.url, cmp.Or(t.repo, "none"), t.key)
	if err != nil {
		return finding{"key", stateFail, err.Error(), "set --api-key"}
	}
	defer client.Close()
	switch err := client.Repository(ctx); {
	case err == nil:
		return finding{"key", stateOK, "the server accepts it and has the repository", ""}
	case errors.Is(err, transport.ErrUnauthorized):
		return finding{"key", stateFail, err.Error(), "set the key of the server with --api-key or $" + EnvAPIKey}
	case errors.Is(err, transport.ErrNoRepository):
		return finding{"key", stateFail, err.Error(), "create the repository on the server, or name another with --repo"}
	default:
		return finding{"key", stateFail, err.Error(), "check that the URL belongs to a log server"}
	}
}

// examineSpool checks the spool folder: that it is writable, its free space and its slots.
func examineSpool(dir string) []finding {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return []finding{{"spool", stateFail, err.Error(), "set Config.SpoolDir in your program, and --spool here"}}
		}
		dir = filepath.Join(cache, "troupe")
	}
	free, err := writable(dir)
	if err != nil {
		return []finding{{"spool", stateFail, err.Error(), "set Config.SpoolDir to a writable folder, or use Durability: MemoryOnly"}}
	}
	findings := []finding{{"spool", stateOK, dir + " is writable", ""}}
	if free > 0 {
		f := finding{"disk", stateOK, humanize.IBytes(uint64(free)) + " free", ""}
		if free < leastFree {
			f.State, f.Remedy = stateWarn, "free some space: on a full disk loggers keep entries in memory only"
		}
		findings = append(findings, f)
	}
	return append(findings, examineSlots(dir))
}

// writable creates the folder as a logger would, syncs a temporary file in it to disk, and
// returns the free space in bytes, 0 if unknown.
func writable(dir string) (free int64, err error) {
	folder, err := vfs.OS(dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	file, err := os.CreateTemp(dir, "doctor-")
	if err != nil {
		return 0, err
	}
	_, err = file.WriteString("troupe doctor\n")
	if err := errors.Join(err, file.Sync(), file.Close(), os.Remove(file.Name())); err != nil {
		return 0, err
	}
	return folder.Free()
}

// examineSlots counts the entries that wait in the spool, the dead letters and the damaged
// files.
func examineSlots(dir string) finding {
	slots, err := spool.Inspect(dir)
	if err != nil {
		return finding{"slots", stateOK, "no entries are waiting", ""} // the spool has never been used
	}
	var waiting int64
	var dead, damaged int
	for i := range slots {
		waiting += slots[i].Lines.Records + slots[i].Uploads.Records
		dead += slots[i].Dead
		damaged += slots[i].Quarantined
	}
	f := finding{"slots", stateOK, fmt.Sprintf("%d entries waiting for a server, %d dead letters, %d damaged files", waiting, dead, damaged), ""}
	if dead > 0 || damaged > 0 {
		f.State, f.Remedy = stateWarn, "run \"troupe spool dead\" and \"troupe spool ls\" for details"
	}
	return f
}
