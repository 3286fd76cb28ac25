VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
# Processes, each with whole files, as tests of a file share a service. Tests wait for servers and clocks: five processes keep two
# processors busy, and with six a test waits long for a processor. Prints the ten slowest tests.
TEST_OPTIONS = -n 5 --dist loadfile --no-loadscope-reorder --durations=10

ifneq ($(shell uname -s),Linux)
$(error A4P+ runs on Linux only, this is $(shell uname -s))
endif

# Python caches compiled modules, also where it is set: without them a start of the service takes 0.15 s of processor time more,
# and the tests start it a thousand times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run stack test year torture fuzz soak audit pictures check bench generate messages golden proto editor clean

run: $(VENV)/installed
	@$(BIN)/a4p serve

stack: $(VENV)/installed
	@$(BIN)/a4p stack

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest $(TEST_OPTIONS)

# A year of the service in ten moments, with real Prometheus and Alertmanager: three to five minutes.
year: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m long tests/stack/test_living_year.py

# Kills, pauses, full disks and damaged blocks at random moments; TORTURE_ROUNDS (1000) and TORTURE_SEED are read. Then the long
# copies of tests that `make test` has smaller ones of, and a lake with LAKE_LOADS (1000) loads and LAKE_KILLS (50) of its scheduler.
torture: $(VENV)/installed-dev
	$(BIN)/python -m tests.torture
	$(BIN)/python -m pytest -m long --ignore=tests/stack/test_living_year.py

# Generated files, bodies of requests and definitions; FUZZ_CASES is read.
fuzz: $(VENV)/installed-dev
	FUZZ_CASES=$${FUZZ_CASES:-10000} $(BIN)/python -m pytest tests/test_fuzz.py tests/test_properties.py tests/history/test_agreement.py \
		tests/events/test_event_properties.py tests/events/test_windows.py tests/snapshots/test_cache.py \
		tests/stack/test_differential.py tests/stack/test_openapi.py

# Fifty mixed clients for SOAK_SECONDS (3600): prints memory, descriptors, threads and gaps between scrapes.
soak: $(VENV)/installed-dev
	$(BIN)/python -m tests.soak

# Known vulnerabilities of the pinned packages; needs access to the public package index.
audit:
	PYTHON=$(PYTHON) .ci/audit

# Every kind of page in three widths and two colour schemes, the PDF of a cycle, and with GRAFANA_URL the dashboards, in `pictures/`.
pictures: $(VENV)/installed-dev
	$(BIN)/python -m tests.pictures

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini tests
	$(BIN)/a4p check
	$(BIN)/a4p generate --check

bench: $(VENV)/installed-dev
	$(BIN)/python -m tests.bench

generate: $(VENV)/installed-dev
	$(BIN)/a4p generate

# The messages of remote read, by the official compiler in an environment that is thrown away.
proto:
	@folder=$$(mktemp -d) && $(PYTHON) -m venv $$folder \
	&& $$folder/bin/python -m pip install --quiet --disable-pip-version-check grpcio-tools==1.85.1 \
	&& $$folder/bin/python -m grpc_tools.protoc -Iproto --python_out=metrics --pyi_out=metrics proto/remote_read.proto; \
	status=$$?; rm -rf $$folder; exit $$status

# Needs Node.js with npm. The packages are pinned in service/web/editor/package-lock.json.
editor:
	@folder=$$(mktemp -d) && cp service/web/editor/* $$folder && cd $$folder && npm ci --silent --no-audit --no-fund --ignore-scripts \
	&& npx esbuild editor.js --bundle --minify --format=iife --global-name=A4PEditor --target=es2020 --legal-comments=none \
	--log-level=warning --outfile=$(CURDIR)/service/web/static/vendor/codemirror/editor.min.js; \
	status=$$?; rm -rf $$folder; exit $$status

# Adds new messages to the translations of each language and removes those that are gone; then `make generate` compiles them.
messages: $(VENV)/installed-dev
	@folder=$$(mktemp -d) && $(BIN)/pybabel -q extract -F babel.cfg -k mark_message -k pgettext:1c,2 --no-location --omit-header \
	-o $$folder/messages.pot . && $(BIN)/pybabel -q update -i $$folder/messages.pot -d metrics/translations --no-wrap \
	--ignore-obsolete --no-fuzzy-matching --ignore-pot-creation-date; status=$$?; rm -rf $$folder; exit $$status

golden: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/snapshots/test_golden.py --rewrite-golden

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

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt requirements-lake.txt
	@echo "installing test packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -r requirements-lake.txt
	@touch $@
