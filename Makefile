# On a fresh machine with Python 3.10 or newer, git and make: `make demo`, `make test`. Everything is installed into .venv; nothing
# here uses your KUBECONFIG or current context, but `make demo CLUSTER=<context>`, which uses that context alone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := examples/train-and-serve
CLUSTER_DEMO := examples/parallel-steps
DEMO_OUT := build/demo
DEMO_NAMESPACE := bodywork-demo
KIND_CLUSTER := bodywork-test
KIND_NODE ?=
# the controller's image: `make image KUBECTL_VERSION=v1.33.2 IMAGE=registry.example.com/bodywork-controller:1`
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' bodywork_compiler/__init__.py)
IMAGE ?= bodywork-controller:$(VERSION)
KUBECTL_VERSION ?=
# a folder with a Debian that has Python, git and ssh, for `make controller-rootfs`; without one it is downloaded
BASE_ROOTFS ?=
# `make test SLOW=1` also runs what takes more than a minute; `make test ARGS='-k render'` adds options of pytest's
SLOW ?=
# tests side by side; those on a cluster mostly wait, so that more than one a core is quicker
WORKERS ?= 2
CASES ?= 20000
SEED ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-newest test-kind kind-up kind-down image image-kind controller-rootfs lint format bench fuzz clean

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1#/p' $(MAKEFILE_LIST) | while IFS='#' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

# -- installed once; again only when the project's metadata changed

$(BIN)/python:
	@sh .ci/make-venv "$(PYTHON)" "$(VENV)"

$(VENV)/.installed: setup.cfg setup.py pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed ## train and serve an example on this machine; CLUSTER=<context> runs one there
	@PATH="$(abspath $(BIN)):$$PATH" sh $(if $(CLUSTER),.ci/demo-on-cluster "$(CLUSTER_DEMO)" "$(DEMO_OUT)" "$(DEMO_NAMESPACE)" "$(CLUSTER)",.ci/demo "$(DEMO)" "$(DEMO_OUT)")

test: $(VENV)/.installed-dev ## unit and cli tests; cluster tests too where BODYWORK_TEST_KUBECONFIG names a throw-away cluster
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pytest -n $(WORKERS) --dist loadgroup $(if $(SLOW),,-m 'not slow') $(ARGS)

test-newest: $(VENV)/.installed-dev ## the same tests with the newest release of every package
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager --editable '.[dev]'
	$(MAKE) test

test-kind: $(VENV)/.installed-dev kind-up ## the same with a throw-away kind cluster (needs kind and Docker)
	$(MAKE) image-kind && BODYWORK_TEST_CONTROLLER_IMAGE="$(IMAGE)" BODYWORK_TEST_KUBECONFIG="$(CURDIR)/build/kind.kubeconfig" $(MAKE) test; \
	code=$$?; $(MAKE) kind-down; exit $$code

kind-up:
	@sh .ci/kind-up "$(KIND_CLUSTER)" build/kind.kubeconfig "$(KIND_NODE)"

kind-down:
	@kind delete cluster --name "$(KIND_CLUSTER)" --kubeconfig build/kind.kubeconfig

image: ## the controller's image, for runs in a cluster: IMAGE, by default bodywork-controller:VERSION (needs Docker)
	docker build $(if $(KUBECTL_VERSION),--build-arg KUBECTL_VERSION="$(KUBECTL_VERSION)") --tag "$(IMAGE)" .

image-kind: image ## the same, brought to the nodes of a kind cluster: KIND_CLUSTER
	kind load docker-image "$(IMAGE)" --name "$(KIND_CLUSTER)"

controller-rootfs: $(BIN)/python ## what is in that image, as the folder build/controller-rootfs (needs root and debootstrap, no Docker)
	@.ci/controller-rootfs build/controller-rootfs $(BIN)/python "$(BASE_ROOTFS)"

lint: $(VENV)/.installed-dev ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.installed-dev ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.installed-dev ## the figures of docs/benchmarks.md (HELM=<path>, and BODYWORK_TEST_KUBECONFIG for apply)
	$(BIN)/python bench/run.py

fuzz: $(VENV)/.installed-dev ## hostile input at random, with a new seed (CASES=1000000 for a long one, SEED=n for the same again)
	$(BIN)/python bench/fuzz.py --cases $(CASES) $(if $(SEED),--seed $(SEED))

clean: ## remove what was built and installed here
	rm -rf build dist $(VENV) *.egg-info
