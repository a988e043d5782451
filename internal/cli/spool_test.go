package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
)

func TestSpoolCommandsNameTheFaultAndTheRemedy(t *testing.T) {
	dir, server := filepath.Join(t.TempDir(), "spool"), newTakes(t)
	s := spooled(t, dir, server.URL, "line")
	other, err := spool.Open(spool.Config{Dir: dir, Target: "another"})
	if err != nil {
		t.Fatal(err)
	}
	leave(t, other)
	name := bury(t, s, "dead")
	nowhere := filepath.Join(dir, "nowhere")
	to := []string{"--to", server.URL, "--repo", spoolRepo}
	tests := map[string]struct {
		args []string
		key  string
		code int
		says []string
	}{
		"unknown command":     {args: []string{"grep"}, code: ExitUsage, says: []string{`"grep"`, "troupe help"}},
		"unknown flag":        {args: []string{"ls", "--all"}, code: ExitUsage, says: []string{"--all"}},
		"ls of a slot":        {args: []string{"ls", "00"}, code: ExitUsage, says: []string{`"00"`}},
		"no folder":           {args: []string{"ls", "--dir", nowhere}, code: ExitFailure, says: []string{nowhere, "--dir"}},
		"cat nothing":         {args: []string{"cat"}, code: ExitUsage, says: []string{"1 arg"}},
		"cat of no slot":      {args: []string{"cat", "17"}, code: ExitFailure, says: []string{`"17"`, "troupe spool ls"}},
		"cat of two slots":    {args: []string{"cat", "00"}, code: ExitUsage, says: []string{`"00"`, "matches several slots", "troupe spool ls"}},
		"bad key":             {args: []string{"cat", "00"}, key: "hunter2", code: ExitUsage, says: []string{EnvSpoolKey, "32 bytes"}},
		"replay nowhere":      {args: []string{"replay", "--repo", "r", "--to", "localhost"}, code: ExitUsage, says: []string{"--to"}},
		"replay without repo": {args: []string{"replay", "--to", server.URL}, code: ExitUsage, says: []string{"--repo"}},
		"key over http": {
			args: []string{"replay", "--repo", "r", "--to", "http://192.0.2.1", "--api-key", "hunter2"}, code: ExitUsage, says: []string{"https"},
		},
		"no key": {args: []string{"replay", "--repo", "r", "--to", "https://192.0.2.1"}, code: ExitUsage, says: []string{"--api-key"}},
		"another repository": {
			args: []string{"replay", "--repo", "r", "--to", server.URL}, code: ExitFailure, says: []string{`"r"`, "--repo", "--to", "--dir"},
		},
		"retry and remove": {args: []string{"dead", "--retry", "--remove", name}, code: ExitUsage, says: []string{"--retry", "--remove"}},
		"retry without repo": {
			args: []string{"dead", "--retry", "--to", server.URL}, code: ExitUsage, says: []string{"--repo"},
		},
		"remove nobody": {args: []string{"dead", "--remove", "17"}, code: ExitFailure, says: []string{`"17"`, "troupe spool dead"}},
		"remove from a process": {
			args: []string{"dead", "--remove", name}, code: ExitFailure, says: []string{fmt.Sprint("process ", os.Getpid()), "once the process has ended"},
		},
		"retry with a bad key": {args: append([]string{"dead", "--retry"}, to...), key: "AAAA", code: ExitUsage, says: []string{EnvSpoolKey}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(EnvSpoolKey, tt.key)
			code, stdout, stderr := run(append([]string{"spool", "--dir", dir}, tt.args...)...)
			if code != tt.code || stdout != "" {
				t.Errorf("exit code %d, want %d; it prints %q", code, tt.code, stdout)
			}
			for _, word := range tt.says {
				if !strings.Contains(stderr, word) {
					t.Errorf("%q is not in %q", word, stderr)
				}
			}
			if strings.Contains(stderr, "hunter2") {
				t.Errorf("the key is in %q", stderr)
			}
		})
	}
}

func TestSpoolListShowsEverySlot(t *testing.T) {
	t.Parallel()
	dir, server := filepath.Join(t.TempDir(), "spool"), newTakes(t)
	held := spooled(t, dir, server.URL, "one", "two")
	bury(t, held, "dead")
	leave(t, spooled(t, dir, server.URL, "three"))
	leave(t, spooled(t, dir, server.URL+"/elsewhere"))

	code, table, stderr := run("spool", "ls", "--dir", dir)
	rows := strings.Split(strings.TrimSpace(table), "\n")
	slices.Sort(rows)
	states := strings.Join(rows, "\n")
	for _, want := range []string{fmt.Sprint("in use by process ", os.Getpid()), "/01  1", "ownerless", "empty", "QUARANTINED"} {
		if !strings.Contains(states, want) {
			t.Errorf("%q is not in\n%s", want, table)
		}
	}
	if code != ExitOK || len(rows) != 4 || stderr != "" {
		t.Errorf("exit code %d, %d rows, %q", code, len(rows), stderr)
	}

	code, text, stderr := run("spool", "ls", "--dir", dir, "--json")
	var slots []slotReport
	if err := json.Unmarshal([]byte(text), &slots); err != nil || code != ExitOK || stderr != "" {
		t.Fatalf("exit code %d, %v, %s%s", code, err, text, stderr)
	}
	states = ""
	for _, s := range slots {
		states += fmt.Sprintf("%s %s %d/%d/%d\n", s.Slot, s.State, s.Lines, s.Bytes, s.Dead)
		if (s.Oldest != nil) != (s.Lines > 0) || len(s.Target) != 32 {
			t.Errorf("%+v", s)
		}
	}
	for _, want := range []string{"00 in use 2/6/1\n", "01 ownerless 1/5/0\n", "00 empty 0/0/0\n"} {
		if !strings.Contains(states, want) {
			t.Errorf("%q is not in\n%s", want, states)
		}
	}
}

func TestSpoolCatPrintsWaitingEntries(t *testing.T) {
	t.Parallel()
	dir, server := filepath.Join(t.TempDir(), "spool"), newTakes(t)
	s := spooled(t, dir, server.URL, "one", "two")
	blob := strings.Repeat("a", 32)
	if _, err := s.PutBlob(blob, strings.NewReader("content"), 10); err != nil {
		t.Fatal(err)
	}
	u := spool.Upload{Blob: blob, Size: 7, MIME: "text/plain", Key: "r/k", Line: []byte("three")}
	seq := s.Uploads.Append([]seglog.Item{{Kind: seglog.Attachment, Data: spool.AppendUpload(nil, &u)}})
	if err := s.Uploads.Sync(t.Context(), seq); err != nil {
		t.Fatal(err)
	}
	name := bury(t, s, "four")
	code, stdout, stderr := run("spool", "cat", "00", "--dir", dir)
	want := "one\ntwo\n# attachment " + blob + ": 7 bytes, type \"text/plain\", key \"r/k\", failed 0 times, next try at once; then\nthree\n"
	if code != ExitOK || stdout != want || stderr != "" {
		t.Errorf("exit code %d, %q, want %q; %q", code, stdout, want, stderr)
	}
	code, stdout, stderr = run("spool", "cat", "--dead", "00", "--dir", dir)
	if code != ExitOK || !strings.HasPrefix(stdout, "# dead letter "+name) || !strings.HasSuffix(stdout, "\nfour\n") ||
		!strings.Contains(stdout, "status 400") || strings.Contains(stdout, "\x1b") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestSpoolShowsEncryptedEntriesOnlyWithTheKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	key := bytes.Repeat([]byte{0xfb}, 32)
	t.Setenv(EnvSpoolKey, hex.EncodeToString(key))
	aead, err := spoolKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := spool.Open(spool.Config{Dir: dir, Target: "t", Log: seglog.Config{AEAD: aead}})
	if err != nil {
		t.Fatal(err)
	}
	defer leave(t, s)
	seq := s.Lines.Append([]seglog.Item{{Kind: seglog.Line, Data: []byte("canary")}})
	if err := s.Lines.Sync(t.Context(), seq); err != nil {
		t.Fatal(err)
	}
	bury(t, s, "canary")
	for name, text := range map[string]string{
		"hexadecimal": hex.EncodeToString(key), "base64": base64.StdEncoding.EncodeToString(key),
		"base64 for URLs": base64.RawURLEncoding.EncodeToString(key), "none": "", "another": hex.EncodeToString(make([]byte, 32)),
	} {
		t.Setenv(EnvSpoolKey, text)
		opens := name != "none" && name != "another"
		for _, args := range [][]string{{"cat", "00"}, {"cat", "00", "--dead"}, {"dead"}, {"ls"}} {
			code, stdout, stderr := run(append([]string{"spool", "--dir", dir}, args...)...)
			if code != ExitOK || text != "" && strings.Contains(stdout+stderr, text) {
				t.Errorf("%s, %v: exit code %d, %q, %q", name, args, code, stdout, stderr)
			}
			if shown := strings.Contains(stdout, "canary"); shown != (opens && args[0] == "cat") {
				t.Errorf("%s, %v: %q", name, args, stdout)
			}
		}
		if code, stdout, stderr := run("spool", "verify", "--dir", dir); code != ExitOK {
			t.Errorf("%s: verify exits with %d: %s%s", name, code, stdout, stderr)
		}
	}
}

func TestSpoolVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	dir, server := filepath.Join(t.TempDir(), "spool"), newTakes(t)
	leave(t, spooled(t, dir, server.URL, "one", "two", "three"))
	code, stdout, stderr := run("spool", "verify", "--dir", dir)
	if code != ExitOK || !strings.Contains(stdout, "sound: 3 lines") || stderr != "" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	segment := filepath.Join(dir, "v1", spool.TargetHash(spool.Target(server.URL, spoolRepo)), "00", "00000000000000000001.seg")
	b, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(what string, b []byte, code int, want string) {
		t.Helper()
		if err := os.WriteFile(segment, b, 0o600); err != nil {
			t.Fatal(err)
		}
		got, stdout, stderr := run("spool", "verify", "--dir", dir)
		if got != code || !strings.Contains(stdout, want) || code == ExitFailure && !strings.Contains(stderr, "1 places") {
			t.Errorf("%s: exit code %d, %q, %q", what, got, stdout, stderr)
		}
	}
	verify("with an unfinished write", append(b[:len(b):len(b)], "\xf5TRF unfinished"...), ExitOK, "unfinished write")
	verify("cut", b[:len(b)-3], ExitFailure, "00000000000000000001.seg at byte 182: 1 records are lost")
	verify("emptied", nil, ExitFailure, "segments are missing: 3 records are lost")
	frame, header := bytes.Clone(b), bytes.Clone(b)
	frame[134] ^= 1
	verify("with a damaged record", frame, ExitFailure, "00000000000000000001.seg at byte 128: 1 records are lost")
	header[70] ^= 1
	verify("with a damaged header", header, ExitFailure, "00000000000000000001.seg: seglog: segment header is damaged; its records")
}

func TestSpoolCommandsRunBesideAProcessThatWrites(t *testing.T) {
	t.Parallel()
	dir, server := filepath.Join(t.TempDir(), "spool"), newTakes(t)
	s := spooled(t, dir, server.URL, "first")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			seq := s.Lines.Append([]seglog.Item{{Kind: seglog.Line, Data: bytes.Repeat([]byte("x"), 5000)}})
			_ = s.Lines.Sync(ctx, seq) // until stop
			s.Lines.Ack(seq / 2)
		}
	}()
	for _, args := range [][]string{{"ls"}, {"verify"}, {"cat", "00"}, {"dead"}, {"ls", "--json"}, {"verify"}} {
		p := start(t, append([]string{"spool", "--dir", dir}, args...)...)
		if code := p.wait(); code != ExitOK || p.stderr.Len() > 0 {
			t.Errorf("%v exits with %d: %s", args, code, &p.stderr)
		}
	}
	stop()
	<-done
}
