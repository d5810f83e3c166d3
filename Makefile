# "make" alone says what there is.
GO      ?= go
FUZZTIME ?= 30s
TORTURE ?= 30m
COUNT    ?= 6
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
export CGO_ENABLED = 0

.DEFAULT_GOAL := help

.PHONY: help
help: ## say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## the program, as ./llmz
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o llmz ./cmd/llmz

.PHONY: static
static: ## the program without llama.cpp support, for systems without glibc or libffi
	$(GO) build -tags nollama -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o llmz ./cmd/llmz

.PHONY: install
install: ## the program, into GOBIN
	$(GO) install -trimpath -ldflags "-s -w -X main.version=$(VERSION)" ./cmd/llmz

.PHONY: dist
dist: ## what is released, into dist/: archives, packages, checksums; the same bytes each time
	$(GO) run ./cmd/dist -o dist

.PHONY: man
man: ## the manual pages, into dist/man
	$(GO) run -tags manpages ./cmd/llmz man dist/man

.PHONY: test
test: ## all tests; no network, no llama.cpp needed
	$(GO) test ./...

.PHONY: test-race
test-race: ## everything under the race detector (needs a C compiler)
	bash .ci/run race

.PHONY: test-arm64
test-arm64: ## bit-exactness on arm64, under qemu-user
	bash .ci/run arm64

.PHONY: test-tmux
test-tmux: ## the views, driven in a real terminal
	bash .ci/run tmux

.PHONY: golden
golden: ## store the screens drawn now as the expected ones; look at the difference
	UPDATE_GOLDEN=1 $(GO) test ./tui/...

.PHONY: screenshots
screenshots: ## the documentation's pictures, from the program at work in tmux
	bash .ci/tmux --pictures

.PHONY: test-llama
test-llama: ## language models over llama.cpp; installs its libraries through npm
	bash .ci/run llama

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each
	FUZZTIME=$(FUZZTIME) bash .ci/fuzz

.PHONY: torture
torture: build ## damage, forgery, SIGKILL, full disks, hostile files and hubs for TORTURE, with counts
	$(GO) run ./cmd/internal/torture -llmz ./llmz -time $(TORTURE)

.PHONY: decoder
decoder: build ## the decoder in Python against golden archives and the program
	python3 testdata/decoder/test.py ./llmz

.PHONY: bench
bench: ## Go benchmarks COUNT times, with medians and spread by benchstat; raw results in bench.txt
	$(GO) test -run '^$$' -bench . -benchmem -count $(COUNT) ./... | tee bench.txt
	$(GO) run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da bench.txt

.PHONY: benchmarks
benchmarks: build ## measure again what docs/benchmarks.md shows, on a quiet machine
	LLMZ=./llmz bash testdata/bench/run.sh

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	bash .ci/run lint

.PHONY: fmt
fmt: ## gofmt everything
	gofmt -w $$(git ls-files '*.go')

.PHONY: ci
ci: ## everything that has to hold before a change lands
	bash .ci/run

.PHONY: clean
clean: ## remove what was built
	rm -rf llmz llmz.exe dist
