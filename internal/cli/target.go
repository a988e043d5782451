package cli

import (
	"cmp"
	"os"

	"github.com/spf13/cobra"
)

// target holds the flags that name a collector, a repository and a key.
type target struct{ url, repo, key string }

// flags adds the flags to cmd. The URL's flag is named for the direction of the data, "from"
// or "to". An empty repo makes --repo required.
func (t *target) flags(cmd *cobra.Command, direction, repo string) {
	required := " (required)"
	if repo != "" {
		required = ""
	}
	cmd.Flags().StringVar(&t.url, direction, "", "URL of the collector (default: $"+EnvURL+", then "+DefaultURL+")")
	cmd.Flags().StringVar(&t.repo, "repo", repo, "repository of the log"+required)
	cmd.Flags().StringVar(&t.key, "api-key", "", "key of the collector (default: $"+EnvAPIKey+"); visible to other users in the process list")
}

// fill sets missing values from the environment, then from the defaults.
func (t *target) fill() {
	t.url = cmp.Or(t.url, os.Getenv(EnvURL), DefaultURL)
	t.key = cmp.Or(t.key, os.Getenv(EnvAPIKey))
}

// check returns a usage error if a value is missing or invalid.
func (t *target) check(direction string) error {
	_, err := serverURL("--"+direction, t.url, t.key)
	return cmp.Or(requireRepo(t.repo), err)
}
