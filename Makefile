# Sets itself up in .venv; needs Python 3.11 or newer, git and make.
PYTHON ?= python3
BIN := .venv/bin
export CHROMIUM ?= chromium
REPLAYWEB := 2.5.3
REPLAYWEB_SHA512 := 9c28f63d238ddc1c5e489284f00b183f250bbf45cf64a2567f2e25f4fc90adef52ab02d9f9629956cfec7cba8f390e06ac7fb46248dbc0e86bf1c4931f4f20b1

.PHONY: crawl test check torture bench browser clean

crawl: .venv/.installed
	@$(BIN)/python -m fixtures.demo

# ReplayWeb.page wants npm and a Chromium, which make does not install: where they are not, its tests are skipped and say so.
test: .venv/.tested .venv-pywb/.installed $(if $(and $(shell command -v $(CHROMIUM)),$(shell command -v npm)),browser)
	$(BIN)/python -m pytest -n auto --dist loadscope -m "not torture" $(ARGS)

check: .venv/.checked
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

torture: .venv/.tested
	$(BIN)/python -m pytest -m torture $(ARGS)

bench: .venv/.installed
	$(BIN)/python -m bench

browser: .venv/.browser .replayweb/.installed

clean:
	rm -rf .venv .venv-* .replayweb archive/demo

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

# The driver alone: the browser is the system's.
.venv/.browser: .venv/.tested
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'playwright~=1.65'
	@touch $@

# The app as it is built, without the packages that it was built from.
.replayweb/.installed: Makefile
	@rm -rf .replayweb && mkdir .replayweb
	@cd .replayweb && npm pack --silent replaywebpage@$(REPLAYWEB) >/dev/null
	@cd .replayweb && echo '$(REPLAYWEB_SHA512)  replaywebpage-$(REPLAYWEB).tgz' | sha512sum --check --quiet
	@cd .replayweb && tar -xzf *.tgz --strip-components=1 --no-same-owner package/index.html package/ui.js package/sw.js
	@touch $@
