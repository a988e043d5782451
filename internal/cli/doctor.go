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
	// doctorTime bounds one check.
	doctorTime = 10 * time.Second
	// mostSkew is how far the clocks may be apart: times of a trace from two machines
	// would not fit together.
	mostSkew = 2 * time.Second
	// leastFree is how much room the disk of the spool should have, in bytes.
	leastFree = 1 << 30
)

// The outcomes of a check.
const (
	stateOK   = "ok"
	stateWarn = "warning"
	stateFail = "failed"
)

// finding is what a check found.
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
		Short: "Check what logging needs, and say what to do",
		Long: "Checks what a logger of this user would need: its settings, whether the server answers and takes the key, whether the\n" +
			"clocks agree, and whether the spool's folder can be written and has room. It logs nothing.\n" +
			"It exits with 0 if nothing failed; warnings are no failures.",
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
	cmd.Flags().Lookup("repo").Usage = "log repository (default: $" + logger.EnvRepoID + ")"
	cmd.Flags().Lookup("api-key").Usage = "key of the server (default: $" + EnvAPIKey + ", then $" + logger.EnvAPIKey + "); others see it in the list of processes"
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

// examineSettings looks at what can be judged without the network.
func examineSettings(t target) finding {
	f := finding{Check: "settings", State: stateOK}
	_, err := connect(t.url, cmp.Or(t.repo, "none"), t.key)
	switch {
	case err != nil:
		f.State, f.Detail, f.Remedy = stateFail, err.Error(), "set --to and --api-key, or the variables that stand for them"
	case t.repo == "":
		f.State, f.Detail = stateWarn, "no repository is named"
		f.Remedy = "give loggers Config.ID or $" + logger.EnvRepoID
	default:
		f.Detail = fmt.Sprintf("repository %q at %s, %s", t.repo, t.url, map[bool]string{true: "with a key", false: "without a key"}[t.key != ""])
	}
	return f
}

// examineServer looks at the server: whether it answers, when it thinks it is, and whether
// it takes the key.
func examineServer(ctx context.Context, t target) []finding {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	begun := time.Now()
	date, err := serverDate(ctx, t.url)
	took := time.Since(begun)
	if err != nil {
		return []finding{{"server", stateFail, err.Error(), "start a collector with troupe serve, or name another server with --to"}}
	}
	findings := []finding{{"server", stateOK, fmt.Sprintf("%s answers within %s", t.url, took.Round(time.Millisecond)), ""}}
	if !date.IsZero() {
		skew := time.Until(date).Truncate(time.Second)
		f := finding{"clock", stateOK, "it agrees with the server's to " + mostSkew.String(), ""}
		if skew.Abs() > mostSkew {
			f = finding{
				"clock", stateWarn, fmt.Sprintf("the server's clock is %s from this machine's", skew),
				"synchronise both with NTP: times of one trace from two machines do not fit together",
			}
		}
		findings = append(findings, f)
	}
	return append(findings, examineKey(ctx, t))
}

// serverDate asks for anything and returns what the answer says of the time.
func serverDate(ctx context.Context, to string) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, to, http.NoBody)
	if err != nil {
		return time.Time{}, errors.New("its URL cannot be used") // the error would quote a password in it
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return time.Time{}, fmt.Errorf("no answer from %s: %w", req.URL.Host, cause(err))
	}
	date, _ := http.ParseTime(resp.Header.Get("Date")) // without one there is nothing to compare
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
		return finding{"key", stateOK, "the server takes it, and knows the repository", ""}
	case errors.Is(err, transport.ErrUnauthorized):
		return finding{"key", stateFail, err.Error(), "give the key that the server expects, as --api-key or $" + EnvAPIKey}
	case errors.Is(err, transport.ErrNoRepository):
		return finding{"key", stateFail, err.Error(), "create the repository on the server, or name another with --repo"}
	default:
		return finding{"key", stateFail, err.Error(), "see whether the URL is that of a log server"}
	}
}

// examineSpool looks at the folder in which entries wait.
func examineSpool(dir string) []finding {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return []finding{{"spool", stateFail, err.Error(), "name a folder with Config.SpoolDir, and here with --spool"}}
		}
		dir = filepath.Join(cache, "troupe")
	}
	free, err := writable(dir)
	if err != nil {
		return []finding{{"spool", stateFail, err.Error(), "name a folder of your own with Config.SpoolDir, or use Durability: MemoryOnly"}}
	}
	findings := []finding{{"spool", stateOK, dir + " can be written", ""}}
	if free > 0 {
		f := finding{"disk", stateOK, humanize.IBytes(uint64(free)) + " are free", ""}
		if free < leastFree {
			f.State, f.Remedy = stateWarn, "make room: loggers stop writing to the disk, and keep entries in memory, when it is full"
		}
		findings = append(findings, f)
	}
	return append(findings, examineSlots(dir))
}

// writable makes the folder as a logger does, and a file in it that reaches the disk. It
// returns how many bytes are free there.
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

// examineSlots says what waits in the spool, and what was refused.
func examineSlots(dir string) finding {
	slots, err := spool.Inspect(dir)
	if err != nil {
		return finding{"slots", stateOK, "nothing waits", ""} // it has never been used
	}
	var waiting int64
	var dead, damaged int
	for i := range slots {
		waiting += slots[i].Lines.Records + slots[i].Uploads.Records
		dead += slots[i].Dead
		damaged += slots[i].Quarantined
	}
	f := finding{"slots", stateOK, fmt.Sprintf("%d entries wait for a server, %d were refused by one, %d files were damaged", waiting, dead, damaged), ""}
	if dead > 0 || damaged > 0 {
		f.State, f.Remedy = stateWarn, "see troupe spool dead and troupe spool ls"
	}
	return f
}
