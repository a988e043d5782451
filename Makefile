# Every target works in a fresh clone with Go 1.26 and nothing else; `make race` and
# `make ci` need a C compiler too. FUZZTIME is how many inputs each fuzz target is given,
# as in 20000x. A time, as in 20s, works too, but Go before 1.27 may then fail at its end
# with no more than "context deadline exceeded" (go.dev/issue/75804).
SHELL       = bash
.SHELLFLAGS = -euo pipefail -c
GO       ?= go
FUZZTIME ?= 20000x
FUZZSHORT = ./internal/spool/seglog FuzzFrame\n./internal/spool/seglog FuzzRecovery\n./internal/spool/seglog FuzzCursor\n./internal/wire FuzzParse\n./transport FuzzRetryAfter\n./internal/api FuzzIngestBody\n./internal/api FuzzAttachmentKey\n./internal/otlp FuzzConvert\n./mask FuzzMasks\n./logger FuzzExtract
LINT      = $(GO) tool -modfile=tools/go.mod golangci-lint

export GOFLAGS += -buildvcs=false

.DEFAULT_GOAL := all
.PHONY: slowclients browser budgets screenshots bench-collector ingestcrash all lint test race bench bench-compare fuzz fuzz-short fmt tidy cover ci crash powerloss poison shutdown reopen sessions outage soak chaos multiproc diskfull collector attack reliability

all: lint test

lint:
	$(LINT) run ./...

test:
	$(GO) test ./...

race:
	$(GO) test -race ./...

bench:
	$(GO) test -run='^$$' -bench=. -benchmem ./...

# The benchmarks that guard what a call costs, of the commit BASE and of the working
# tree in turn, COUNT times each; then benchstat's comparison. It asserts nothing.
BENCH      ?= AddTag|AddGeneration|Turn|AppendCompact|Normalize|Append|Read
BENCHPKGS  ?= ./logger ./internal/jsonscan ./internal/genai ./internal/spool/seglog
COUNT      ?= 6
bench-compare:
	@test -n "$(BASE)" || { echo "say what to compare with, as in: make bench-compare BASE=HEAD~1" >&2; exit 2; }
	@dir=$$(mktemp -d); trap 'git worktree remove --force "$$dir/base"; rm -r "$$dir"' EXIT; \
	git worktree add --quiet --detach "$$dir/base" "$(BASE)"; \
	for i in $$(seq $(COUNT)); do \
		for pkg in $(BENCHPKGS); do \
			if [[ -d $$dir/base/$$pkg ]]; then $(GO) -C "$$dir/base" test -run='^$$' -bench='$(BENCH)' -benchmem "$$pkg" >> "$$dir/old.txt"; fi; \
			$(GO) test -run='^$$' -bench='$(BENCH)' -benchmem "$$pkg" >> "$$dir/new.txt"; \
		done; \
	done; \
	$(GO) tool -modfile=tools/go.mod benchstat "$$dir/old.txt" "$$dir/new.txt"

# go test fuzzes one target of one package at a time.
fuzz:
	@$(GO) test -list='^Fuzz' ./... \
	| awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, names[i]; n = 0 }' \
	| while read -r pkg name; do \
		echo "== $$pkg $$name"; \
		$(GO) test -run='^$$' -fuzz="^$$name\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=1s "$$pkg" </dev/null || exit 1; \
	done

# What the spool, the wire and the collector read from outside, for a short time each.
fuzz-short:
	@while read -r pkg name; do \
		echo "== $$pkg $$name"; \
		$(GO) test -run='^$$' -fuzz="^$$name\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=1s "$$pkg" </dev/null || exit 1; \
	done <<< $$'$(FUZZSHORT)'

fmt:
	$(LINT) fmt ./...

tidy:
	@for mod in go.mod */go.mod integrations/*/go.mod; do $(GO) -C "$${mod%go.mod}." mod tidy || exit 1; done

cover:
	$(GO) test -coverpkg=./... -coverprofile=cover.out ./...
	$(GO) tool cover -func=cover.out | tail -n 1

# Experiments with processes that are killed and servers that fail: each prints its
# figures, and fails if one is outside its bound. N is how often, D how long, as in
# "make crash N=5000" or "make soak D=8h"; without them each takes its own default.
HARNESS = $(GO) run ./internal/harness

crash powerloss poison shutdown reopen sessions ingestcrash collector:
	$(HARNESS) $@ $(if $(N),-n $(N))

outage soak slowclients:
	$(HARNESS) $@ $(if $(D),-d $(D))

chaos:
	$(HARNESS) chaos $(if $(D),-d $(D))
	$(HARNESS) chaos -clean $(if $(D),-d $(D))

multiproc:
	$(HARNESS) multiproc $(if $(N),-n $(N)) $(if $(D),-d $(D))

# What people found who attacked the logger and the collector from outside, in a minute or
# two; PARTS=answers,files runs some of it.
attack:
	$(HARNESS) attack $(if $(PARTS),-only $(PARTS))

# It needs a system that lets users mount file systems for themselves; otherwise it
# fails and says so.
diskfull:
	$(HARNESS) diskfull

# All of them in a short form: five minutes on two cores that do other work as well,
# so bounds of time are not held; each command above holds them.
reliability:
	@dir=$$(mktemp -d); trap 'rm -r "$$dir"' EXIT; \
	$(GO) build -o "$$dir/harness" ./internal/harness; \
	for trial in "crash -n 200" "powerloss -n 2000" "chaos -d 5s" "chaos -clean -d 5s" "outage -d 10s" poison \
		diskfull "multiproc -d 15s" "shutdown -n 2 -open 100000" "reopen -n 200" "soak -d 20s" sessions "ingestcrash -n 30" "slowclients -d 10s" "attack -short"; do \
		code=0; "$$dir/harness" $$trial -busy || code=$$?; \
		[[ $$code -eq 0 || $$code -eq 3 ]] || exit $$code; \
	done

# The pages with their axes of accessibility, hostile text and keys, in a real browser; see
# browser/. AXE names the file of axe-core.
browser:
	$(GO) -C browser test -timeout 15m ./...

# How fast the pages are, and how large, in a real browser; it prints every budget.
budgets:
	$(GO) -C browser run ./budgets

# Pictures of all pages, into docs/images.
screenshots:
	$(GO) -C browser run ./screenshots

# What the collector takes and answers; N is how many lines are stored first.
bench-collector: collector

ci:
	.ci/run
