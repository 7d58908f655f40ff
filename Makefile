# recipebuild: `make run` and `make test` need nothing but Python 3.11+ and the package registry.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all coverage mutants lint typecheck bench bench-compare assets schema docs site release clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed-dev  ## create .venv with everything that tests need

run: $(VENV)/.installed  ## build the quickstart recipe into build/quickstart/
	@$(BIN)/recipebuild run recipes/quickstart.yaml

test: setup  ## lint, type check and the tests that are fast
	@scripts/test.sh $(BIN)

test-all: lint typecheck  ## all tests, including the slow ones, and the mutants of the engine
	@$(BIN)/python -m pytest --hypothesis-profile searching
	@$(MAKE) --no-print-directory mutants

lint: setup  ## ruff: rules and format; import-linter: which folder imports which
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-logo

coverage: setup  ## the fast tests, with their coverage of each room, branches included
	@$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=
	@$(BIN)/python -m coverage json --quiet
	@$(BIN)/python -m scripts.coverage_by_room

mutants: $(VENV)/.installed-mutants  ## mutate keys and store in hundreds of ways, and list the survivors
	@$(BIN)/mutmut run
	@$(BIN)/mutmut results

typecheck: setup  ## mypy: strict on package, scripts and benchmarks; tests are checked as well
	@$(BIN)/mypy

BENCHMARKS := cached_run many_steps first_build cold_run hashing remote_store graph equalize quantize layers

bench: setup .venv-bench/.installed  ## measure speed; every figure compares two things in one run
	@for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name || exit 1; done

assets: setup  ## redraw and retrain the quickstart data (an hour): scripts/streets/README.md, scripts/detector/README.md
	@$(BIN)/python -m scripts.streets
	@$(BIN)/python -m scripts.detector
	@$(BIN)/python -m scripts.superres
	@$(BIN)/python -m scripts.texts
	@$(BIN)/python -m scripts.voices

bench-compare: setup  ## the last two runs of each benchmark side by side
	@$(BIN)/python -m benchmarks.compare

schema: setup  ## regenerate the parts of docs/ that follow from the code: recipe.schema.json, cli.md, tables
	@$(BIN)/python -m scripts.generated

docs: setup  ## recreate the pictures in docs/images: recorded runs, the report in Chromium, diagrams by Graphviz
	@for name in recipe-to-bundle keys; do dot -Tsvg docs/images/$$name.dot -o docs/images/$$name.svg; done
	@$(BIN)/python -m scripts.make_docs

site: setup  ## the documentation as a site, in build/site/
	@$(BIN)/mkdocs build --strict --quiet

release: setup  ## sdist, wheel, bill of materials and SHA256SUMS, the same bytes every time, in dist/
	@rm -rf dist
	@$(BIN)/python -m scripts.release

clean:  ## remove build results of this checkout; the store stays
	rm -rf $(VENV) .venv-bench .venv-peers build dist mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "recipebuild needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[build]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[build,datasets,s3,sftp,dask,docs,dev]'
	@# Two models that Pulsar2 7.0 compiled, which tests read; what the package itself needs is of no use here.
	@$(BIN)/python -m pip install --quiet --no-deps silero-vad-axera==0.1.2 || echo "no silero-vad-axera: two tests skip"
	@touch $@

$(VENV)/.installed-mutants: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet -c constraints.txt 'mutmut>=3.8'
	@touch $@

.venv-bench/.installed: benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet -r benchmarks/requirements.txt
	@touch $@
