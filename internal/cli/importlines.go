package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/replay"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/transport"
)

// Limits of one imported batch.
const (
	importLines = 2000
	importBytes = 4 << 20
)

func importCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "import [flags] FILE…",
		Short: "Store exported log lines",
		Long: "Stores log lines in a collector: JSON objects as printed by \"troupe export\", or plain log lines.\n" +
			"Importing a file again stores nothing twice. Malformed lines are reported and skipped.",
		Example: "  troupe export --repo my-agents > lines.jsonl\n  troupe import --repo copy lines.jsonl",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			t.fill()
			return importFiles(c.Context(), t, args, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	t.flags(cmd, "to", "")
	return cmd
}

func importFiles(ctx context.Context, t target, paths []string, stdout, stderr io.Writer) error {
	if err := t.check("to"); err != nil {
		return err
	}
	client, err := connect(t.url, t.repo, t.key)
	if err != nil {
		return err
	}
	defer client.Close()
	malformed := 0
	for _, path := range paths {
		i := importer{send: client.Send, told: stderr, path: path}
		if err := i.file(ctx); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(stdout, "%s: stored %d lines in repository %q\n", path, i.sent, t.repo); err != nil {
			return err
		}
		malformed += i.malformed
	}
	if malformed > 0 {
		return fmt.Errorf("skipped %d malformed lines", malformed)
	}
	return nil
}

// importer sends the lines of a file. Its numbers follow from the file's content and the
// places in it, so that a collector knows them again.
type importer struct {
	send func(context.Context, transport.Batch) error
	told io.Writer
	path string

	spool           string
	batch           transport.Batch
	number          uint64 // of the line or value that was read last
	sent, malformed int
}

func (i *importer) file(ctx context.Context) error {
	file, err := os.Open(i.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	content := interruptible{ctx, file}
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return fmt.Errorf("%s: nothing stored: %w", i.path, err)
	}
	i.spool = hex.EncodeToString(sum.Sum(nil)[:16])
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%w: %s must be a regular file, because it is read twice", err, i.path)
	}
	in := bufio.NewReaderSize(content, 1<<16)
	read := i.lines
	if start, _ := in.Peek(512); bytes.IndexAny(bytes.TrimLeft(start, "\ufeff \t\r\n"), "{[") == 0 {
		read = i.values
	}
	if err := read(ctx, in); err != nil {
		return err
	}
	return i.flush(ctx)
}

// interruptible is a reader that fails once its context is done.
type interruptible struct {
	ctx context.Context // the reader lives no longer than one call
	io.Reader
}

// Read implements io.Reader.
func (r interruptible) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}

// lines reads a file of log lines.
func (i *importer) lines(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 2*protocol.MaxLine)
	for lines.Scan() {
		i.number++
		if err := i.line(ctx, lines.Bytes(), "line"); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%s: line %d is longer than %d bytes; stored the %d lines before it", i.path, i.number+1, 2*protocol.MaxLine, i.sent)
	}
	return i.broken(lines.Err())
}

// values reads a file of JSON objects.
func (i *importer) values(ctx context.Context, in io.Reader) error {
	for values := replay.NewValues(in, 2*protocol.MaxLine); ; {
		text, err := values.Next()
		i.number = uint64(values.Number())
		switch bad, skipped := errors.AsType[*replay.ValueError](err); {
		case err == nil:
			if err := i.line(ctx, text, "value"); err != nil {
				return err
			}
		case skipped:
			i.refuse(fmt.Errorf("%s: %w", i.path, bad))
		case errors.Is(err, io.EOF):
			return nil
		default:
			return i.broken(err)
		}
	}
}

// broken returns the error of a file that cannot be read to its end, with the number of
// lines stored before; nil if err is nil.
func (i *importer) broken(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: read failed after %d stored lines: %w", i.path, i.sent, err)
}

// refuse reports and counts a skipped line.
func (i *importer) refuse(why error) {
	i.malformed++
	printError(i.told, why)
}

// line adds a line of the file, or a value, to the batch. A full batch is sent first, and so
// is one that text does not directly follow: the lines of a batch have consecutive numbers.
func (i *importer) line(ctx context.Context, text []byte, what string) error {
	if len(text) == 0 {
		return nil
	}
	line, err := logLine(text)
	if err == nil {
		_, err = wire.Parse(line)
	}
	if err != nil {
		i.refuse(fmt.Errorf("%s: %s %d is not a log line: %w", i.path, what, i.number, err))
		return nil
	}
	full := i.batch.Lines >= importLines || len(i.batch.Body)+len(line) > importBytes
	if i.batch.Lines > 0 && (full || i.batch.First+uint64(i.batch.Lines) != i.number) {
		if err := i.flush(ctx); err != nil {
			return err
		}
	}
	if i.batch.Lines == 0 {
		i.batch.Spool, i.batch.First = i.spool, i.number
	} else {
		i.batch.Body = append(i.batch.Body, '\n')
	}
	i.batch.Body = append(i.batch.Body, line...)
	i.batch.Lines++
	return nil
}

func (i *importer) flush(ctx context.Context) error {
	if i.batch.Lines == 0 {
		return nil
	}
	if err := i.send(ctx, i.batch); err != nil {
		return fmt.Errorf("%s: stored %d lines, then failed: %w; import the file again, nothing is stored twice", i.path, i.sent, err)
	}
	i.sent += i.batch.Lines
	i.batch = transport.Batch{Body: i.batch.Body[:0]}
	return nil
}

var errNotExported = errors.New("the JSON object has no log line")

// logLine returns the log line inside an exported JSON object, or text itself if it is not
// an object.
func logLine(text []byte) ([]byte, error) {
	if text[0] != '{' {
		return text, nil
	}
	var stored collector.StoredLine
	if err := json.Unmarshal(text, &stored); err != nil {
		return nil, errNotExported // the error would quote the line
	}
	if stored.LineBase64 != nil {
		return stored.LineBase64, nil
	}
	if stored.Line == "" {
		return nil, errNotExported
	}
	return []byte(stored.Line), nil
}
