// Command harness measures the reliability of the logger with real processes, which it
// kills, real files and a real server, which fails. Each command is one experiment:
//
//	go run ./internal/harness crash -n 200
//
// It tells its progress on standard error, and the last line of standard output holds
// the figures. It exits with 1 if one of them is outside its bound, which that line
// reports too, and with 3 if the system does not allow the experiment. Its random choices
// follow from -seed; the times of kills and of arriving messages do not.
//
// The logger runs in child processes: this program again, with the argument "worker".
// They receive commands, and report acknowledged entries, over pipes, see worker and
// process.
package main
