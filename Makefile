# The panel and its sandbox. `make` alone lists the targets.

.DEFAULT_GOAL := help
.PHONY: help setup demo stop clean docs report health preview lint test test-browser mutate bench soak

VENV := .venv/bin

help: ## list the targets
	@echo "The engagement panel: PostgreSQL views, built with dbt. Needs Python 3.11 to 3.13."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## build .venv and install dbt_utils, where that is not done yet (PYTHON=... picks the Python)
	@python="$$(PYTHON='$(PYTHON)' sh scripts/find_python.sh)" && "$$python" scripts/set_up.py

demo: setup ## start a PostgreSQL of its own, load a sample school, build the panel on it and show it
	@$(VENV)/python -m sandbox demo

stop: ## stop the sandbox's PostgreSQL
	@if [ -d .venv ]; then $(VENV)/python -m sandbox stop; else echo "No sandbox was ever set up here."; fi

clean: ## remove the sandbox and all that dbt and the tests generated, but not .venv
	@if [ -d .venv ]; then $(VENV)/python -m sandbox clean; fi
	@rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache

docs: setup ## write the documentation as one page, and serve it on this machine
	@$(VENV)/python -m sandbox.docs $(if $(TARGET),--target $(TARGET))

report: setup ## write the panel as of now as a page in report/, its lists as CSV beside it (TARGET=... of the dbt profile)
	@$(VENV)/python -m engagement_panel report $(if $(TARGET),--target $(TARGET))

health: setup ## check the panel: do check-ins arrive, are the rows sound, the views fast (TARGET=..., JUNIT=file.xml)
	@$(VENV)/python -m engagement_panel health $(if $(TARGET),--target $(TARGET)) $(if $(JUNIT),--junit $(JUNIT))

preview: setup ## show what a deployment of this checkout would change for the panel's readers (TARGET=...)
	@$(VENV)/python -m engagement_panel preview $(if $(TARGET),--target $(TARGET)) || [ $$? -eq 1 ]

lint: setup ## check Python's types and style, SQL's style, the conventions, and that dbt finds nothing deprecated
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy & types=$$!; $(VENV)/python -m scripts.lint_dbt; others=$$?; wait $$types && exit $$others

test: lint ## lint, then run every test, half of them each on a PostgreSQL of its own
	@$(VENV)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-browser: setup ## look at the documentation and the report in a headless browser (Debian's chromium)
	@$(VENV)/pytest tests/python/browser

mutate: setup ## break the project on purpose, one slip of scripts/slips.yml after the other, and see the tests turn red
	@$(VENV)/python -m scripts.mutate $(ARGUMENTS)

bench: setup ## time the views against the requirements' sketch (ARGUMENTS="--sizes 10M --history --cliffs")
	@$(VENV)/python -m sandbox.bench $(ARGUMENTS)

soak: setup ## deploy 200 times under readers and a writer (ARGUMENTS="--deployments 400")
	@$(VENV)/python -m sandbox.soak $(ARGUMENTS)
