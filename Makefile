# Every target sets up what it needs: Python 3.11 or newer and make are enough to begin.
PYTHON ?= python3
COURSE ?= course
STUDENTS ?= 12
VENV   := .venv
BIN    := $(CURDIR)/$(VENV)/bin
READY  := $(VENV)/.ready

export PATH := $(BIN):$(PATH)
# at this size a second thread gains nothing, and beside other work it costs much
export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help lab grade test test-browser test-postgresql hub test-hub lessons site site-links lint bench ratings

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This course needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=python3.11 ..."; exit 1; }
	@echo "== setting up $(VENV): some minutes the first time, most of them for PyTorch"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --constraint constraints.txt --editable '.[dev]'
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' \
	  > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

ratings: $(READY)
	@echo "== the ratings: MovieLens 100K, fetched once and kept"
	@python -m collabkit fetch || echo "Going on without them: lessons use the planted world."

lab: $(READY) ratings ## open JupyterLab on the lessons
	@autograde build
	@echo "== JupyterLab opens in your browser; stop it with Ctrl-C"
	@jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/lessons \
	  $$(test "$$(id -u)" != 0 || echo --allow-root) $(LAB_OPTIONS)

grade: $(READY) ratings ## grade the class in course/, a sample class of STUDENTS=12 when there is none
	@if [ ! -d $(COURSE)/submitted ] || [ -f $(COURSE)/sample_class.json ]; then \
	  echo "== a sample class"; autograde sample-class --students $(STUDENTS) --course $(COURSE); fi
	@echo "== grading"
	@autograde grade --course $(COURSE)

test: $(READY) ratings ## run every test that needs no browser and no hub
	@echo "== tests"
	@pytest -n 2 --dist worksteal --ignore tests/browser --ignore tests/hub $(TEST_OPTIONS)

test-browser: $(READY) ratings ## go a student's and an instructor's way in a real browser
	@echo "== JupyterLab, nbgrader and Chromium; screenshots go to build/browser/"
	@pytest tests/browser $(TEST_OPTIONS)

# every test that touches a gradebook
ON_POSTGRESQL := $(addprefix tests/autograde/,export $(addsuffix .py,$(addprefix test_,\
  attacks cli corrections course exchange feedback gradebook grading handed_in large_class lateness marks migration\
  nbgrader_commands pool report results_index sample_class two_graders)))

test-postgresql: $(READY) ratings ## run the tests of grading on PostgreSQL, on a server that they start
	@echo "== tests on PostgreSQL"
	@AUTOGRADE_TEST_GRADEBOOK=postgresql pytest -n 2 --dist worksteal $(ON_POSTGRESQL) $(TEST_OPTIONS)

PROXY := $(VENV)/proxy
# Node.js has a list of authorities of its own; what this system trusts counts as well
export NODE_EXTRA_CA_CERTS ?= $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt))

$(PROXY)/.ready: docs/deploy/package.json $(READY)
	@mkdir -p $(PROXY) && cp docs/deploy/package.json $(PROXY)/
	@npm install --prefix $(PROXY) --silent --no-fund --no-audit --no-package-lock --fetch-retries=1 --fetch-timeout=30000
	@touch $@

hub: $(READY) ## set up JupyterHub and its proxy in .venv: docs/hub.md
	@command -v npm > /dev/null || { echo "JupyterHub's proxy comes from npm: install Node.js 20 or newer."; exit 1; }
	@$(MAKE) --no-print-directory $(PROXY)/.ready

test-hub: $(READY) ## a class at a real JupyterHub, from lesson to feedback; takes root, Node.js and bubblewrap
	@$(MAKE) --no-print-directory hub || echo "== without JupyterHub's proxy, what needs it is skipped"
	@pytest tests/hub $(TEST_OPTIONS)

lessons: $(READY) ## make lessons/ and build/source/ from solutions/
	@autograde build

lint: $(READY) ## style, and whether lessons/ is fresh
	@echo "== lint"
	@ruff check .
	@ruff format --check .
	@autograde build --check

bench: $(READY) ratings ## measure, and write the tables to build/bench/
	@python -m bench

SITE := build/site

site: $(READY) ## build the documentation into build/site/
	@python -m sphinx -q -E -W --keep-going -d build/doctrees docs $(SITE)
	@echo "the documentation: $(CURDIR)/$(SITE)/index.html"

site-links: $(READY) ## ask the network whether what the documentation links to answers
	@python -m sphinx -q -b linkcheck -d build/doctrees docs build/site-links
