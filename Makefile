# `make demo` and `make test` work from a clean clone with python3 (3.11 or newer), its venv module and make.
PYTHON ?= python3
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
BENCH_STAMP := $(VENV)/.set-up-bench
UV := $(shell command -v uv 2>/dev/null)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
EXTRAS := .[postgres,web,docs,dev]
# Hatchling comes from the constraints too, so that the build is as pinned as the rest.
BUILD := --no-build-isolation --constraint constraints.txt

.PHONY: help demo test check faults bench bench-quick format docs site deb lock clean

help:
	@echo 'make demo    set up, then run the main job on sample people in ./demo/'
	@echo 'make test    set up, then run all tests'
	@echo 'make check   format, lint, types, import layers'
	@echo 'make faults  kill, cut off and confuse it some hundred times, and count what arrived (under 10 minutes)'
	@echo 'make bench   measure all beside what else there is (half an hour); bench-quick: rougher, under 5 minutes'
	@echo 'make format  let ruff format and mend what it can'
	@echo 'make docs    write the generated files again (.env.example, settings, drafts, the table of the rules)'
	@echo 'make site    build docs/ into pages for a browser, in build/site/; what is broken fails'
	@echo 'make deb     build the Debian package into dist/'
	@echo 'make lock    resolve the dependencies afresh into constraints.txt'
	@echo 'make clean   remove the virtual environment, caches and built files'

demo: $(STAMP)
	@$(BIN)/reminderd demo

test: $(STAMP)
	$(BIN)/pytest --numprocesses $(WORKERS)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@.ci/audit

faults: $(STAMP)
	$(BIN)/python -m bench.faults

bench: $(BENCH_STAMP)
	$(BIN)/python -m bench

bench-quick: $(BENCH_STAMP)
	$(BIN)/python -m bench --quick

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# With Debian's own tools, from a copy of the checkout: apt-get install debhelper dpkg-dev python3-venv. Nothing is
# compiled, so that no compiler is asked for.
deb:
	rm -rf build/deb
	mkdir -p build/deb/reminderd dist
	cp -r reminderd templates deploy docs pyproject.toml constraints.txt README.md LICENSE .env.example build/deb/reminderd
	mv build/deb/reminderd/deploy/debian build/deb/reminderd/debian
	printf 'reminderd (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' \
		"$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' reminderd/__init__.py)" \
		"$$(sed -n 's/^Maintainer: //p' deploy/debian/control)" "$$(date -R -r pyproject.toml)" \
		>build/deb/reminderd/debian/changelog
	cd build/deb/reminderd && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps
	cp build/deb/*.deb dist/

docs: $(STAMP)
	$(BIN)/python docs/generate.py

site: $(STAMP)
	$(BIN)/properdocs build

# Runs once, and again when the dependencies change.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'reminderd needs Python 3.11 or newer; say which: make PYTHON=python3.12 …' >&2; exit 1; }
	@echo 'Setting up $(VENV) (once, a minute or two) …'
ifneq ($(UV),)
	@$(UV) venv --quiet --allow-existing --python '$(PYTHON)' $(VENV)
	@$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt hatchling
	@$(UV) pip install --quiet --python $(BIN)/python $(BUILD) --editable '$(EXTRAS)'
else
	@$(PYTHON) -m venv $(VENV) \
		|| { echo 'No working venv module; on Debian: apt-get install python3-venv' >&2; rm -rf $(VENV); exit 1; }
	@$(PIP) install --constraint constraints.txt hatchling
	@$(PIP) install $(BUILD) --editable '$(EXTRAS)'
endif
	@touch $@

# What is measured beside; nothing else needs it.
$(BENCH_STAMP): $(STAMP)
ifneq ($(UV),)
	@$(UV) pip install --quiet --python $(BIN)/python $(BUILD) --editable '.[bench]'
else
	@$(PIP) install $(BUILD) --editable '.[bench]'
endif
	@touch $@

# Resolves from nothing, so that a stale pin cannot hold another one back.
lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip --quiet install '$(EXTRAS)' '.[bench]'
	{ echo '# Exact versions for development and CI. Written by `make lock`; pyproject.toml says what is needed.'; \
		.venv-lock/bin/python -m pip freeze --exclude reminderd --exclude pip --exclude setuptools; } >constraints.new
	mv constraints.new constraints.txt
	rm -rf .venv-lock

clean:
	rm -rf $(VENV) .venv-* dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
