# Two commands are enough on a fresh machine with Python >= 3.11 and make: `make run`, `make test`.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check

.PHONY: run test install check bench fuzz soak docs branding pictures lock clean

run: .venv/.run
	NOTIFY_RELAY_LOG_FORMAT=$${NOTIFY_RELAY_LOG_FORMAT:-console} $(BIN)/notify-relay serve --demo

# What tests write is not for keeping: in memory, where 4 GiB are free and programs may run.
IN_MEMORY = $(shell [ -w /dev/shm ] && ! grep -q ' /dev/shm .*noexec' /proc/mounts && \
	[ $$(df -k --output=avail /dev/shm | tail -1) -gt 4194304 ] && echo TMPDIR=/dev/shm)

# Of heavy sets a sample, and the whole where RELAY_TESTS_WHOLE is set, as in CI. Compiled code is kept: the tests start
# the interpreter some hundred times. Five processes keep two cores busy; the whole set has more that waits for a clock.
# By itself runs what loads the machine; of what looks at the clock the sample runs two at a time, which mostly wait.
test: export PYTHONDONTWRITEBYTECODE =
test: SAMPLE = $(if $(RELAY_TESTS_WHOLE),, and not whole)
test: install
	$(if $(TMPDIR),,$(IN_MEMORY)) $(BIN)/pytest -n $(if $(RELAY_TESTS_WHOLE),3,5) --dist worksteal -m 'not soak and not alone$(SAMPLE)'
	$(BIN)/pytest -m 'alone and not soak$(SAMPLE)' tests/load
	$(BIN)/pytest $(if $(RELAY_TESTS_WHOLE),,-n 2) -m 'alone and not soak$(SAMPLE)' $$(grep -rl --include='test_*.py' --exclude-dir=load 'mark\.alone' tests)

install: .venv/.dev

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	PIP_AUDIT=$(BIN)/pip-audit requirements/audit.sh requirements/build.lock
	PIP_AUDIT=$(BIN)/pip-audit requirements/audit.sh requirements/dev.lock # holds all of run.lock

bench: install
	$(BIN)/python -m benchmarks

fuzz: install
	HYPOTHESIS_PROFILE=long $(BIN)/pytest tests/fuzz

soak: install
	$(BIN)/pytest -m soak -s

docs: install
	$(BIN)/python -m docs.generate

# Artwork, the accessibility trees that the tests compare with, and the pictures of docs/branding.md: look at all of it.
branding: install
	node tests/node/artwork.cjs
	$(BIN)/python -m tests.harness.branded

# Those of docs/site.md: look at all of them.
pictures: install
	$(BIN)/python -m tests.harness.pictured

# Names, versions and hashes only: the lock files name no index.
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock: install
	$(COMPILE) requirements/build.in -o requirements/build.lock
	$(COMPILE) pyproject.toml -o requirements/run.lock
	$(COMPILE) pyproject.toml --extra dev -o requirements/dev.lock

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("notify-relay needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

# Without build isolation: what builds a package from source is locked, too.
.venv/.build: requirements/build.lock | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/build.lock
	touch $@

.venv/.run: requirements/run.lock pyproject.toml .venv/.build
	$(PIP) install --require-hashes --no-build-isolation -r requirements/run.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

.venv/.dev: requirements/dev.lock .venv/.run
	$(PIP) install --require-hashes --no-build-isolation -r requirements/dev.lock
	touch $@

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis
