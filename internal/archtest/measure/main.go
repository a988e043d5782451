// Command measure prints the figures that internal/archtest holds to their limits: sizes of
// files, functions and interfaces, comments, tests, idioms, imports, and the order in which
// the files of package logger are best read.
//
// A product line is a line of Go with code on it, in the main module, without tests,
// generated files, examples and packages that only tests import. A test line is the same of
// a _test.go file. Shares of comments are by lines that are not blank; a line with code and
// a comment counts as code.
//
// Usage, anywhere in the repository:
//
//	go run ./internal/archtest/measure
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/troupelog/troupe/internal/archtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// run measures the module around the current folder and prints the report.
func run(ctx context.Context) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	report, err := archtest.Run(ctx, root)
	if err != nil {
		return err
	}
	return report.Print(os.Stdout)
}

// moduleRoot returns the nearest folder upwards with a go.mod.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", errors.New("no go.mod in this folder or above it")
		}
		folder = filepath.Dir(folder)
	}
}
