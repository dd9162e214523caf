# Two commands do everything on a fresh machine: `make run` and `make test`.

PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin
READY := .venv/ready

.PHONY: run test check format lint types layers tests bench proof starters gallery wheel clean

run: $(READY)  ## start the app on http://localhost:8501 (PORT= changes it)
	$(BIN)/elbo app --port $(PORT)

test: $(READY) tests  ## all tests

check: $(READY) lint types layers tests  ## the gate: format, lint, types, layers, tests with warnings as errors

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/pyright

layers: $(READY)
	$(BIN)/lint-imports

tests: $(READY)
	$(BIN)/python -m pytest

format: $(READY)  ## bring the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

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

clean:
	rm -rf .venv dist build
