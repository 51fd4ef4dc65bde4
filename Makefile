# setup run test check fmt bench: the verbs. Everything else is called by them or, rarely, by hand.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Hundreds of processes under test import the same modules: they are compiled once, whatever the surroundings say.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
JOBS ?= 2
# Most tests also wait: for a database, for processes to come and go, for a client to try again.
WORKERS ?= 3
BIN := .venv/bin
CODE := $(wildcard channels hub api scheduler)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest
# Side by side, what each says in one piece.
TOGETHER = $(MAKE) --jobs=$(JOBS) --output-sync=target

# Slow tests have folders of their own; all other folders are the fast ones and mirror the code.
STAGES := contracts flows interop browser
UNIT := $(filter-out $(STAGES:%=tests/%/) tests/architecture/ tests/benchmarks/ tests/__pycache__/,$(wildcard tests/*/))

.PHONY: help setup run test check fmt bench profile chaos soak fuzz lint types architecture docs lock clean

help:
	@echo 'make run     the hub with demo data on http://127.0.0.1:8080'
	@echo 'make test    every gate, fast to slow'
	@echo 'make check   format, lint, types, layers'
	@echo 'make fmt     format and mend what can be mended'
	@echo 'make bench   the benchmarks'
	@echo 'make profile where the hub spends its time under one of them'
	@echo 'make chaos   the faults of the tests, longer and with more clients'
	@echo 'make soak    clients come and go for an hour: nothing may be left of them'
	@echo 'make setup   only the virtual environment in .venv'

# ------------------------------------------------------------------------------------------------- environment
setup: .venv/.project

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo 'The venv module is missing. On Debian: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.runtime: requirements/runtime.txt | .venv/.python
	@echo 'Installing the pinned packages into .venv'
	@$(PIP) install --require-hashes -r $<
	@touch $@

.venv/.project: pyproject.toml .venv/.runtime
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.project
	@echo 'Installing the tools of the gates into .venv'
	@$(PIP) install --no-compile --use-pep517 --require-hashes -r $<
	@touch $@

tests/interop/node_modules/.installed: $(wildcard tests/interop/package.json tests/interop/package-lock.json)
	cd tests/interop && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

JAVA := tests/interop/drivers/java
$(JAVA)/build/.installed: $(wildcard $(JAVA)/pom.xml $(JAVA)/src/*.java)
	cd $(JAVA) && { mvn -q -B --offline process-classes >/dev/null 2>&1 || mvn -q -B process-classes; }
	@touch $@

# ------------------------------------------------------------------------------------------------------- verbs
run: setup
	@exec $(BIN)/hub serve --demo

check:
	@$(TOGETHER) types lint architecture

test:
	@$(TOGETHER) programs types lint architecture
	@echo '--- unit'
	@$(PYTEST) -n $(WORKERS) $(UNIT)
	@for stage in $(STAGES); do \
		[ -n "$$(find tests/$$stage -name node_modules -prune -o -name 'test_*.py' -print -quit 2>/dev/null)" ] || continue; \
		echo "--- $$stage"; \
		workers=$(WORKERS); case $$stage in contracts|browser) workers=$(JOBS);; flows) workers='$(WORKERS) --dist loadfile';; esac; \
		$(PYTEST) -n $$workers tests/$$stage; \
	done

fmt: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet . || true

bench: .venv/.dev
	$(BIN)/python -m tests.benchmarks

# Where the time goes: `make profile WORKLOAD=ingest`; the names are those of `make bench`.
WORKLOAD ?= single
profile: .venv/.dev
	$(BIN)/python -m tests.benchmarks.profile $(WORKLOAD)

# The faults of the suite for longer and with more clients: about ten minutes.
chaos: programs
	HUB_CHAOS=1 $(PYTEST) --timeout 1200 tests/flows/faults tests/flows/test_storm.py tests/flows/test_callbacks.py tests/interop/test_drain.py

# Clients come and go for an hour: `make soak SOAK_SECONDS=600` for less.
SOAK_SECONDS ?= 3600
soak: .venv/.dev
	HUB_SOAK_SECONDS=$(SOAK_SECONDS) $(PYTEST) -s tests/flows/test_churn.py

# New inputs for ten minutes: `make fuzz FUZZ_SECONDS=60` for less.
FUZZ_SECONDS ?= 600
fuzz: .venv/.dev
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

# ------------------------------------------------------------------------------------------------------- parts
lint: .venv/.dev
	$(BIN)/ruff format --check --quiet . || { echo 'Not formatted: run make fmt.' >&2; exit 1; }
	$(BIN)/ruff check --quiet .

types: .venv/.dev
	$(BIN)/mypy $(CODE) tests

architecture: .venv/.dev
	$(PYTEST) tests/architecture

.PHONY: programs packages clients
programs: .venv/.dev packages clients

packages:
	@.ci/packages

clients: packages
	@if [ -e tests/interop/package.json ] && command -v npm >/dev/null; then $(MAKE) tests/interop/node_modules/.installed; fi
	@if [ -e $(JAVA)/pom.xml ] && command -v mvn >/dev/null && command -v javac >/dev/null; then $(MAKE) $(JAVA)/build/.installed; fi

docs: .venv/.dev
	$(BIN)/python -m tests.architecture.generated

# After a change of requirements/*.in; `make lock UPGRADE=--upgrade` takes the newest releases they allow.
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --universal --python-version 3.11
lock: .venv/.dev
	$(COMPILE) $(UPGRADE) requirements/runtime.in --output-file requirements/runtime.txt
	$(COMPILE) $(UPGRADE) requirements/dev.in --output-file requirements/dev.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis tests/interop/node_modules $(JAVA)/build
