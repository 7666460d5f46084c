# `make help` lists what can be done here.
PYTHON ?= python3
DATA ?= ../shared/data
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo packages test test-all lint types check format stac-server lock model schemas clean

help: ## List these targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  \1|/' | column -t -s '|'

demo: .venv/ready ## Map a landslide event with the real pipeline, here; result in out/demo
	@$(BIN)/python -m pipelines.demo --real $(DATA)/vilangad $(DEMO)

packages: .venv/ready ## Compile the Kubeflow packages into out/packages; HRGLDD_IMAGE names the image, by digest
	@for name in build_dataset map_event train_benchmark; do \
		$(BIN)/hrgldd pipeline compile $$name --out out/packages/$$name.yaml || exit; done

test: .venv/ready-dev ## Run the tests
	$(BIN)/python -m pytest -n 2 -m "not slow" $(TEST)

test-all: .venv/ready-dev schemas ## Run all tests, the slow ones too
	$(BIN)/python -m pytest -n 2 $(TEST)

lint: .venv/ready-dev ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready-dev ## Check types
	$(BIN)/mypy

check: lint types test ## Everything that CI checks but for the demo

format: .venv/ready-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

model: .venv/ready ## Train the bundled model anew from the real patches (on 2 cores; takes a while)
	$(BIN)/python -m hrgldd_core.training.bundled \
		--data $(DATA)/hrgldd/patches_dev.npz --out hrgldd_core/models/bundled

schemas: .venv/ready-dev ## Fetch the STAC extension schemas that tests validate against
	$(BIN)/python -m tests.stac_schemas

stac-server: .cache/stac-server/ready ## Install the STAC API server that tests search (needs PostgreSQL with PostGIS)

.cache/stac-server/ready: requirements/stac-server.txt
	$(PYTHON) -m venv .cache/stac-server
	.cache/stac-server/bin/pip install -q --require-hashes -r requirements/stac-server.txt
	@touch $@

.PHONY: k8s-tools
k8s-tools: .cache/k8s-tools/ready ## Install what judges manifests and the Dockerfile

.cache/k8s-tools/ready: requirements/k8s-tools.txt
	$(PYTHON) -m venv .cache/k8s-tools
	.cache/k8s-tools/bin/pip install -q --require-hashes -r requirements/k8s-tools.txt
	@touch $@

lock: ## Resolve the dependencies anew, with hashes
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --extra cpu --extra s3 pyproject.toml requirements/build.in -o requirements/cpu.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --group dev -c requirements/cpu.txt -o requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-deps requirements/stackstac.in -o requirements/stackstac.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header requirements/stac-server.in -o requirements/stac-server.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header requirements/k8s-tools.in -o requirements/k8s-tools.txt
	cp requirements/cpu.txt requirements/gpu.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --extra gpu --extra s3 pyproject.toml requirements/build.in -o requirements/gpu.txt

clean: ## Remove what was installed and made here
	rm -rf .venv .cache out

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "hrgldd needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Install one (Debian 12, Ubuntu 24.04: apt install python3) or name it: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "hrgldd needs Python's venv module. Install it (Debian, Ubuntu: apt install python3-venv) and try again" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/ready: requirements/cpu.txt pyproject.toml | .venv/bin/python
	$(BIN)/pip install -q --require-hashes -r requirements/cpu.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/ready-dev: requirements/dev.txt requirements/stackstac.txt .venv/ready
	$(BIN)/pip install -q --require-hashes -r requirements/dev.txt
	$(BIN)/pip install -q --require-hashes --no-deps -r requirements/stackstac.txt
	@touch $@
