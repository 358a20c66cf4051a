# make run    set up, run the quick suite, print the comparison, write the report
# make test   set up, run the tests
# make lint   set up, check style and types

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: run test lint clean

run: $(INSTALLED)
	$(BIN)/adabench run
	$(BIN)/adabench compare
	$(BIN)/adabench report --output results/report.md

test: $(INSTALLED)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) results

# The environment is made without pip, which Debian splits into a package of its own; the system's
# pip installs into it from outside.
$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --editable '.[dev]'
	touch $@
