# `make demo` and `make test` work in a new clone: they make an environment in .venv.
# They need python3 (3.11 or newer), make and git; `make help` lists all targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Two stamps for one environment: the demo needs neither Qt nor the tools.
BASE := $(VENV)/.installed-base
DEV := $(VENV)/.installed-dev
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# The benchmarks that count seconds of the processor, and the images of the table of seconds.
ONE_THREAD := OMP_NUM_THREADS=1 $(BIN)/python
TIMED := --out build/bench/seconds.json --most 2 \
	--groups "FMD, real frames" "W2S, real frames" "photographs, sigma 25" "half of the pixels" "photographs, x2"

# Run targets in the given order, even with make -j.
.NOTPARALLEL:
.PHONY: help demo test format lint typecheck imports manifest docs wheel unit fuzz soak bench bench-smoke system clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(BASE) ## restore a real micrograph in three ways; writes pictures into demo/
	$(BIN)/napari-dip demo --out demo

test: system lint typecheck imports manifest docs wheel unit ## run all checks

format: $(DEV) ## format the code
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: $(DEV) ## check style with ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(DEV) ## check types with mypy, strict
	$(BIN)/mypy

imports: $(DEV) ## check which module imports which
	$(BIN)/lint-imports

manifest: $(DEV) ## check the plugin manifest
	$(BIN)/npe2 validate napari-dip

# Not --quiet: with --strict, mkdocs counts only the warnings that it prints.
docs: $(DEV) ## build the site from docs/ into site/; fails for a broken link
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

wheel: $(DEV) ## build the wheel, install it without Qt, and run the command
	$(BIN)/python tools/check_wheel.py

unit: $(DEV) ## run pytest and doctests on all cores
	$(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal

fuzz: $(DEV) ## run property tests with more examples, and slow tests
	$(BIN)/pytest --hypothesis-profile=fuzz -m "hypothesis or slow" tests

soak: $(DEV) ## do 200 runs in one viewer, and close ten viewers during a run; takes minutes
	$(BIN)/pytest -s -m slow tests/plugin/viewer/test_soak.py

bench: $(DEV) ## measure quality, stopping and speed against classical methods; takes hours, resumes
	-$(INSTALL) bm3d bm4d matplotlib opencv-python-headless # a method that is not installed is left out of the tables
	$(ONE_THREAD) benchmarks/compare.py --resume
	$(ONE_THREAD) benchmarks/compare.py --resume $(TIMED)
	ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 $(ONE_THREAD) benchmarks/compare.py --resume $(TIMED)
	$(BIN)/python benchmarks/stopping.py --resume
	$(BIN)/python benchmarks/correlated_noise.py --resume
	$(BIN)/python benchmarks/coverage.py --resume
	$(ONE_THREAD) benchmarks/stacks.py
	$(ONE_THREAD) benchmarks/deconvolution.py
	$(BIN)/python benchmarks/axial.py --resume
	$(BIN)/python benchmarks/deconvolution.py
	$(BIN)/python benchmarks/aberration.py
	$(BIN)/python benchmarks/ringing.py
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
	$(BIN)/python benchmarks/shards.py
	$(BIN)/python benchmarks/tables.py
	$(BIN)/python benchmarks/page_tables.py --write
	$(BIN)/python benchmarks/pictures.py
	-$(BIN)/python benchmarks/figures.py

bench-smoke: $(DEV) ## measure speed, memory and forecast, also with AVX2 only, in five minutes
	$(BIN)/python benchmarks/smoke.py

system: ## install the Debian packages for venv, Qt and OpenGL, if allowed
	@$(PYTHON) tools/system.py venv qt

clean: ## remove the environment and all build results
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
