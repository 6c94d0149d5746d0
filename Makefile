# The targets that people use; `make` alone lists them.
PYTHON ?= python3
# Empty for the newest versions: make test CONSTRAINTS=
CONSTRAINTS := constraints.txt
VENV := .venv
BIN := $(VENV)/bin
# Containers often have Python write no bytecode: then every worker of the tests, and every process
# that they start, compiles the package and rewrites the tests' assertions again.
unexport PYTHONDONTWRITEBYTECODE

KILLS := 200
DEMO_KILLS := 10
READERS := 20
RUNS := 10
CASES := 10000

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow torture lint mutants bench bench-compare docs hooks ui clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "Python 3.11 to 3.13 is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(addprefix -c ,$(CONSTRAINTS)) -e '.[demo,dev,docs]'
	@touch $@

demo: $(VENV)/.installed  ## the whole job on The Complete Journey, from files to portrait.duckdb
	$(BIN)/portrait run --source complete_journey

test: $(VENV)/.installed lint  ## lint, types and the tests
	$(BIN)/pytest -n auto --dist loadfile -m "not slow"

test-slow: $(VENV)/.installed  ## the tests that take long
	$(BIN)/pytest -n auto --dist worksteal -m "slow and not long"

torture: $(VENV)/.installed  ## further slow tests; kill, read along, fuzz: hours; KILLS, READERS, RUNS, CASES say how many
	$(BIN)/pytest -n auto --dist worksteal -m long
	$(BIN)/pytest -n auto --dist loadfile -m "not slow" --hypothesis-profile thorough
	PORTRAIT_FUZZ=80 $(BIN)/pytest -n auto --dist worksteal portrait_assets_tests/faults/test_fuzz.py
	$(BIN)/python -m benchmarks.torture_kills $(KILLS)
	$(BIN)/python -m benchmarks.torture_demo $(DEMO_KILLS)
	$(BIN)/python -m benchmarks.torture_readers $(READERS) $(RUNS)
	$(BIN)/python -m benchmarks.torture_together
	$(BIN)/python -m benchmarks.torture_backfill
	$(BIN)/python -W ignore -m benchmarks.torture_memory
	$(BIN)/python -m benchmarks.torture_fuzz $(CASES)

lint: $(VENV)/.installed  ## lint, terms and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/typos
	$(BIN)/python tools/terms.py
	$(BIN)/mypy

MUTANTS := .venv-mutants
$(MUTANTS)/.installed:
	$(PYTHON) -m venv $(MUTANTS)
	$(MUTANTS)/bin/pip install --quiet --disable-pip-version-check 'cosmic-ray>=8.7,<9'
	@touch $@

mutants: $(VENV)/.installed $(MUTANTS)/.installed  ## faults that tests see: MODULES=..., TESTS=...
	$(BIN)/python tools/mutants.py --tools $(MUTANTS)/bin --modules $(MODULES) --tests $(TESTS)

bench: $(VENV)/.installed  ## what the whole job and its parts cost and find (takes long)
	$(BIN)/python -W ignore -m benchmarks.run
	$(BIN)/python -W ignore -m benchmarks.whole_job
	$(BIN)/python -W ignore -m benchmarks.cleaning_typing
	$(BIN)/python -W ignore -m benchmarks.cleaning_linkage
	$(BIN)/python -W ignore -m benchmarks.clusters_choice
	$(BIN)/python -W ignore -m benchmarks.clusters_choice --set null
	$(BIN)/python -W ignore -m benchmarks.clusters_scale
	$(BIN)/python -W ignore -m benchmarks.lifetime
	$(BIN)/python -W ignore -m benchmarks.predictions
	$(BIN)/python -W ignore -m benchmarks.predictions_bank
	$(BIN)/python -W ignore -m benchmarks.predictions_scale

bench-compare: $(VENV)/.installed  ## the newest result of each benchmark against the one before, or of COMMIT=...
	@$(BIN)/python -m portrait_assets.testing.compared $(COMMIT)

docs: $(VENV)/.installed  ## the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

hooks: $(VENV)/.installed  ## check every commit before it is made
	$(BIN)/pre-commit install

ui: $(VENV)/.installed  ## the Dagster UI on http://localhost:3000
	$(BIN)/portrait ui

clean:  ## remove the environment and everything made
	rm -rf $(VENV) $(MUTANTS) data/warehouse data/dagster site
