# make run     set up, run the quick suite, print the comparison, write the report
# make test    set up, run the tests
# make lint    set up, check style and types
# make smoke   set up, build the wheel and run the smoke suite with it in an empty folder
# make faults  set up, break real sweeps in every way of docs/reliability.md; half an hour
# make bench   set up, run the short form of every measurement in bench/; some minutes on an idle machine

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: run test lint smoke bench faults clean

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

smoke: $(INSTALLED)
	rm -rf build/smoke
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir build/smoke/wheel .
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --no-deps --target build/smoke/site build/smoke/wheel/*.whl
	mkdir build/smoke/empty
	cd build/smoke/empty && PYTHONPATH=../site $(BIN)/python -m adabench run smoke
	cd build/smoke/empty && PYTHONPATH=../site $(BIN)/python -m adabench compare

BENCHES := step augmentation updates adafix stacking packing overhead probes scale

bench: $(INSTALLED)
	set -e; for name in $(BENCHES); do echo "== $$name"; $(BIN)/python bench/$$name.py --short; done

faults: $(INSTALLED)
	$(BIN)/python tests/faults
	set -e; for name in kill race disk; do $(BIN)/python tests/faults/results_$$name.py; done

clean:
	rm -rf $(VENV) build results

# The environment is made without pip, which Debian keeps in a package of its own; the system's pip
# installs into it from outside.
$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --editable '.[dev,zoo]'
	touch $@
