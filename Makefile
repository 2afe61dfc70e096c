# The panel and its sandbox. `make` alone lists the targets.

.DEFAULT_GOAL := help
.PHONY: help setup demo stop clean lint test

VENV := .venv/bin

help: ## list the targets
	@echo "The engagement panel: six PostgreSQL views, built with dbt. Needs Python 3.11 to 3.13."
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## build .venv and install dbt_utils, where that is not done yet (PYTHON=... picks the Python)
	@python="$$(PYTHON='$(PYTHON)' sh scripts/find_python.sh)" && "$$python" scripts/set_up.py

demo: setup ## start a PostgreSQL of its own, load a sample school, build the panel on it and show it
	@$(VENV)/python -m sandbox demo

stop: ## stop the sandbox's PostgreSQL
	@if [ -d .venv ]; then $(VENV)/python -m sandbox stop; else echo "No sandbox was ever set up here."; fi

clean: ## remove the sandbox and all that dbt and the tests generated, but not .venv
	@if [ -d .venv ]; then $(VENV)/python -m sandbox clean; fi
	@rm -rf .hypothesis .pytest_cache .ruff_cache

lint: setup ## check the style of SQL and Python, and that dbt finds nothing deprecated
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/python -m scripts.lint_dbt

test: lint ## lint, then run every test on a PostgreSQL of its own
	@$(VENV)/pytest
