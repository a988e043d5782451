package logger

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// changed has a value for each field of Destination that differs from its default, and with
// which a destination can be added.
var changed = map[string]any{
	"ID":             "other",
	"APIKey":         "key",
	"BaseURL":        "http://127.0.0.1:2",
	"AllowInsecure":  true,
	"Transport":      http.NewFileTransport(http.Dir("testdata")),
	"ManualFlush":    true,
	"FlushInterval":  time.Minute,
	"InFlight":       2,
	"SpoolDir":       "SPOOL",
	"Durability":     SyncNone,
	"SyncEvery":      time.Second,
	"RequireDurable": true,
	"SpoolKey":       make([]byte, spoolKeyBytes),
	"MaxSpoolBytes":  int64(64 << 20),
	"MaxSpoolAge":    time.Hour,
	"OnFull":         FullDropOldest,
	"MaxBytes":       int64(1 << 20),
}

// TestDestinationSharesItsFieldsWithConfig checks that each field of Destination, except
// Backend, is a field of Config with the same type and default, that the primary
// destination gets it from there, and that AddDestination accepts a value that differs from
// the default.
func TestDestinationSharesItsFieldsWithConfig(t *testing.T) {
	none := func(string) string { return "" }
	of := reflect.TypeFor[Destination]()
	ofDefaults := reflect.ValueOf(Destination{}.withDefaults())
	configDefaults := reflect.ValueOf(Config{}.withDefaults(none))
	if of.NumField() != len(changed)+1 {
		t.Errorf("Destination has %d fields, want Backend and the %d of the table", of.NumField(), len(changed))
	}
	for i := range of.NumField() {
		name := of.Field(i).Name
		if name == "Backend" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			field, ok := reflect.TypeFor[Config]().FieldByName(name)
			if !ok || field.Type != of.Field(i).Type {
				t.Fatalf("Config.%s has the type %v, want %v", name, field.Type, of.Field(i).Type)
			}
			want, got := configDefaults.FieldByName(name).Interface(), ofDefaults.Field(i).Interface()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("the default is %v in Destination and %v in Config", got, want)
			}
			value := changed[name]
			if value == "SPOOL" {
				value = t.TempDir()
			}
			var c Config
			reflect.ValueOf(&c).Elem().FieldByName(name).Set(reflect.ValueOf(value))
			d := c.destination()
			v := reflect.ValueOf(&d).Elem().Field(i)
			if !reflect.DeepEqual(v.Interface(), value) {
				t.Errorf("the primary destination has %v, want %v", v, value)
			}
			d.ID, d.BaseURL = cmp.Or(d.ID, "copy"), cmp.Or(d.BaseURL, "http://127.0.0.1:1")
			d.SpoolDir = cmp.Or(d.SpoolDir, filepath.Join(t.TempDir(), "spool"))
			if name == "SyncEvery" {
				d.Durability = SyncInterval
			}
			r := newRig(t, Config{}, nil)
			defer r.close()
			if err := r.AddDestination(d); err != nil {
				t.Errorf("AddDestination = %v", err)
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
		return with(func(c *Config) { c.SpoolDir, c.Durability = "", MemoryOnly; set(c) })
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
		{"MaxWait", with(func(c *Config) { c.OnFull, c.MaxWait = FullDropNewest, time.Second })},
		{"AutoEndAfter", with(func(c *Config) { c.DisableAutoEnd, c.AutoEndAfter = true, time.Hour })},
	} {
		var bad *ConfigError
		if l, err := New(test.c); !errors.As(err, &bad) || bad.Field != test.field {
			t.Errorf("New = %v, %v; want a *ConfigError about %s", l, err, test.field)
		}
	}
	r := newRig(t, Config{}, nil)
	defer r.close()
	var bad *ConfigError
	d := Destination{ID: "r", BaseURL: "http://127.0.0.1:1", SpoolDir: filepath.Join(t.TempDir(), "spool")}
	d.Durability = SyncEach
	if err := r.AddDestination(d); !errors.As(err, &bad) || bad.Field != "Durability" || !strings.Contains(err.Error(), "Destination.Durability") {
		t.Errorf("AddDestination with SyncEach = %v, want a *ConfigError about Destination.Durability", err)
	}
	d.Durability, d.SyncEvery = SyncGroup, time.Second
	if err := r.AddDestination(d); !errors.As(err, &bad) || bad.Field != "SyncEvery" {
		t.Errorf("AddDestination with a SyncEvery = %v, want a *ConfigError about SyncEvery", err)
	}
}

// TestBackendOfDestination checks that a Backend gets the entries, and that no field about
// HTTP is accepted beside it.
func TestBackendOfDestination(t *testing.T) {
	r := newRig(t, Config{}, nil)
	backend := &sink{}
	for field, d := range map[string]Destination{
		"APIKey": {APIKey: "key"}, "BaseURL": {BaseURL: "http://127.0.0.1:1"},
		"AllowInsecure": {AllowInsecure: true}, "Transport": {Transport: http.DefaultTransport},
	} {
		d.ID, d.Durability, d.Backend = "spans", MemoryOnly, backend
		var bad *ConfigError
		if err := r.AddDestination(d); !errors.As(err, &bad) || bad.Field != field {
			t.Errorf("AddDestination with a Backend and %s = %v, want a *ConfigError about it", field, err)
		}
	}
	d := Destination{ID: "spans", Durability: MemoryOnly, ManualFlush: true, Backend: backend}
	if err := r.AddDestination(d); err != nil {
		t.Fatal(err)
	}
	r.Trace(TraceConfig{ID: "t"}).End()
	r.flushed()
	r.close()
	if backend.count != 2 || len(backend.lines) != 2 || backend.lines[0].ID != "t" {
		t.Errorf("the backend got %d lines: %v, want 2 of the trace t", backend.count, backend.lines)
	}
}

func TestMaskAndOmitContentApplyToDestinations(t *testing.T) {
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
	if err := r.AddDestination(Destination{ID: "copy", BaseURL: server.URL, ManualFlush: true, Durability: MemoryOnly}); err != nil {
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
		t.Errorf("the destination got what the logger masks or omits:\n%s", all)
	}
	for _, want := range []string{"a *** name", "a *** tag", "[omitted]"} {
		if !strings.Contains(all, want) {
			t.Errorf("the destination did not get %q:\n%s", want, all)
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
