# Everything is done through here; `make` alone lists what there is.
# Needs Python 3.11 to 3.13 and make. A variable is given as in: make serve PYTHON=python3.12

PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt
EXPORTED := models/age/1/saved_model.pb
PACKAGES := './proto' './faces' './client' './trainer' './serving[console,model-server,reports]'
REPORTS := './trainer[reports]'
MANIFESTS := serving/k8s/base/*.yaml serving/k8s/components/prometheus/[!a]*.yaml
MANIFESTS += serving/k8s/components/prometheus/autoscaler.yaml trainer/k8s/*.yaml
option = $(if $($(2)),--$(1) $($(2))) # $(call option,data,DATA): --data $(DATA) where DATA is given

.DEFAULT_GOAL := help
.PHONY: help demo test check serve console serve-gpu serve-cpu secrets eda train evaluate certify frontier export documents reference
.PHONY: loadtest soak bench bench-peers simulate tune-batching setup stubs constraints clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(EXPORTED) ## Assess the sample photos through the whole stack (the first time takes minutes)
	@# Exit code 1 says that a photo was refused, as the broken one among the samples must be.
	@$(BIN)/python -m agelane_serving.stack --model-port=0 --gateway-port=0 -- \
	  sh -c '$(BIN)/agelane assess docs/samples/*.jpg; test $$? -eq 1'

test: $(VENV)/.tools $(EXPORTED) ## Run all tests
	@$(BIN)/python -m pytest

check: $(VENV)/.tools ## Check format, lint, types, contract, stubs, import rules, containers and manifests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	cd proto && ../$(BIN)/buf lint
	@if git rev-parse --quiet --verify main:proto/buf.yaml >/dev/null 2>&1; then \
	  history=$$(git rev-parse --path-format=absolute --git-common-dir) && set -x && \
	  cd proto && ../$(BIN)/buf breaking --against "$$history#format=git,branch=main,subdir=proto"; fi
	$(BIN)/python proto/generate.py --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/hadolint serving/Dockerfile serving/envoy/Dockerfile loadtest/Dockerfile trainer/Dockerfile
	$(BIN)/kubernetes-validate --strict --quiet --no-warn --kubernetes-version 1.30 $(MANIFESTS)

serve: $(EXPORTED) ## Run model server (127.0.0.1:8500) and gateway (127.0.0.1:50051), books in office/, until Ctrl-C
	@exec $(BIN)/python -m agelane_serving.stack --office=office

console: $(VENV)/.packages ## Run the manager's console (127.0.0.1:8080) before a running gateway (USERS=, LEDGER=)
	@exec $(BIN)/python -m agelane_serving.console $(call option,users,USERS) $(call option,ledger,LEDGER)

serve-gpu: ## Run TensorFlow Serving on a GPU, gateways and Envoy in containers; says first what is missing
	@$(PYTHON) serving/serve_containers.py gpu

serve-cpu: ## The same without a GPU
	@$(PYTHON) serving/serve_containers.py cpu

secrets: ## Make the secrets that the containers need and that are not there, in secrets/ (HOST=, STORE=, LEDGER=, OUT=)
	@$(PYTHON) serving/make_secrets.py $(call option,host,HOST) $(call option,store,STORE) $(call option,ledger-host,LEDGER) $(call option,out,OUT)

eda: $(VENV)/.reports ## Look at photos, or at labels alone; report in reports/eda (DATA=)
	$(BIN)/python -m agelane_trainer eda $(call option,data,DATA)

train: $(VENV)/.reports ## Train, or go on training (RECIPE=, DATA=, SPLIT=, OUT=, INIT=, STRATEGY=)
	$(BIN)/python -m agelane_trainer train $(call option,recipe,RECIPE) $(call option,data,DATA) $(call option,split,SPLIT) $(call option,out,OUT) $(call option,init,INIT) $(call option,strategy,STRATEGY)

evaluate: $(VENV)/.reports ## Measure, calibrate and certify weights (WEIGHTS=, RECIPE=, DATA=, SPLIT=, OUT=, LOG=)
	$(BIN)/python -m agelane_trainer evaluate $(call option,weights,WEIGHTS) $(call option,recipe,RECIPE) $(call option,data,DATA) $(call option,split,SPLIT) $(call option,out,OUT) $(call option,log,LOG)

certify: $(VENV)/.packages ## Certify on a folder of photos never trained on (DATA=, MANIFEST=, WEIGHTS=, CARD=, OUT=)
	$(BIN)/python -m agelane_trainer certify $(call option,data,DATA) $(call option,manifest,MANIFEST) $(call option,weights,WEIGHTS) $(call option,card,CARD) $(call option,out,OUT)

frontier: $(VENV)/.reports ## Speed against accuracy, over input sizes and precisions (DATA=, WEIGHTS=, CARD=)
	$(BIN)/python -m agelane_trainer frontier $(call option,data,DATA) $(call option,weights,WEIGHTS) $(call option,card,CARD)

export: $(VENV)/.packages ## Publish weights as the next version in models/age (WEIGHTS=, CARD=, MODELS=, PRECISION=)
	$(BIN)/python -m agelane_trainer export $(call option,weights,WEIGHTS) $(call option,card,CARD) $(call option,models,MODELS) $(call option,precision,PRECISION)
	@mkdir -p models && touch $(EXPORTED)

documents: $(VENV)/.reports ## Write model card and practice statement in words (CARD=, OUT=)
	$(BIN)/python -m agelane_trainer documents $(call option,card,CARD) $(call option,out,OUT)

reference: $(VENV)/.tools ## Write the SDK's reference as web pages in reports/reference (OUT=)
	$(BIN)/pdoc --no-show-source --output-directory $(or $(OUT),reports/reference) agelane_client agelane_client.testing agelane_client.photos

loadtest: $(VENV)/.loadtest ## The most lanes within the objective; report in reports/capacity.html (LANES=, SECONDS=, TARGET=)
	@$(BIN)/python -m loadtest $(call option,lanes,LANES) $(call option,seconds,SECONDS) $(call option,target,TARGET)

soak: $(VENV)/.loadtest ## Half an hour at an even load: memory, files, failures (LANES=, SECONDS=)
	@$(BIN)/python -m loadtest.capacity.soak $(call option,lanes,LANES) $(call option,seconds,SECONDS)

bench-peers: $(VENV)/.peers ## The same model behind LitServe, BentoML, MLServer and Ray Serve, beside ours
	@$(BIN)/python -m loadtest.peers

bench: $(VENV)/.packages ## Measure the gateway beside a bare hop; needs nghttp2-client and nghttp2-server
	@$(BIN)/python -m loadtest.bench

simulate: $(VENV)/.simulate ## Judge the reports on shops whose truth is known (SEEDS=, CASHIERS=, DAYS=, KEEP=)
	@$(BIN)/python -m loadtest.simulate $(call option,seeds,SEEDS) $(call option,cashiers,CASHIERS) $(call option,days,DAYS) $(call option,keep,KEEP)

tune-batching: $(EXPORTED) ## Find the best batching.config for this machine, by measuring (OUT=)
	@$(BIN)/python -m loadtest.tune_batching --write $(call option,out,OUT)

setup: $(VENV)/.tools ## Make .venv with all that the other targets need

stubs: $(VENV)/.tools ## Generate proto/gen from the .proto files
	$(BIN)/python proto/generate.py

constraints: $(VENV)/.tools ## Compile constraints.txt; remove it first for the newest of everything
	printf -- '-e %s\n' $(PACKAGES) $(REPORTS) | $(BIN)/uv pip compile --quiet - \
	  --group dev --universal --python-version 3.11 \
	  --no-header --no-annotate $(addprefix --no-emit-package agelane-,proto faces client trainer serving) \
	  --output-file constraints.txt

clean: ## Remove what make made, except training runs: environments, models, reports, caches
	rm -rf $(VENV) .peers models reports .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './runs/*' -prune -exec rm -rf {} +

# The files below record what is there, so that a second run starts at once.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "agelane needs Python 3.11 to 3.13, as TensorFlow does; try: make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.packages: constraints.txt $(wildcard */pyproject.toml) | $(BIN)/python
	@echo 'Installing agelane and TensorFlow into $(VENV) (2 GB, once) ...'
	@$(PIP) pip
	@$(PIP) --build-constraint constraints.txt $(addprefix --editable ,$(PACKAGES))
	@touch $@

$(VENV)/.reports: $(VENV)/.packages
	@echo 'Installing what draws reports ...'
	@$(PIP) --build-constraint constraints.txt --editable $(REPORTS)
	@touch $@

$(VENV)/.tools: $(VENV)/.reports pyproject.toml
	@echo 'Installing the tools that tests and checks need ...'
	@$(PIP) --group dev
	@touch $@

$(VENV)/.loadtest: $(EXPORTED) pyproject.toml
	@echo 'Installing Locust ...'
	@$(PIP) --group loadtest
	@touch $@

$(VENV)/.peers: $(EXPORTED) pyproject.toml
	@echo 'Installing what measures the peers ...'
	@$(PIP) --group peers
	@touch $@

$(VENV)/.simulate: $(VENV)/.packages pyproject.toml
	@$(PIP) --group simulate
	@touch $@

# Only where no version is: a shop's own model is never replaced by the shipped one.
$(EXPORTED): | $(VENV)/.packages
	@echo 'Exporting the model from trainer/weights ...'
	@$(BIN)/python -m agelane_trainer export
