// Command troupe collects, shows and replays what AI agents log. See package cli.
package main

import (
	"os"

	"github.com/troupelog/troupe/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
