# All set-up is done here: a fresh Linux machine needs Python >= 3.11 and make, nothing else.
.DEFAULT_GOAL := help
SHELL := /usr/bin/env bash
BIN := .venv/bin
SOURCES := core/src plugins/*/src
WORKERS ?= auto
UPGRADE ?= --upgrade

.PHONY: help demo test lint types reference docs bench pins clean setup-run setup-dev

help: ## tell what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: setup-run ## give apps real databases and caches, in two minutes
	@scripts/demo.sh

test: setup-dev ## run all tests, on real servers
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: setup-dev ## check style, types and architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(MAKE) --no-print-directory types
	@$(BIN)/lint-imports
	@scripts/check-addresses.sh

types: setup-dev ## check types alone
	@$(BIN)/mypy $(SOURCES)

reference: setup-dev ## write the pages of docs/reference that follow from the code
	@$(BIN)/python scripts/write_reference.py
	@$(BIN)/python -m addonkit.cli.reference > docs/reference/cli.md

docs: setup-dev ## build the documentation, warnings being errors
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build
	@echo "docs/_build/index.html"

bench: setup-run ## measure
	@for each in benchmarks/*.py; do $(BIN)/python "$$each"; done

pins: setup-dev ## resolve the pinned requirements anew
	@for group in run dev; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(UPGRADE) \
	  --no-emit-index-url --no-emit-package addonkit --generate-hashes --custom-compile-command "make pins" \
	  core/pyproject.toml plugins/*/pyproject.toml --group $$group -o requirements/$$group.txt; done

clean: ## remove what make made, servers of an interrupted demonstration first
	@if [ -d .demo ] && [ -x .venv/bin/addonkit ]; then scripts/demo.sh clean; fi
	@rm -rf .venv .demo docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage* build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run:
	@scripts/setup.sh run

setup-dev:
	@scripts/setup.sh dev
