# Two commands for everybody: `make serve` and `make test`. Both set up what is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Each start reads what an earlier one compiled, also where a shell forbids to keep it.
export PYTHONDONTWRITEBYTECODE =
# What does not wait for something else is done beside it.
MAKEFLAGS += --jobs=2

.PHONY: setup build serve test trials torture review lint types lock clean

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Facetally needs Python 3.11 or later")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pipelines.cases
	touch $@

# A reader's machine, for tests: programs that ask the door by address.
.venv-reader/.ready: tests/reader.lock
	$(PYTHON) -m venv --clear .venv-reader
	.venv-reader/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	touch $@

build: setup
	$(BIN)/facetally build

serve: build
	$(BIN)/facetally serve

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

test: trials types

trials: lint build .venv-reader/.ready
	@sh tests/chromium.sh
# A third, for on two cores tests wait as much as they compute.
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

# The long trials: faults, hostile ledgers, hostile traffic. Counts are printed as they go.
torture: setup build
	@sh tests/chromium.sh
	$(BIN)/pytest -m torture -s

# What a changed ledger moves: bounds, gaps and contradictions, against the last landed one.
review: setup
	@.ci/review

# Maintainers: renew the lock after a change of pyproject.toml (needs uv).
lock:
	uv pip compile --universal --python-version 3.11 --extra test --generate-hashes \
	  --no-header --no-emit-index-url --no-annotate --quiet --output-file requirements.lock pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --no-annotate --quiet --output-file tests/reader.lock tests/reader.in

clean:
	rm -rf $(VENV) .venv-reader data/releases
