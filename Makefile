# Every target works on a fresh clone: what it needs is installed into .venv first.
PYTHON ?= python3
VENV := .venv/bin/python
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(VENV) -m piptools compile --quiet --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options $(UPGRADE)

.PHONY: help run setup test quick slow lint shots bench lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: ## start Adjudge on this machine with a demonstration study (PORT=8000)
	@$(PYTHON) -m tools.run

setup: ## make .venv with everything for development, from the lock files
	@$(PYTHON) -m tools.environment dev

test: setup ## the whole suite on SQLite and PostgreSQL, with a real browser (ARGS="..." go to pytest)
	@$(VENV) -m tools.suite test $(ARGS)

quick: setup ## the tests that need neither PostgreSQL nor a browser, under a minute
	@$(VENV) -m tools.suite quick $(ARGS)

slow: setup ## the long tests, with full numbers
	@$(VENV) -m tools.suite slow $(ARGS)

lint: setup ## style, types, templates, deployment checks, migrations, import direction
	@$(VENV) -m tools.lint

shots: setup ## pictures of every screen, into var/shots
	@$(VENV) -m tools.shots $(ARGS)

bench: setup ## measure and print
	@$(VENV) -m bench $(ARGS)

lock: setup ## write requirements/*.txt from pyproject.toml (UPGRADE=--upgrade takes newer versions)
	@$(COMPILE) --output-file requirements/base.txt pyproject.toml
	@$(COMPILE) --extra dev --constraint requirements/base.txt --output-file requirements/dev.txt pyproject.toml

clean: ## remove .venv and caches; the data in var/ stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis staticfiles
