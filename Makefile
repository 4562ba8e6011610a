# Everything a fresh machine needs is Python 3.10 or newer, and make.
#   make demo   set up .venv and explain the traces of an example
#   make test   set up .venv and run the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS ?= dev,torch,tensorflow,export
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers docs bench pictures clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

demo: $(STAMP)  ## explain the traces of an example, end to end
	$(BIN)/tracedbg run --no-tui docs/examples/torch_train.py
	$(BIN)/tracedbg run --no-tui docs/examples/tf_train.py

test: $(STAMP)  ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not serial'
	$(BIN)/python -m pytest -m serial

check: lint types layers docs  ## lint, types, layer contracts, docs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

docs: $(STAMP)
	$(BIN)/sphinx-build -nWq -b html docs docs/_build/html

bench: $(STAMP)  ## measure what observation costs, as ratios to the plain run
	$(BIN)/python -m benchmarks

pictures: $(STAMP)  ## make the pictures of the documentation from real runs
	$(BIN)/python docs/pictures/make.py

clean:  ## remove what the other targets made
	rm -rf $(VENV) docs/_build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
