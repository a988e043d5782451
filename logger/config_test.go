package logger

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupelog/troupe/pricing"
)

// fields says of every field of Config who honours it: New alone, or AddSink as well.
var fields = map[string]struct {
	sink  bool
	value any // one that differs from the default, with which New works
}{
	"ID":              {true, "other"},
	"APIKey":          {true, "key"},
	"BaseURL":         {true, "http://127.0.0.1:2"},
	"AllowInsecure":   {true, true},
	"ManualFlush":     {true, true},
	"FlushInterval":   {true, time.Minute},
	"InFlight":        {true, 2},
	"SpoolDir":        {true, "SPOOL"},
	"Durability":      {true, SyncNone},
	"SyncEvery":       {true, time.Second},
	"RequireDurable":  {true, true},
	"SpoolKey":        {true, make([]byte, spoolKeyBytes)},
	"MaxSpoolBytes":   {true, int64(64 << 20)},
	"MaxSpoolAge":     {true, time.Hour},
	"OnFull":          {true, DropOldest},
	"MaxBytes":        {true, int64(1 << 20)},
	"Transport":       {true, http.NewFileTransport(http.Dir("testdata"))},
	"MaxWait":         {false, time.Minute},
	"IdleAfter":       {false, time.Minute},
	"OrphanAfter":     {false, time.Minute},
	"KeepOrphans":     {false, true},
	"Mask":            {false, strings.ToUpper},
	"OmitContent":     {false, true},
	"Prices":          {false, Prices(pricing.Default())},
	"Sample":          {false, 0.5},
	"Tail":            {false, &TailSampling{}},
	"OnError":         {false, func(error) {}},
	"RaiseExceptions": {false, true},
	"Debug":           {false, true},
	"Slog":            {false, slog.New(slog.DiscardHandler)},
}

// A new field of Config must be put into the table above: AddSink honours it or refuses it.
func TestAddSinkHonoursOrRefusesEveryFieldOfConfig(t *testing.T) {
	of := reflect.TypeFor[Config]()
	if of.NumField() != len(fields) {
		t.Errorf("Config has %d fields, the table %d", of.NumField(), len(fields))
	}
	for i := range of.NumField() {
		name := of.Field(i).Name
		field, known := fields[name]
		if !known {
			t.Errorf("Config.%s is in no class: does AddSink honour it, or refuse it?", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{}, nil)
			defer r.close()
			c := Config{ID: "sink", BaseURL: "http://127.0.0.1:1", SpoolDir: filepath.Join(t.TempDir(), "spool")}
			if name == "SyncEvery" {
				c.Durability = SyncInterval
			}
			if field.value == "SPOOL" {
				field.value = t.TempDir()
			}
			v := reflect.ValueOf(&c).Elem().Field(i)
			if v.Kind() == reflect.Func {
				v.Set(reflect.ValueOf(field.value))
			} else {
				v.Set(reflect.ValueOf(field.value).Convert(v.Type()))
			}
			if v.IsZero() {
				t.Fatal("the value is the default: it shows nothing")
			}
			err := r.AddSink(c)
			var bad *ConfigError
			switch {
			case field.sink && err != nil:
				t.Errorf("AddSink = %v, want it to honour the field", err)
			case !field.sink && (!errors.As(err, &bad) || bad.Field != name):
				t.Errorf("AddSink = %v, want a *ConfigError about %s", err, name)
			}
		})
	}
}

func TestAFieldWithoutEffectIsRefused(t *testing.T) {
	with := func(set func(*Config)) Config {
		c := Config{ID: "r", BaseURL: "http://127.0.0.1:1", SpoolDir: filepath.Join(t.TempDir(), "spool")}
		set(&c)
		return c
	}
	memory := func(set func(*Config)) Config {
		return with(func(c *Config) { c.SpoolDir, c.Durability = "", Memory; set(c) })
	}
	for _, test := range []struct {
		field string
		c     Config
	}{
		{"FlushInterval", with(func(c *Config) { c.ManualFlush, c.FlushInterval = true, time.Second })},
		{"SpoolDir", memory(func(c *Config) { c.SpoolDir = t.TempDir() })},
		{"SpoolKey", memory(func(c *Config) { c.SpoolKey = make([]byte, spoolKeyBytes) })},
		{"MaxSpoolBytes", memory(func(c *Config) { c.MaxSpoolBytes = 1 << 30 })},
		{"MaxSpoolAge", memory(func(c *Config) { c.MaxSpoolAge = time.Hour })},
		{"RequireDurable", memory(func(c *Config) { c.RequireDurable = true })},
		{"SyncEvery", with(func(c *Config) { c.SyncEvery = time.Second })},
		{"MaxWait", with(func(c *Config) { c.Durability, c.MaxWait = SyncEach, -1 })},
		{"MaxWait", with(func(c *Config) { c.OnFull, c.MaxWait = DropNewest, time.Second })},
		{"OrphanAfter", with(func(c *Config) { c.KeepOrphans, c.OrphanAfter = true, time.Hour })},
	} {
		var bad *ConfigError
		if l, err := New(test.c); !errors.As(err, &bad) || bad.Field != test.field {
			t.Errorf("New = %v, %v; want a *ConfigError about %s", l, err, test.field)
		}
	}
	r := newRig(t, Config{}, nil)
	defer r.close()
	var bad *ConfigError
	if err := r.AddSink(with(func(c *Config) { c.Durability = SyncEach })); !errors.As(err, &bad) || bad.Field != "Durability" {
		t.Errorf("AddSink with SyncEach = %v", err)
	}
	if err := r.AddSink(with(func(c *Config) { c.SyncEvery = time.Second })); !errors.As(err, &bad) || bad.Field != "SyncEvery" {
		t.Errorf("AddSink with a SyncEvery = %v", err)
	}
}

func TestMaskAndOmitContentHoldForSinks(t *testing.T) {
	var mu sync.Mutex
	var bodies []string // guarded by mu
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(body))
		_, _ = io.WriteString(w, `{"data":{"success":true}}`)
	}))
	defer server.Close()
	r := newRig(t, Config{OmitContent: true, Mask: func(s string) string { return strings.ReplaceAll(s, "SECRET", "***") }}, nil)
	if err := r.AddSink(Config{ID: "sink", BaseURL: server.URL, ManualFlush: true, Durability: Memory}); err != nil {
		t.Fatal(err)
	}
	trace := r.Trace(TraceConfig{ID: "t", Name: "a SECRET name", Input: "a SECRET input"})
	trace.AddTag("k", "a SECRET tag")
	trace.End()
	r.flushed()
	r.close()
	mu.Lock()
	defer mu.Unlock()
	all := strings.Join(bodies, "\n")
	if strings.Contains(all, "SECRET") || strings.Contains(all, "input\":\"a") {
		t.Errorf("the sink got what the logger masks or omits:\n%s", all)
	}
	for _, want := range []string{"a *** name", "a *** tag", "[omitted]"} {
		if !strings.Contains(all, want) {
			t.Errorf("the sink did not get %q:\n%s", want, all)
		}
	}
}

func TestALocalCollectorIsSentEntriesAfterASecond(t *testing.T) {
	none := func(string) string { return "" }
	for url, want := range map[string]time.Duration{
		"http://127.0.0.1:7780": time.Second, "http://localhost:7780/x": time.Second, "http://[::1]:7780": time.Second,
		"https://troupe.example.com": 10 * time.Second, "http://10.0.0.1:7780": 10 * time.Second, "": 10 * time.Second, "://": 10 * time.Second,
	} {
		if got := (Config{BaseURL: url}).withDefaults(none).FlushInterval; got != want {
			t.Errorf("FlushInterval for %q is %v, want %v", url, got, want)
		}
	}
	env := func(name string) string { return map[string]string{EnvBaseURL: "http://localhost:1"}[name] }
	if got := (Config{}).withDefaults(env).FlushInterval; got != time.Second {
		t.Errorf("FlushInterval for a local %s is %v", EnvBaseURL, got)
	}
	if got := (Config{BaseURL: "http://127.0.0.1", FlushInterval: time.Hour}).withDefaults(none).FlushInterval; got != time.Hour {
		t.Errorf("a given FlushInterval became %v", got)
	}
}
