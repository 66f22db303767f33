# `make` lists the targets. Everything runs in .venv, made from requirements.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What tests need besides: a real OpenID provider, and the Node.js that it runs on.
OIDC := .venv-oidc
OIDC_READY := $(OIDC)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo demo-year test check lock contracts chaos attack guards bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Samtid needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...")'
	@echo "Installing $$(grep -c '^[a-z]' requirements.lock) packages into $(VENV): some 830 MB on disk, a few minutes, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --progress-bar off -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Where it cannot be had, its tests are skipped and say so; with SAMTID_REQUIRE_ALL they fail.
$(OIDC_READY): tests/oidc/requirements.lock tests/oidc/package-lock.json
	@rm -rf $(OIDC)
	@$(PYTHON) -m venv $(OIDC) \
	  && $(OIDC)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/oidc/requirements.lock \
	  && cp tests/oidc/package.json tests/oidc/package-lock.json $(OIDC) \
	  && (cd $(OIDC) && PATH="$$PWD/bin:$$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) \
	  && touch $@ || echo "make: the OpenID provider for tests could not be installed; make test tries again"

demo: $(READY)  ## run the whole system on this machine (ARGS='--port 8123 --state DIR --fresh')
	@exec $(BIN)/samtid demo $(ARGS)

demo-year: $(READY)  ## the same with a year of invented families before today (takes minutes; can be cut off)
	@exec $(BIN)/samtid demo --year --state .samtid-year $(ARGS)

test: $(READY) $(OIDC_READY)  ## every test, on real PostgreSQL and NATS (ARGS='-k slots')
	$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

check: $(READY)  ## lint, types, boundaries, contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m contracts.generate --check

contracts: $(READY)  ## write contracts/ anew from the code
	$(BIN)/python -m contracts.generate
	$(BIN)/python -m deploy.permissions

chaos: $(READY)  ## kill, freeze and empty servers while families book, then check the whole history (LONG=1: more, longer)
	SAMTID_CHAOS_BOOKINGS=$(if $(LONG),10000,1000) $(BIN)/pytest -m chaos
	$(BIN)/python -m tests.chaos $(if $(LONG),--long) $(ARGS)

attack: $(READY)  ## want all times of a pool and whatever is others', two thousand times over, and see that nobody gets it
	SAMTID_HOSTILE=2000 $(BIN)/pytest tests/booking/test_attack.py tests/directory/test_agreed_changes.py

guards: $(READY) $(OIDC_READY)  ## take each guard away and see a test notice (SHORT=1: 20 of them; ARGS='--only shares')
	SAMTID_REQUIRE_ALL=1 $(BIN)/python -m tests.guards $(if $(SHORT),--sample) $(ARGS)

bench: $(READY)  ## ratios of search and booking to a floor measured in the same run (ARGS='--long')
	$(BIN)/python -m tests.bench $(ARGS)

lock: $(READY) $(OIDC_READY)  ## resolve requirements.lock, and what tests lock besides, anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --extra embedded --group dev --output-file requirements.lock pyproject.toml
	$(MAKE) deploy/image.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --output-file tests/oidc/requirements.lock tests/oidc/requirements.in
	PATH="$$PWD/$(OIDC)/bin:$$PATH" npm update --prefix tests/oidc --package-lock-only --omit-lockfile-registry-resolved \
	  --ignore-scripts --no-audit --no-fund --loglevel=error

# The part of requirements.lock that images install: pip takes no hashed subset of a file.
deploy/image.lock: requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --extra catcher --constraint requirements.lock --output-file $@ pyproject.toml

clean:  ## remove the environment and caches (not the demo's data)
	rm -rf $(VENV) $(OIDC) .mypy_cache .ruff_cache .pytest_cache .hypothesis
