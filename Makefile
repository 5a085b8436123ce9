# Two commands are enough on a fresh machine with Python >= 3.11 and make: `make run`, `make test`.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check

.PHONY: run test install check bench fuzz soak docs lock clean

run: .venv/.run
	NOTIFY_RELAY_LOG_FORMAT=$${NOTIFY_RELAY_LOG_FORMAT:-console} $(BIN)/notify-relay serve --demo

test: install
	$(BIN)/pytest

install: .venv/.dev

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/python -m benchmarks

fuzz: install
	HYPOTHESIS_PROFILE=long $(BIN)/pytest tests/fuzz

soak: install
	$(BIN)/pytest -m soak -s

docs: install
	$(BIN)/python -m docs.generate

# Names, versions and hashes only: the lock files name no index.
lock: install
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements/run.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --only-deps --extra build pyproject.toml -o requirements/build.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml -o requirements/dev.lock

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("notify-relay needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

.venv/.run: requirements/run.lock requirements/build.lock pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/run.lock -r requirements/build.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

.venv/.dev: requirements/dev.lock pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@ .venv/.run

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis
