# The front door. `make help` lists what lies behind it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
INSTALLED := $(VENV)/.installed
# The linters that ours is measured against live apart, so that none of their dependencies is one of ours.
PEERS := .venv-peers
PEERS_INSTALLED := $(PEERS)/.installed
# make bench-fuzz FUZZ_SECONDS=60 FUZZ_SEED=7
FUZZ_SECONDS ?= 600
FUZZ_SEED ?= 1
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Keep TensorFlow's start-up chatter out of what people read.
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'

$(UV):
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Trainyard needs Python 3.11 to 3.13 (TensorFlow has no build for {v[0]}.{v[1]}): make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: install it (Debian and Ubuntu: apt-get install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(INSTALLED): requirements.lock pyproject.toml | $(UV)
	@echo "Installing the locked dependencies (TensorFlow is large) …"
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --editable .
	@touch $@

.PHONY: install
install: $(INSTALLED) ## Set up .venv with everything (the other targets do it by themselves)

.PHONY: demo
demo: $(INSTALLED) ## Lint, serve, submit, stream and scrape on real data, in minutes
	@trainyard demo --examples examples

.PHONY: test
test: $(INSTALLED) ## Run the tests
	@pytest -n logical --maxprocesses 4 --dist loadscope

.PHONY: lint
lint: $(INSTALLED) ## Check style, types, import contracts, wire contracts, drift
	@ruff check .
	@ruff format --check .
	@mypy
	@lint-imports
	@buf lint proto
	@$(MAKE) --no-print-directory breaking protos-check lock-check docs-check

.PHONY: format
format: $(INSTALLED) ## Rewrite the code in the house style
	@ruff check --fix-only .
	@ruff format .

$(PEERS_INSTALLED): tests/bench/peers.lock | $(UV)
	@$(UV) venv --quiet --clear --python $(BIN)/python $(PEERS)
	@VIRTUAL_ENV=$(PEERS) $(UV) pip install --quiet --require-hashes -r tests/bench/peers.lock
	@touch $@

.PHONY: bench
bench: $(INSTALLED) $(PEERS_INSTALLED) ## Measure, side by side with other linters in one run
	@python -m pytest tests/bench --run-bench -s -p no:randomly
	@$(MAKE) --no-print-directory docs

.PHONY: bench-fuzz
bench-fuzz: $(INSTALLED) ## Throw broken bytes and mutated specs at the linter for ten minutes
	@python -m tests.bench.fuzz_run --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)

.PHONY: bench-crash
bench-crash: $(INSTALLED) ## Kill servers and trainers at random, and count what is lost: nothing
	@python -m tests.crash.killing --kills 200 --results crash_fake
	@python -m tests.crash.killing --kills 12 --real --seconds-between 5 --results crash_keras

.PHONY: bench-promises
bench-promises: $(INSTALLED) ## Break one promise after the other and see its tests turn red
	@python -m tests.crash.breaking --keras --results promises

.PHONY: bench-service
bench-service: $(INSTALLED) ## Measure the server under load
	@python -m tests.bench.service_load --keep

.PHONY: protos
protos: $(INSTALLED) ## Write the Python of the wire contracts anew
	@cd proto && python -m grpc_tools.protoc -I . --python_out=. --mypy_out=quiet:. trainyard/v1/*.proto
	@cd proto && python -m grpc_tools.protoc -I . --grpc_python_out=. --mypy_grpc_out=quiet:. trainyard/v1/training_service.proto

.PHONY: protos-check
protos-check: protos
	@git diff --exit-code --stat -- proto || { echo "The generated code differs from the contracts: run 'make protos' and commit."; exit 1; }

.PHONY: breaking
# The contracts are held against the newest release; before the first one, against the state that the branch began with.
breaking: $(INSTALLED)
	@buf breaking proto --against proto/released.binpb

.PHONY: lock
lock: $(UV) ## Resolve the dependencies anew
	@$(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --extra all --group dev --group protos \
	  --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --output-file $(or $(OUT),requirements.lock) $(ARGS)

.PHONY: peers-lock
peers-lock: $(UV) ## Resolve the linters of 'make bench' anew
	@$(UV) pip compile tests/bench/peers.in --quiet --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make peers-lock" --output-file tests/bench/peers.lock

.PHONY: lock-check
lock-check: $(UV)
	@copy=$$(mktemp -d) && cp requirements.lock $$copy/requirements.lock && $(MAKE) --no-print-directory lock OUT=$$copy/requirements.lock && \
	  diff -u requirements.lock $$copy/requirements.lock || { echo "requirements.lock does not follow from pyproject.toml: run 'make lock' and commit."; exit 1; }

.PHONY: docs
docs: $(INSTALLED) ## Write the generated reference pages anew
	@python docs/generator/generate.py

.PHONY: docs-check
docs-check: $(INSTALLED)
	@python docs/generator/generate.py --check

.PHONY: clean
clean: ## Remove what was built, the environment included
	@rm -rf $(VENV) $(PEERS) dist build runs .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
