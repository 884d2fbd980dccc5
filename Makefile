# Vedette: one static binary, and what is needed to build, run and prove it.
# `make help` lists the targets.

SHELL := /bin/bash
export CGO_ENABLED := 0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
MAIN    := ./firmware/cmd/vedette
# What is seldom called is built to be small; docs/decisions/size.md.
COLD    := $(foreach p,$(shell sed '/^\#/d' firmware/cmd/vedette/cold.txt),'-gcflags=$(p)=-l')
BUILD   := go build -trimpath -ldflags '$(LDFLAGS)' $(COLD)
DATA    ?= ./var
LISTEN  ?= localhost:8080
FUZZTIME ?= 10s

.PHONY: help build build-all run test unit race crash mutants year test-power test-board test-image power test-kill e2e browser fuzz lint cover bench panel clean deps vendor sbom image check-buildroot

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## the binary for this machine, in bin/
	@$(BUILD) -o bin/vedette $(MAIN)

build-all: ## static binaries for linux amd64, arm64 and armv7, with their sizes
	@GOARCH=amd64 $(BUILD) -o bin/vedette-linux-amd64 $(MAIN)
	@GOARCH=arm64 $(BUILD) -o bin/vedette-linux-arm64 $(MAIN)
	@GOARCH=arm GOARM=7 $(BUILD) -o bin/vedette-linux-armv7 $(MAIN)
	@for f in bin/vedette-linux-*; do \
		if ldd $$f >/dev/null 2>&1; then echo "$$f is not static" >&2; exit 1; fi; \
		printf '%-28s %6.1f MiB\n' $$f $$(stat -c %s $$f | awk '{print $$1/1048576}'); done

run: build ## the product on a simulated board with two simulated cameras; CAMERA=rtsp://… adds a real one
	@./bin/vedette run --dev --data $(DATA) --listen $(LISTEN) $(if $(CAMERA),--camera '$(CAMERA)')

deps: ## install what the tests need (Debian packages, npm packages)
	./test/deps.sh

test: deps lint race e2e browser power ## everything: lint, unit tests with the race detector, real cameras, real browser, power cuts

unit: ## unit tests alone, without the race detector
	go test $$(go list ./... | grep -v /test/)

race: ## unit tests and the crash tests' fixed subset, with the race detector
	CGO_ENABLED=1 go test -race $$(go list ./... | grep -v /test/) ./test/crash ./test/openapi
	CGO_ENABLED=1 go test -race -parallel 100 ./test/awful

crash: ## every crash point and every fault in full; docs/decisions/crash-testing.md
	VEDETTE_CRASH_SEEDS=1 go test -count=1 -timeout 30m -v ./test/crash

mutants: ## break the recorder line by line and expect the crash tests to notice
	./test/crash/mutate.sh

year: ## a simulated year of a full disk with all that happens to it; takes about a quarter of an hour
	VEDETTE_DAYS=366 go test -count=1 -timeout 60m -run TestAYear -v ./recorder/sweep

test-power: build build-all ## power cuts on a real ext4 in an emulated arm64 machine; wants root, takes about 4 minutes
	./test/power/run.sh

# As a part of everything: who is not root is told that it was left out. CI is.
power: build build-all
	@if [ "$$(id -u)" = 0 ] || [ -n "$(CI)" ]; then ./test/power/run.sh && ./test/board/run.sh && $(MAKE) test-image; \
	else echo "power cuts: left out, because mounting disks needs root; run:  sudo make test-power"; fi

test-board: build-all ## disks and watchdog of an emulated arm64 machine, under a real kernel
	./test/board/run.sh

test-image: ## flash.sh, and the image: flashed, booted, updated, its power cut; wants root, takes about 8 minutes
	CGO_ENABLED=1 go test -count=1 -race ./test/flash
	./test/image/run.sh

test-kill: build ## kill -9 500 times with 8 cameras; takes about an hour
	KILLS=500 KILL_CAMERAS=8 go test -count=1 -timeout 120m -v -run TestKill ./test/e2e

e2e: build ## the built binary against GStreamer's RTSP server, kill -9, a full disk
	go test -count=1 -timeout 10m ./test/e2e

browser: build ## the panel: its types, its units, and the whole of it in Chromium
	cd web/ui && npm run types && npm test
	cd test/browser && npm test

fuzz: ## every fuzz target for FUZZTIME each
	./test/fuzz.sh $(FUZZTIME)

lint: ## gofmt, vet (also 32-bit), staticcheck, shellcheck, the panel's build, govulncheck where reachable
	./test/lint.sh

cover: ## test coverage, in var/cover.html
	mkdir -p var && go test -coverprofile var/cover.out $$(go list ./... | grep -v /test/) && go tool cover -html var/cover.out -o var/cover.html && go tool cover -func var/cover.out | tail -1

bench: build ## speed beside named peers; results belong into docs/BENCHMARKS.md
	./bench/run.sh

panel: ## build the panel again from web/ui/src
	cd web/ui && npm ci --ignore-scripts && npm run build

vendor: ## the Go modules' sources in var/vendor, for builds without a network
	go mod vendor -o var/vendor

# The tool is built for this machine first: GOARCH below is what the lists are for. Serial numbers, times and what else
# differs from machine to machine is left out, so that one commit has one list.
CYCLONEDX := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
SBOM_SAME := const b = JSON.parse(require("fs").readFileSync(0)); delete b.serialNumber; delete b.metadata.timestamp; \
	for (const t of b.metadata.tools) delete t.hashes; b.metadata.component.name = process.argv[1]; \
	process.stdout.write(JSON.stringify(b, null, 2) + "\n");

sbom: ## what the program and its panel are made of, as CycloneDX in dist/; docs/SBOM.md
	@mkdir -p dist
	@GOBIN='$(CURDIR)/var/tools' go install -trimpath $(CYCLONEDX)
	@set -eo pipefail; for arch in amd64 arm64 armv7; do \
		GOOS=linux GOARCH=$${arch%v7} GOARM=7 var/tools/cyclonedx-gomod app -json -std -licenses -noserial -notimestamp \
			-main firmware/cmd/vedette . | node -e '$(SBOM_SAME)' vedette > dist/vedette-linux-$$arch.cdx.json; done
	@set -eo pipefail; cd web/ui && npm sbom --sbom-format cyclonedx --sbom-type application --package-lock-only --omit dev \
		| node -e '$(SBOM_SAME)' vedette-panel > ../../dist/vedette-panel.cdx.json
	@ls dist/vedette-*.cdx.json

# Options of Buildroot, such as BR2_DL_DIR=DIR, are passed on; without BUILDROOT a release is fetched.
image: ## an image for BOARD=rpi4|rpi5|rockpro64|rock5b|qemuvirt, in dist/; docs/BUILDING.md
	@BUILDROOT='$(BUILDROOT)' O='$(O)' EXTRA_CONFIG='$(EXTRA_CONFIG)' VERSION='$(if $(filter file,$(origin VERSION)),,$(VERSION))' \
		./buildroot/image.sh '$(BOARD)'

check-buildroot: ## what can be said of buildroot/ without building; BUILDROOT=DIR, and LINUX=DIR UBOOT=DIR say more
	./buildroot/check.sh '$(BUILDROOT)' $(if $(LINUX)$(UBOOT),'$(LINUX)' '$(UBOOT)')

clean: ## remove what was built (never footage)
	rm -rf bin dist
