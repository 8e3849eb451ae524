# All set-up is done here: a fresh Linux machine needs Python >= 3.11 and make, nothing else.
.DEFAULT_GOAL := help
SHELL := /usr/bin/env bash
BIN := .venv/bin
# More than cores: tests wait for servers more than half of their time, and leave their core to others meanwhile.
WORKERS ?= $(shell echo $$(( $$(nproc) * 2 + 1 )))
UPGRADE ?= --upgrade
# Mutants of each addon, by chance.
EACH ?= 4
# What is compiled is kept: workers, and the hundreds of commands that tests start, would compile it again.
unexport PYTHONDONTWRITEBYTECODE
PYTEST = -m pytest -n $(WORKERS) --dist worksteal
# What is slow as a whole is not even collected: each worker would do it.
QUICK = -m "not slow" -p no:schemathesis --ignore tests/core/server/test_fuzz.py

.PHONY: help faults load mutants demo test test-all test-lowest coverage lint types format reference docs changes bench pins clean
.PHONY: setup-run setup-dev setup-lowest

help: ## show the available targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: setup-run ## give apps real databases and caches
	@scripts/demo.sh

test: setup-dev ## run the tests of every promise, on real servers; what to run all day
	@$(BIN)/python $(PYTEST) $(QUICK)

test-all: setup-dev ## run all tests, the slow ones included
	@$(BIN)/python $(PYTEST)

test-lowest: setup-lowest ## run the tests with the oldest version of each direct dependency
	@.venv-lowest/bin/python $(PYTEST) $(subst not slow,not slow and not pinned,$(QUICK))

coverage: setup-dev ## run all tests and hold the coverage of core, child processes included
	@scripts/coverage.sh $(WORKERS)

faults: setup-dev ## kill the real command at every point of every saga; print a table of what came of it
	@PYTHONPATH=scripts $(BIN)/python -m crash_trials points

mutants: setup-dev ## break addons by machine; print what the conformance kit catches (EACH=0 for all)
	@PYTHONPATH=scripts $(BIN)/python -m mutation --each $(EACH)

lint: setup-dev ## check style, spelling, workflows, types and architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@found=$$($(BIN)/pyproject-fmt --check $$(git ls-files '*pyproject.toml' ':!:*/templates/*')) || { echo "$$found"; exit 1; }
	@$(BIN)/codespell $$(git ls-files)
	@$(BIN)/zizmor --offline --quiet .github
	@$(BIN)/towncrier build --draft --version next >/dev/null
	@$(MAKE) --no-print-directory types
	@$(BIN)/lint-imports
	@scripts/check-addresses.sh

format: setup-dev ## format Python and pyproject files
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/pyproject-fmt --no-print-diff $$(git ls-files '*pyproject.toml' ':!:*/templates/*') || true

types: setup-dev ## check types alone
	@$(BIN)/mypy

reference: setup-dev ## write the pages of docs/reference and the lists of names that follow from the code
	@$(BIN)/python scripts/write_reference.py
	@$(BIN)/python -m addonkit.cli.reference > docs/reference/cli.md
	@$(BIN)/python scripts/write_public_names.py

docs: setup-dev ## build the documentation, warnings being errors
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build
	@echo "docs/_build/index.html"

changes: setup-dev ## show what the next release tells users
	@$(BIN)/towncrier build --draft --version next

bench: setup-run ## measure
	@for each in commands engine workflows creates phases calls_of_create many_addons large_home reflinks; do echo; echo "$$each"; $(BIN)/python benchmarks/$$each.py; done

load: setup-run ## let 50 clients work on 500 instances for two minutes, and kill the service ten times meanwhile
	@PYTHONPATH=scripts $(BIN)/python -m load_trials

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(UPGRADE) \
  --no-emit-index-url --no-emit-package addonkit --generate-hashes --custom-compile-command "make pins"
DISTRIBUTIONS = core/pyproject.toml plugins/*/pyproject.toml

pins: setup-dev ## resolve the pinned requirements anew
	@for group in run dev; do $(COMPILE) $(DISTRIBUTIONS) --group $$group -o requirements/$$group.txt; done
	@$(COMPILE) --group docs -c requirements/dev.txt -o requirements/docs.txt
	@$(COMPILE) --resolution lowest-direct $(DISTRIBUTIONS) --group lowest -o requirements/lowest.txt

clean: ## remove what make made, servers of an interrupted demonstration first
	@if [ -d .demo ] && [ -x .venv/bin/addonkit ]; then scripts/demo.sh clean; fi
	@rm -rf .venv .venv-lowest .demo docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage* build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run:
	@scripts/setup.sh run

setup-dev:
	@scripts/setup.sh dev

setup-lowest:
	@scripts/setup.sh lowest
