VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin

.PHONY: run test check bench generate golden clean

run: $(VENV)/installed
	@$(BIN)/a4p serve

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/a4p check
	$(BIN)/a4p generate --check

bench: $(VENV)/installed-dev
	$(BIN)/python -m tests.bench

generate: $(VENV)/installed
	$(BIN)/a4p generate

golden: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/test_golden.py --rewrite-golden

clean:
	rm -rf $(VENV)

$(VENV)/made:
	@echo "making the virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/made requirements.txt pyproject.toml
	@echo "installing packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@echo "installing test packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
