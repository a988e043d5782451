package cli

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// dataDir returns the default folder of a collector:
// $XDG_DATA_HOME/troupe or ~/.local/share/troupe, ~/Library/Application
// Support/troupe on macOS, and %LocalAppData%\troupe on Windows.
func dataDir() (string, error) {
	return dataDirOn(runtime.GOOS, os.Getenv)
}

func dataDirOn(system string, getenv func(string) string) (string, error) {
	unknown := errors.New("cannot determine the default data folder: name one with --data")
	home := getenv("HOME")
	switch system {
	case "windows":
		if local := getenv("LocalAppData"); local != "" {
			return filepath.Join(local, "troupe"), nil
		}
		return "", unknown
	case "darwin":
		if home == "" {
			return "", unknown
		}
		return filepath.Join(home, "Library", "Application Support", "troupe"), nil
	}
	// The XDG base directory specification says to ignore relative paths.
	if data := getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "troupe"), nil
	}
	if home == "" {
		return "", unknown
	}
	return filepath.Join(home, ".local", "share", "troupe"), nil
}
