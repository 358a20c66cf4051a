# make run     set up, run the quick suite, print the comparison, write the report
# make test    set up, run the tests
# make lint    set up, check style and types
# make smoke   set up, build the wheel and run the smoke suite with it in an empty folder
# make faults  set up, break real sweeps in every way of docs/reliability.md; half an hour
# make clusters  set up, bring up Ray and SLURM on this machine and break them; needs root, ten minutes
# make paper   set up, run the paper's tables and figures in full, write docs/results/paper; for a GPU
# make paper-short  the same in short, for two CPU cores; CIFAR=folder:PATH names a data set like CIFAR-10
# make fair    set up, tune all optimizers alike, write docs/results/fair; half an hour on two CPU cores
# make baselines  set up, run the results that ship with the package; half an hour on two CPU cores
# make bench   set up, run the short form of every measurement in bench/; some minutes on an idle machine

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: run test lint smoke bench faults clusters paper paper-short paper-page fair baselines clean

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

BENCHES := step augmentation updates adafix stacking packing overhead probes scale cluster coordinator

bench: $(INSTALLED)
	set -e; for name in $(BENCHES); do echo "== $$name"; $(BIN)/python bench/$$name.py --short; done

faults: $(INSTALLED)
	$(BIN)/python tests/faults
	set -e; for name in kill race disk; do $(BIN)/python tests/faults/results_$$name.py; done

clusters: $(INSTALLED)
	$(BIN)/python -m pytest -m cluster $(PYTEST_ARGS)

# What the paper's page is made of. `make paper DRY=--dry-run` tells the time that it takes instead;
# DRY='--dry-run --measure --price-per-hour 2.5' times some steps for it, and tells the bill.
PAPER := docs/results/paper
RUNS := results/paper
CIFAR ?= cifar10
comma := ,
METHODS := --opt sgdm --opt adam --opt amsgrad --opt adabound --opt adafix

SMALL := --batch-size 32 --threads 1

paper: $(INSTALLED)
	set -e; for suite in figure1-light table1 table2 figure2; do $(BIN)/adabench run $$suite --out $(RUNS) $(DRY); done
	$(if $(DRY),,$(MAKE) paper-page)

paper-short: $(INSTALLED)
	$(BIN)/adabench run figure1-light --out $(RUNS) $(DRY)
	$(BIN)/adabench run table1 --epochs 30 --threads 1 --out $(RUNS) $(DRY)
	$(BIN)/adabench run $(METHODS) --model vgg11 --dataset $(CIFAR) \
		--seeds 3 --epochs 3 --train-examples 2000 $(SMALL) --out $(RUNS) $(DRY)
	$(BIN)/adabench run $(METHODS) --model resnet34 --model densenet53 --dataset $(CIFAR) \
		--dataset $(CIFAR)$(if $(findstring :,$(CIFAR)),$(comma),:)augment=crop_flip \
		--seeds 1 --epochs 1 --train-examples 1000 $(SMALL) --out $(RUNS) $(DRY)
	$(if $(DRY),,$(MAKE) paper-page)

paper-page: $(INSTALLED)
	$(BIN)/adabench merge $(RUNS) --out $(PAPER)/results.zip
	$(BIN)/adabench report $(PAPER)/results.zip --paper --output $(PAPER)/README.md
	$(BIN)/adabench report $(PAPER)/results.zip --paper --output $(PAPER)/page.html

FAIR := docs/results/fair

fair: $(INSTALLED)
	$(BIN)/adabench tune fair-short --threads 1 --out results/fair
	$(BIN)/adabench merge results/fair --out $(FAIR)/results.zip
	$(BIN)/adabench report $(FAIR)/results.zip --tuned --output $(FAIR)/README.md
	$(BIN)/adabench report $(FAIR)/results.zip --tuned --output $(FAIR)/page.html

baselines: $(INSTALLED)
	$(BIN)/adabench run quick --opt adamw $(METHODS) --threads 1 --out results/baselines
	$(BIN)/adabench run breadth --threads 1 --out results/baselines
	$(BIN)/adabench merge results/baselines --out adabench/baselines/results.zip

clean:
	rm -rf $(VENV) build results

# The environment is made without pip, which Debian keeps in a package of its own; the system's pip
# installs into it from outside.
$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --editable '.[dev,zoo]'
	touch $@
