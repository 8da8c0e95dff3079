# `make demo` and `make test` start from a bare clone and set up what they need in .venv.
# A machine needs python3 (3.11 or newer), make and git; `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Two stamps for one environment: the demo does not wait for Qt and the tools.
BASE := $(VENV)/.installed-base
DEV := $(VENV)/.installed-dev
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# In the order in which they are named, even under make -j.
.NOTPARALLEL:
.PHONY: help demo test format lint typecheck imports manifest docs wheel unit fuzz soak bench bench-smoke system clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(BASE) ## restore a real micrograph three ways; pictures in demo/
	$(BIN)/napari-dip demo --out demo

test: system lint typecheck imports manifest docs wheel unit ## all checks, as they are run on a change

format: $(DEV) ## put the code in form
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: $(DEV) ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(DEV) ## mypy, strict
	$(BIN)/mypy

imports: $(DEV) ## who may import whom
	$(BIN)/lint-imports

manifest: $(DEV) ## what napari reads of the plugin
	$(BIN)/npe2 validate napari-dip

# Not --quiet: mkdocs counts for --strict only the warnings that it prints.
docs: $(DEV) ## the pages in docs/ as a site in site/; a link that leads nowhere fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

wheel: $(DEV) ## build, install without Qt elsewhere, and run the command line there
	$(BIN)/python tools/check_wheel.py

unit: $(DEV) ## pytest, doctests included, on all cores
	$(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal

fuzz: $(DEV) ## the property tests with many more examples, and what is slow
	$(BIN)/pytest --hypothesis-profile=fuzz -m "hypothesis or slow" tests

soak: $(DEV) ## two hundred runs in one viewer, and ten viewers closed in mid-run; takes minutes
	$(BIN)/pytest -s -m slow tests/plugin/viewer/test_soak.py

bench: $(DEV) ## quality, stopping and speed beside classical methods; takes hours, resumes after an interruption
	-$(INSTALL) bm3d bm4d matplotlib opencv-python-headless PyWavelets # a method that is not installed is left out of the tables
	$(BIN)/python benchmarks/compare.py --resume
	$(BIN)/python benchmarks/stopping.py --resume
	$(BIN)/python benchmarks/correlated_noise.py --resume
	$(BIN)/python benchmarks/stacks.py
	$(BIN)/python benchmarks/axial.py --resume
	$(BIN)/python benchmarks/tiles.py
	$(BIN)/python benchmarks/channels.py
	$(BIN)/python benchmarks/speed.py --size 256
	$(BIN)/python benchmarks/speed.py --size 512
	$(BIN)/python benchmarks/ablation.py denoise --resume
	$(BIN)/python benchmarks/ablation.py inpaint --resume
	$(BIN)/python benchmarks/ablation.py super-resolve --resume
	$(BIN)/python benchmarks/roofline.py
	$(BIN)/python benchmarks/roofline.py --preset paper
	$(BIN)/python benchmarks/gpu.py
	$(BIN)/python benchmarks/concurrency.py
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/tables.py
	-$(BIN)/python benchmarks/figures.py

bench-smoke: $(DEV) ## speed, memory and forecast, with all instructions and with AVX2 alone, in five minutes
	$(BIN)/python benchmarks/smoke.py

system: ## what venv, Qt and OpenGL need of Debian, installed where it may
	@$(PYTHON) tools/system.py venv qt

clean: ## remove the environment and all that was made
	rm -rf $(VENV) build dist demo site .coverage .hypothesis .import_linter_cache .mypy_cache \
		.pytest_cache .ruff_cache .tox
	find src tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(BASE): pyproject.toml constraints.txt
	@$(PYTHON) tools/system.py venv
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -e .
	@touch $@

$(DEV): $(BASE)
	$(INSTALL) -e ".[dev]"
	@touch $@
