# Sets itself up in .venv; needs Python 3.11 or newer, git and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: crawl test check torture bench clean

crawl: .venv/.installed
	@$(BIN)/python -m fixtures.demo

test: .venv/.tested .venv-pywb/.installed
	$(BIN)/python -m pytest -n auto --dist loadscope -m "not torture" $(ARGS)

check: .venv/.checked
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

torture: .venv/.tested
	$(BIN)/python -m pytest -m torture $(ARGS)

bench: .venv/.installed
	$(BIN)/python -m bench

clean:
	rm -rf .venv .venv-* archive/demo

.venv/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Ciwen needs Python 3.11 or newer: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Setting up .venv (once; about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/.tested: .venv/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

.venv/.checked: .venv/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,check]'
	@touch $@

# pywb pins what it needs more tightly than we do, so this outside judge lives apart.
.venv-pywb/.installed: pyproject.toml
	@test -x .venv-pywb/bin/python || $(PYTHON) -m venv .venv-pywb
	@.venv-pywb/bin/python -m pip install --quiet --disable-pip-version-check 'pywb~=2.10' 'setuptools<81'
	@touch $@
