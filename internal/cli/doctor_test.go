package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
)

// states returns what the doctor found, by check.
func states(t *testing.T, code int, args ...string) map[string]finding {
	t.Helper()
	out, _ := command(t, code, append([]string{"doctor", "--json"}, args...)...)
	var findings []finding
	if err := json.Unmarshal([]byte(out), &findings); err != nil {
		t.Fatal(err)
	}
	by := map[string]finding{}
	for _, f := range findings {
		by[f.Check] = f
	}
	return by
}

func TestDoctorPassesAWorkingSetup(t *testing.T) {
	url := collectorURL(t, collector.Config{APIKey: "right"})
	found := states(t, ExitOK, "--to", url, "--repo", "r", "--api-key", "right", "--spool", filepath.Join(t.TempDir(), "spool"))
	for _, check := range []string{"settings", "server", "clock", "key", "spool", "disk", "slots"} {
		if f := found[check]; f.State != stateOK {
			t.Errorf("%s: %+v", check, f)
		}
	}
}

func TestDoctorSuggestsRemedies(t *testing.T) {
	url := collectorURL(t, collector.Config{APIKey: "right"})
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(late.Close)
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	private := filepath.Join(t.TempDir(), "spool")
	for name, test := range map[string]struct {
		args         []string
		check, state string
	}{
		"wrong key":        {[]string{"--to", url, "--api-key", "wrong", "--spool", private}, "key", stateFail},
		"no server":        {[]string{"--to", "http://127.0.0.1:1", "--spool", private}, "server", stateFail},
		"key over http":    {[]string{"--to", "http://192.0.2.1", "--api-key", "right", "--spool", private}, "settings", stateFail},
		"a clock behind":   {[]string{"--to", late.URL, "--spool", private}, "clock", stateWarn},
		"no log server":    {[]string{"--to", late.URL, "--spool", private}, "key", stateFail},
		"a folder for all": {[]string{"--to", url, "--api-key", "right", "--spool", open}, "spool", stateFail},
	} {
		f := states(t, ExitFailure, append(test.args, "--repo", "r")...)[test.check]
		if f.State != test.state || f.Detail == "" || f.Remedy == "" {
			t.Errorf("%s: %+v", name, f)
		}
		if strings.Contains(f.Detail+f.Remedy, "wrong ") && strings.Contains(f.Detail, "\"wrong\"") {
			t.Errorf("%s: the key is shown: %+v", name, f)
		}
	}
}
