# Everything a fresh machine needs is Python 3.10 or newer, and make.
#   make demo   set up .venv and explain the traces of an example
#   make test   set up .venv and run the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS ?= dev,torch,tensorflow,export,fleet
WORKERS ?= 2
HTA := $(VENV)/hta
HTA_PYTHON ?= $(wildcard $(HTA)/bin/python)

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers docs bench peers foreign pictures matrix dist clean

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
	$(BIN)/python -m pytest -n $(WORKERS) -m "not serial"; failed=$$?; \
	    $(BIN)/python -m pytest -m serial && exit $$failed

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

bench: $(STAMP)  ## measure what observation costs, beside other tools, and write the page of it
	$(BIN)/python -m benchmarks.all $(if $(ONLY),--only $(ONLY)) $(if $(REPEATS),--repeats $(REPEATS)) \
	    $(if $(RESUME),--resume) $(if $(HTA_PYTHON),--hta-python $(HTA_PYTHON))

peers: $(STAMP)  ## install the tools that the benchmarks measure us beside
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt orjson scalene viztracer
	test -x $(HTA)/bin/python || $(PYTHON) -m venv $(HTA)
	$(HTA)/bin/python -m pip install --quiet --disable-pip-version-check HolisticTraceAnalysis==0.5.0

foreign: $(STAMP)  ## run the frameworks' own tests with the tool and without
	$(BIN)/python -m benchmarks.foreign_tests

matrix: $(STAMP)  ## try the wheel in fresh environments, on each Python that is here
	cd tests && ../$(BIN)/python -m release.matrix --write $(addprefix --only ,$(ONLY))
	cd tests && ../$(BIN)/python -m release.test_versions

dist: $(STAMP)  ## build the sdist and the wheel
	$(BIN)/python -m hatchling build

pictures: $(STAMP)  ## make the pictures of the documentation from real runs
	$(BIN)/python docs/pictures/make.py

clean:  ## remove what the other targets made
	rm -rf $(VENV) docs/_build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
