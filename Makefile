# Every target works in a fresh clone with Go 1.26 and nothing else; `make race` and
# `make ci` need a C compiler too. FUZZTIME is the time each fuzz target is given.
SHELL       = bash
.SHELLFLAGS = -euo pipefail -c
GO       ?= go
FUZZTIME ?= 20s
LINT      = $(GO) tool -modfile=tools/go.mod golangci-lint

export GOFLAGS += -buildvcs=false

.DEFAULT_GOAL := all
.PHONY: all lint test race bench fuzz fmt tidy cover ci

all: lint test

lint:
	$(LINT) run ./...

test:
	$(GO) test ./...

race:
	$(GO) test -race ./...

bench:
	$(GO) test -run='^$$' -bench=. -benchmem ./...

# go test fuzzes one target of one package at a time.
fuzz:
	@$(GO) test -list='^Fuzz' ./... \
	| awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, names[i]; n = 0 }' \
	| while read -r pkg name; do \
		echo "== $$pkg $$name"; \
		$(GO) test -run='^$$' -fuzz="^$$name\$$" -fuzztime=$(FUZZTIME) "$$pkg" </dev/null || exit 1; \
	done

fmt:
	$(LINT) fmt ./...

tidy:
	$(GO) mod tidy
	$(GO) -C tools mod tidy

cover:
	$(GO) test -coverpkg=./... -coverprofile=cover.out ./...
	$(GO) tool cover -func=cover.out | tail -n 1

ci:
	.ci/run
