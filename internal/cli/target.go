package cli

import (
	"cmp"
	"os"

	"github.com/spf13/cobra"
)

// target is the flags that name a server and a repository there.
type target struct{ url, repo, key string }

// flags adds them to a command under the name that says which way the data go: "from"
// or "to".
func (t *target) flags(cmd *cobra.Command, direction, repo string) {
	required := " (required)"
	if repo != "" {
		required = ""
	}
	cmd.Flags().StringVar(&t.url, direction, "", "URL of the collector (default: $"+EnvURL+", then "+DefaultURL+")")
	cmd.Flags().StringVar(&t.repo, "repo", repo, "log repository"+required)
	cmd.Flags().StringVar(&t.key, "api-key", "", "key of the collector (default: $"+EnvAPIKey+"); others see it in the list of processes")
}

// fill takes what was not given from the environment.
func (t *target) fill() {
	t.url = cmp.Or(t.url, os.Getenv(EnvURL), DefaultURL)
	t.key = cmp.Or(t.key, os.Getenv(EnvAPIKey))
}

// check fails if something about them is wrong.
func (t *target) check(direction string) error {
	_, err := serverURL("--"+direction, t.url, t.key)
	return cmp.Or(requireRepo(t.repo), err)
}
