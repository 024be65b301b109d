# One command per intent; CI calls the same ones. Each does its own set-up.
PYTHON := $(shell sh tools/find-python.sh)
VENV = .venv/bin
PYTEST = $(VENV)/python -m pytest
# Unit tests have no network at all where a network namespace can be had.
OFFLINE := $(shell unshare -rn true 2>/dev/null && echo unshare -rn)
LOCK = $(VENV)/uv pip compile $(UPGRADE) --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	--python $(PYTHON) --python-version 3.10
OSV = https://api.osv.dev/v1/query

.DEFAULT_GOAL = help
.PHONY: help setup check contract unit rooms job lab-test month terraform-test fidelity test demo bench docs lock audit clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

setup:  ## make .venv, anew when the lock files have changed
	@test -n "$(PYTHON)" && $(PYTHON) -I tools/setup.py

check: setup  ## linters, types, workflows, and documents that must match their sources
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/actionlint -color=false
	$(VENV)/zizmor --offline --no-progress --quiet --pedantic action.yml .github
	$(VENV)/python tools/docs.py --check

contract: setup  ## import law, action.yml, documents, start-up
	$(PYTEST) tests/contract

unit: setup  ## the pure half, without any network
	$(OFFLINE) $(PYTEST) tests/unit

rooms: setup  ## each effect against its real server
	$(PYTEST) tests/rooms

job: setup  ## whole runs, as a runner starts them
	$(PYTEST) tests/job

lab-test: setup  ## the lab itself
	$(PYTEST) tests/lab

terraform-test: setup  ## the Terraform module: planned, applied and destroyed on the lab
	$(PYTEST) tests/terraform

month: setup  ## a month of a team: two hundred events, and each guard taken out
	$(PYTEST) tests/month

fidelity: setup  ## take out each rule of the lab, and see its test fail
	$(VENV)/python tools/fidelity.py

test: check  ## everything, from nothing; a skipped test fails
	$(PYTEST) tests

demo: setup  ## publish an example three times on the lab, and show what came of it
	$(VENV)/python -m lab.demo

bench: setup  ## measure what docs/performance.md tells, ten minutes on a machine with nothing else to do
	$(VENV)/python -m benchmarks
	$(VENV)/python tools/docs.py

docs: setup  ## write the generated parts of README.md and docs/ anew
	$(VENV)/python tools/docs.py

lock: setup  ## resolve the requirements; UPGRADE=--upgrade takes newer packages
	$(LOCK) requirements.in -o requirements.lock
	$(LOCK) requirements-dev.in -o requirements-dev.lock
	echo uv | $(LOCK) --no-annotate -c requirements-dev.lock - -o requirements-uv.lock

audit: setup  ## known vulnerabilities of the packages that users get, of the OSV database
	$(VENV)/pip-audit --vulnerability-service osv --osv-url $(OSV) --progress-spinner off --disable-pip --require-hashes -r requirements.lock -r requirements-uv.lock

clean:  ## stop the lab, remove its state and .venv
	if test -x $(VENV)/python; then $(VENV)/python -m lab down; fi
	rm -rf .lab .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
