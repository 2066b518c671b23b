# bootd: `make run` shows the product, `make test` checks it. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
BOARD ?= virt
DISK ?=
KERNEL ?= debian
VERSION ?= 6.12
ARCHITECTURE ?= arm64
CODE := bootd ui/bootmenu tests bench image

.PHONY: help
help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: setup
setup: ## Install what is missing: apt packages (as root) and .venv. Does nothing when all is there.
	@tools/setup

.PHONY: test
test: setup ## Everything: format, lint, types, contracts, unit, root and board tests.
	@tools/test

.PHONY: check
check: setup ## The quick part of the tests: no root, no QEMU, no network.
	@tools/test format lint types contracts spelling unit

.PHONY: fmt
fmt: setup ## Format the code and fix what the linter can fix.
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix .

.PHONY: hooks
hooks: setup ## Check every commit of yours before it is made (pre-commit, all hooks local).
	@.venv/bin/pre-commit install

.PHONY: coverage
coverage: setup ## Unit and root tests with branch coverage.
	@.venv/bin/pytest -q -n 2 -m "not board and not boards and not patched and not dm and not faults" --cov --cov-report=term-missing:skip-covered

.PHONY: fuzz
fuzz: setup ## A million damaged inputs and more: trees and overlays (libfdt is the judge), kernels, configurations, disks, messages; about 5 minutes; COUNT=n of each.
	@$(PY) -m tests.fuzz.trees --count $(or $(COUNT),100000) --seed $(or $(SEED),1)
	@$(PY) -m tests.fuzz.images --count $(or $(COUNT),100000) --seed $(or $(SEED),1)
	@$(PY) -m tests.fuzz.formats --count $(or $(COUNT),20000) --seed $(or $(SEED),1)
	@$(PY) -m tests.fuzz.disks --count $(or $(COUNT),400000) --seed $(or $(SEED),1)
	@$(PY) -m tests.fuzz.messages --count $(or $(COUNT),300000) --seed $(or $(SEED),1)

.PHONY: soak
soak: setup ## Disks, udev storms and clients against one daemon for MINUTES=60; 1440 before a release; as root.
	@$(PY) -m tests.faults.soak --minutes $(or $(MINUTES),60)

.PHONY: bench
bench: setup ## Measure: discovery, merge, load, menu bytes, start-up, memory; table and build/bench.json.
	@$(PY) -m bench

.PHONY: clean
clean: ## Remove what was built; keeps .venv and the download cache.
	@rm -rf build/board/{pyc,modules,dtbs} build/board/*.{stamp,img,zst,dtb} build/bench* dist *.egg-info

# The emulated board ------------------------------------------------------------------------------

.PHONY: image
image: setup ## Build the board image and the demo disks (cached).
	@$(PY) -m image build

.PHONY: run
run: setup ## Boot the emulated board here; BOARD=virt|virt-gicv3, DISK=path of your own, KERNEL=debian|patched.
	@$(PY) -m image run --board $(BOARD) --kernel $(KERNEL) $(if $(DISK),--disk $(DISK))

.PHONY: kernel
kernel: setup ## Build a small kernel with bootd's patches (minutes, once); VERSION=6.12|6.1, ARCHITECTURE=arm64|riscv64|ppc64el.
	@$(PY) -m image kernel --version $(VERSION) --architecture $(ARCHITECTURE)

.PHONY: board
board: image ## The board test alone.
	@.venv/bin/pytest -q -m board tests/board

.PHONY: test-boards
test-boards: setup ## Second kernels loaded by bootd on arm, arm64 (EL2, UEFI, patched), riscv64, POWER and x86_64 in QEMU.
	@.venv/bin/pytest -q -m "boards or patched" tests/boards tests/board tests/image

.PHONY: test-faults
test-faults: setup ## Everything that can break: journals and disk stacks in a guest, power cuts, kills, storms, memory.
	@$(PY) -m tests.support.disksguest -m dm tests/root
	@.venv/bin/pytest -q -m faults tests

.PHONY: demo
demo: setup ## Daemon and menu on this machine without root: directories play the disks.
	@tools/demo
