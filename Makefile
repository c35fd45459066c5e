PYTHON := .venv/bin/python
STAMP := .venv/.installed
KERNELS := tests/automata/test_kernels.py tests/automata/test_search_kernels.py

unexport PYTHONDONTWRITEBYTECODE  # without bytecode each process of a test compiles its imports

.PHONY: demo docs test test-browser test-exhaustive test-faults test-nojit lint bench

demo: $(STAMP)
	$(PYTHON) pipeline.py demo

test: $(STAMP) lint
	$(PYTHON) -m pytest -m "not exhaustive and not browser" -n 2 --dist loadfile

# needs Chromium (Debian: apt-get install chromium); screenshots go to build/screenshots
test-browser: $(STAMP)
	$(PYTHON) -m pytest -m browser

test-exhaustive: $(STAMP)
	$(PYTHON) -m pytest -m "not browser" --hypothesis-profile thorough

# takes hours (docs/reliability.md): a later call goes on; FAULTS="kills --scale 0.1" takes a part
test-faults: $(STAMP)
	$(PYTHON) -m tests.faults --jobs 2 $(FAULTS)

test-nojit: $(STAMP)
	NUMBA_DISABLE_JIT=1 $(PYTHON) -m pytest -W "ignore:overflow encountered" $(KERNELS)
	NUMBA_BOUNDSCHECK=1 $(PYTHON) -m pytest $(KERNELS)

lint: $(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

# the reference of every function into docs/api, the tables of options into docs/cli.md
docs: $(STAMP)
	$(PYTHON) -m docs.build

bench: $(STAMP)
	for script in benchmarks/bench_*.py; do $(PYTHON) $$script; done

$(STAMP): pyproject.toml requirements.txt
	python3 -m venv .venv
	.venv/bin/python -m pip install -q -c requirements.txt -e '.[test]'
	touch $(STAMP)
