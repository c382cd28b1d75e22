# Everything one does with Baimo; `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test check stack secrets vendor zoo bench-engine test-torch clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
TORCH := .venv-torch/bin
# Two at a time; the tests of one file stay together, as they share what they start.
PARALLEL := --numprocesses 2 --dist loadfile
# A production-like environment, in which Django's deployment check must be silent.
PRODUCTION = DATA_DIR=$(CURDIR)/var/check PUBLIC_URL=https://baimo.example.org \
  SECRET_KEY=$(shell head -c 40 /dev/urandom | base64 -w 0)

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-11s %s\n", $$1, $$2}' Makefile

run: .venv/installed  ## Start Baimo on this machine: web, worker and database in one
	@exec $(BIN)/python manage.py up

test: .venv/installed-dev  ## Install what tests need, start servers, run every test
	@tests/packages.sh
	$(BIN)/pytest $(PARALLEL) tests/unit tests/integration
	$(BIN)/python tests/servers.py $(BIN)/pytest $(PARALLEL) -m "not torch and not walk" tests/integration
	$(BIN)/pytest $(PARALLEL) tests/browser

check: .venv/installed-dev  ## Style, types, imports, settings, migrations, catalog, words
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(PRODUCTION) $(BIN)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py catalog check
	$(BIN)/pytest --quiet --durations=0 tests/unit/registry/test_translations.py

stack: .venv/installed  ## Start docker-compose.yml's processes without Docker
	@exec $(BIN)/python manage.py stack

secrets:  ## Make the secret files that docker-compose.yml reads, where missing
	@mkdir -p -m 700 secrets
	@for name in database_password secret_key; do [ -e secrets/$$name ] || \
	  head -c 40 /dev/urandom | base64 -w 0 | tr '+/' '-_' > secrets/$$name; done
	@[ -e secrets/signing_key ] || head -c 32 /dev/urandom | base64 -w 0 > secrets/signing_key

vendor:  ## Copy the browser libraries of package-lock.json into static/vendor (npm)
	npm ci --ignore-scripts --no-audit --no-fund
	node tests/vendor.mjs

zoo: .venv-torch/installed  ## Train the small models of tests/zoo anew (hours)
	$(TORCH)/python tests/zoo/train.py

bench-engine: .venv-torch/installed .venv/installed-dev  ## Train the bench zoo and measure the engine on it (hours)
	$(TORCH)/python tests/zoo/train.py bench
	$(BIN)/python -m tests.bench.engine pairs
	$(BIN)/python -m tests.bench.engine independents
	$(BIN)/python -m tests.bench.engine tables > docs/measured.md
	$(BIN)/python -m tests.bench.engine plot docs/calibration.svg

test-torch: .venv-torch/installed  ## Run the tests that need torch
	$(TORCH)/pytest -m torch tests

clean:  ## Remove environments and caches; data in var/ stay
	rm -rf .venv .venv-torch .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Each file is made after its packages were installed, and again when the list of
# packages changes.
.venv/installed: requirements.txt
	@echo "Making .venv with the packages of requirements.txt"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv/installed-dev: requirements-dev.txt requirements-parquet.txt .venv/installed
	@echo "Adding the packages of requirements-dev.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv-torch/installed: requirements-gpu.txt requirements-dev.txt requirements.txt
	@echo "Making .venv-torch with torch (several GB)"
	@[ -x $(TORCH)/python ] || $(PYTHON) -m venv .venv-torch
	@$(TORCH)/python -m pip install --quiet --disable-pip-version-check \
	  -r requirements-dev.txt -r requirements-gpu.txt
	@touch $@
