package logger

import (
	"errors"
	"strings"
	"testing"
)

// Plain http to another machine needs leave, from the Config or the environment, and the
// error that says so names what gives it.
func TestHTTPToAnotherMachineNeedsLeave(t *testing.T) {
	for _, name := range []string{EnvAPIKey, EnvRepoID, EnvBaseURL, EnvAllowInsecure} {
		t.Setenv(name, "")
	}
	config := Config{ID: "r", APIKey: "k", BaseURL: "http://192.0.2.1:7780", Durability: MemoryOnly}
	for _, value := range []string{"", "0", "false", "yes"} {
		t.Setenv(EnvAllowInsecure, value)
		_, err := New(config)
		var bad *ConfigError
		if !errors.As(err, &bad) || bad.Field != "BaseURL" || !strings.Contains(err.Error(), "AllowInsecure, or $TROUPE_ALLOW_INSECURE=1") {
			t.Errorf("New with $%s=%q: %v", EnvAllowInsecure, value, err)
		}
	}
	allowed := config
	allowed.AllowInsecure = true
	for name, test := range map[string]struct {
		config Config
		env    string
	}{"the Config": {allowed, ""}, "1": {config, "1"}, "true": {config, "true"}} {
		t.Setenv(EnvAllowInsecure, test.env)
		client, err := dial(test.config.withDefaults(func(key string) string {
			if key == EnvAllowInsecure {
				return test.env
			}
			return ""
		}).destination())
		if err != nil {
			t.Errorf("allowed by %s: %v", name, err)
			continue
		}
		client.Close()
	}
}

// A destination needs a setting of its own: the environment speaks of the primary one.
func TestAddedDestinationIgnoresEnvironment(t *testing.T) {
	t.Setenv(EnvAllowInsecure, "1")
	r := newRig(t, Config{}, nil)
	defer r.close()
	d := Destination{ID: "s", APIKey: "k", BaseURL: "http://192.0.2.1:7780", Durability: MemoryOnly}
	var bad *ConfigError
	if err := r.AddDestination(d); !errors.As(err, &bad) || bad.Field != "BaseURL" {
		t.Errorf("AddDestination: %v", err)
	}
	d.AllowInsecure = true
	if err := r.AddDestination(d); err != nil {
		t.Errorf("AddDestination with AllowInsecure: %v", err)
	}
}
