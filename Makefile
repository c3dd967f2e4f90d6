# Everything from a fresh clone. Needs make and Python 3.11 or newer with its venv module; the rest is installed under
# .venv and .cache. No C compiler and no node are needed: both come as wheels where the machine has none.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# Where the resolver leaves it out (Python 3.13), without its own list: pyproject.toml has what it needs.
SPECIFICATION = $(BIN)/python -c 'import ethereum' 2>/dev/null || $(PIP) --no-deps 'ethereum-execution>=2.20,<2.21'
ARGS ?=
BENCH ?= tests/bench

.DEFAULT_GOAL := help
.PHONY: docs help venv demo test lint format soak bench nodes geth fixtures clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

venv: $(DEV)  ## the virtual environment with everything for development

demo: $(RUNTIME)  ## the main job on the bundled fixtures, offline
	@$(BIN)/xmargin demo $(ARGS)

test: $(DEV)  ## all tests; node tests are skipped with a reason where no node can be had
	@$(BIN)/python -m tests.nodes.install || echo "nodes: tests that need one will be skipped" >&2
	$(BIN)/python -m tests $(ARGS)

lint: $(DEV)  ## ruff, mypy --strict, and the architecture test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/pytest tests/architecture

format: $(DEV)  ## put the code in form
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

soak: $(DEV)  ## the long counts: fuzzing and properties in full
	@$(BIN)/python -m tests.nodes.install || echo "nodes: tests that need one will be skipped" >&2
	$(BIN)/pytest -m soak --hypothesis-profile=explored $(ARGS)

bench: $(DEV)  ## speed and memory, with a report
	@$(BIN)/python -m tests.nodes.install || echo "nodes: comparisons that need one will be skipped" >&2
	$(BIN)/pytest $(BENCH) -s -o addopts="--strict-markers --import-mode=importlib -p no:cacheprovider" $(ARGS)

docs: $(DEV)  ## the documentation site, into build/docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

nodes: $(DEV)  ## anvil, solc, the EthereumJS client and the Lodestar beacon node, from npm
	@$(BIN)/python -m tests.nodes.install

geth: $(DEV)  ## geth of the pinned version, built by Go's own toolchain
	@$(BIN)/python -m tests.nodes.install --geth

fixtures: $(DEV) nodes  ## record the fixtures anew from real nodes
	$(BIN)/python -m fixtures.record $(ARGS)

clean:  ## remove what was installed and made
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .hypothesis build dist

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "xmargin needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): pyproject.toml $(VENV)/pyvenv.cfg
	$(PIP) -e .
	@$(SPECIFICATION)
	@touch $@

# Both stamps: after this the demo needs no second installation, and so no network.
$(DEV): pyproject.toml $(VENV)/pyvenv.cfg
	$(PIP) -e '.[dev]'
	@$(SPECIFICATION)
	@touch $(RUNTIME) $@
