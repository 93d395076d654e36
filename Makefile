# Commands of this repository. They work twice in a row and set up what they need.
.DEFAULT_GOAL := help
.PHONY: help demo demo-stop test test-all check examples docs pictures bench up down clean prepare

PYTHON ?= python3
INVENTORY ?= examples/demo.yaml
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: prepare .venv/installed ## simulated models, an incident, and its notification, in 2 minutes
	@$(BIN)/modelwatch demo $(INVENTORY)

demo-stop: .venv/installed ## end what the demo left running
	@$(BIN)/modelwatch demo --stop

test: .venv/installed-test ## run every test but those that take minutes
	@PYTHON=$(PYTHON) compose/prepare.sh || echo "tests that need these programs are skipped"
	@$(BIN)/python -m pytest --quiet -m "not slow"

test-all: .venv/installed-test ## run every test
	@PYTHON=$(PYTHON) compose/prepare.sh || echo "tests that need these programs are skipped"
	@$(BIN)/python -m pytest --quiet

check: .venv/installed-test ## lint, format, types; verify the examples
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@for name in demo everything minimal; do \
		said=$$($(BIN)/modelwatch verify --strict examples/$$name.yaml) || { echo "$$said"; exit 1; }; \
	done
	@echo "check: no problems"

examples: .venv/installed ## generate examples/generated again
	@$(BIN)/modelwatch generate examples/demo.yaml -o examples/generated

docs: .venv/installed ## write the reference pages again
	@$(BIN)/python -m generator.docs

pictures: prepare .venv/installed-test ## retake the pictures of the docs, in 6 minutes
	@$(BIN)/python -m generator.pictures

bench: .venv/installed-test ## measure everything in three quarters of an hour; ARGS="--only rules"
	@$(BIN)/python -m benchmarks $(ARGS)

up: .venv/installed ## run the stack for INVENTORY, in containers where an engine answers
	@$(BIN)/modelwatch up $(INVENTORY)

down: .venv/installed ## end what `make up` started
	@$(BIN)/modelwatch down $(INVENTORY)

clean: ## remove caches, the environment and the data of the demo
	@test ! -x $(BIN)/modelwatch || $(BIN)/modelwatch demo --stop
	@rm -rf .venv .modelwatch/demo .mypy_cache .ruff_cache .pytest_cache build dist

prepare:
	@PYTHON=$(PYTHON) compose/prepare.sh

.venv/bin/python:
	@echo "creating .venv"
	@$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	@echo "installing modelwatch into .venv"
	@$(INSTALL) .
	@touch $@

.venv/installed-test: pyproject.toml | .venv/bin/python
	@echo "installing modelwatch and its test tools into .venv"
	@$(INSTALL) '.[test]'
	@touch .venv/installed $@
