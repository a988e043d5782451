package delivery

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/messages"
)

func TestProgressOfALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var p progress
		for i, c := range []struct {
			state seglog.State
			since time.Duration // from the start; -1 is none
		}{
			{seglog.State{}, -1},
			{seglog.State{Appended: 5}, 1},
			{seglog.State{Appended: 9}, 1},
			{seglog.State{Appended: 9, Written: 5}, 3},
			{seglog.State{Appended: 9, Written: 5}, 3},
			{seglog.State{Appended: 9, Written: 5, Full: true}, -1},
			{seglog.State{Appended: 9, Written: 5, Err: errors.New("broken")}, -1},
			{seglog.State{Appended: 9, Written: 5}, 7},
			{seglog.State{Appended: 9, Written: 9}, -1},
		} {
			p.observe(c.state)
			want := time.Time{}
			if c.since >= 0 {
				want = start.Add(c.since * time.Second)
			}
			if !p.at.Equal(want) {
				t.Errorf("step %d: since %v, want %v", i, p.at, want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestEarlier(t *testing.T) {
	none, first, second := time.Time{}, time.Unix(1, 0), time.Unix(2, 0)
	for _, c := range [][3]time.Time{
		{none, none, none}, {first, none, first}, {none, first, first}, {first, second, first}, {second, first, first},
	} {
		if got := earlier(c[0], c[1]); !got.Equal(c[2]) {
			t.Errorf("of %v and %v: %v", c[0], c[1], got)
		}
	}
}

func TestASupersededJobIsNotUploaded(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		r := open(t, s, dir, Config{Age: time.Second})
		r.own.mu.Lock() // so that the copy is void before anybody looks at it
		copied := spool.AppendUpload(nil, &spool.Upload{Blob: blobName(9), Size: 1, Key: "repo/copy", Line: []byte("copy")})
		seq := r.cfg.Spool.Uploads.Append([]seglog.Item{{Kind: seglog.Attachment, Data: copied}})
		r.own.superseded[seq] = struct{}{}
		r.own.mu.Unlock()
		r.attach(blobName(1), "content")
		r.flush()
		if diff := cmp.Diff([]string{attachmentLine(blobName(1))}, s.taken()); diff != "" {
			t.Error(diff)
		}
		if s.attempts["repo/copy"] != 0 || len(r.own.superseded) != 0 {
			t.Errorf("%d uploads of the copy, %d superseded", s.attempts["repo/copy"], len(r.own.superseded))
		}
		r.close()
	})
}

func TestAnAttachmentElsewhereIsALine(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		s.files[`re\`] = "" // where the test server takes the key to end
		r := open(t, s, dir, Config{Repository: `re"po`})
		line := `trace{id=t,action=add-attachment,data={"key":"`
		e := messages.Entry{Line: []byte(line + `/x"}}`), Upload: &messages.Upload{Path: "x", KeyAt: len(line)}}
		r.release(-e.Cost())
		r.Append([]messages.Entry{e})
		r.flush()
		if diff := cmp.Diff([]string{line + `re\"po/x"}}`}, s.taken()); diff != "" {
			t.Error(diff)
		}
		r.close()
	})
}
