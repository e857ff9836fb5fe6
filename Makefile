# Everything a newcomer needs: `make demo` and `make test` do all the set-up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One more than the smallest machine has processors: some tests wait for other processes.
WORKERS ?= 3

.PHONY: demo test test-everywhere check format lock bench openapi access clean

$(VENV)/.ready: pyproject.toml requirements/dev.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "creditbank needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/.ready  ## a province at work: loads it, serves it, prints links and one curl per role
	$(BIN)/creditbank demo

test: $(VENV)/.ready  ## the suite, on SQLite and on a PostgreSQL 18 of its own
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

test-everywhere: export CREDITBANK_TEST_EVERYWHERE = 1
test-everywhere: test  ## the same, with each request asked on both databases, not on one of them

check: $(VENV)/.ready  ## format, lint, types, contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/creditbank openapi --check openapi/creditbank.json
	$(BIN)/creditbank access --check docs/access.md

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: $(VENV)/.ready  ## write the description of the API anew
	$(BIN)/creditbank openapi --output openapi/creditbank.json

access: $(VENV)/.ready  ## write the page of who may do what anew
	$(BIN)/creditbank access --output docs/access.md

bench: $(VENV)/.ready  ## product and peers side by side; nothing else should run
	$(BIN)/python -m benchmarks

audit: $(VENV)/.ready  ## known vulnerabilities in what is locked; fails where any could not be looked up
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements/runtime.lock -r requirements/dev.lock

sbom: $(VENV)/.ready  ## what the bank is made of, as CycloneDX
	mkdir -p dist
	$(BIN)/uv tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements/runtime.lock \
	  --output-reproducible --output-file dist/creditbank.cdx.json

lock:  ## pin every dependency anew, with hashes
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
	  --python-version 3.11 pyproject.toml --output-file requirements/runtime.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
	  --python-version 3.11 --extra test --extra dev pyproject.toml --output-file requirements/dev.lock

clean:
	rm -rf $(VENV) dist demo-data .mypy_cache .ruff_cache .pytest_cache .hypothesis
