# KUBEBLOCKS is the version that `make demo` runs: v1.0.2, v1.0.0 or v0.9.3.
KUBEBLOCKS ?= v1.0.2

# FUZZTIME is how long each fuzz target runs.
FUZZTIME ?= 10s

# CHART is the Helm chart, DIST the folder of what is released.
CHART := charts/rehome
DIST := .cache/dist

# The modules of this repository that hold code of ours.
MODULES := . test/controlplane test/conformance test/chart test/e2e

include hack/tools.mk

.DEFAULT_GOAL := help

##@ General

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN {FS = ":.*##"; printf "Usage: make \033[36m<target>\033[0m [KUBEBLOCKS=v1.0.2]\n"} \
		/^[a-zA-Z0-9_-]+:.*##/ {printf "  \033[36m%-16s\033[0m %s\n", $$1, $$2} \
		/^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## See a restore hang on the real thing, and Rehome end it.
	@cd test/e2e && go run ./cmd/demo --kubeblocks $(KUBEBLOCKS)

.PHONY: build
build: ## Build the rehome binary into .cache/bin.
	go build -o .cache/bin/rehome .

.PHONY: chart
chart: manifests chart-docs $(HELM) ## Lint the Helm chart and pack it into .cache/dist; the same sources give the same bytes.
	$(HELM) lint --strict $(CHART)
	HELM=$(HELM) hack/pack-chart.sh $(CHART) $(DIST)

##@ Development

.PHONY: generate
generate: $(CONTROLLER_GEN) ## Generate deepcopy functions.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths="./pkg/...;./api/..."

.PHONY: manifests
manifests: $(CONTROLLER_GEN) ## Generate the CRD and the RBAC rules from the markers in the code, and what the chart holds of config.
	$(CONTROLLER_GEN) crd paths=./api/v1alpha1/... output:crd:dir=config/crd
	$(CONTROLLER_GEN) rbac:roleName=rehome-manager paths="./controllers/...;./pkg/operator/..." output:rbac:dir=config/rbac
	@mkdir -p $(CHART)/files/crds
	@cp config/crd/*.kubeblocks.io_*.yaml $(CHART)/files/crds/
	@cat config/rbac/role.yaml config/rbac/user_roles.yaml > $(CHART)/files/roles.yaml
	@cp config/grafana/rehome.json $(CHART)/files/
	@sed '/^---$$/d' config/prometheus/rules.yaml > $(CHART)/files/rules.yaml
	@(printf '%s\n' 'apiVersion: monitoring.coreos.com/v1' 'kind: PrometheusRule' \
		'metadata:' '  name: rehome' '  namespace: rehome-system' 'spec:' && \
		sed 's/^./  &/' $(CHART)/files/rules.yaml) > config/prometheus/prometheusrule.yaml

.PHONY: chart-docs
chart-docs: $(HELM_DOCS) ## Generate the README of the chart from the comments on its values.
	$(HELM_DOCS) --chart-search-root $(CHART) --log-level warning

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the code.
	@for m in $(MODULES); do (cd $$m && $(GOLANGCI_LINT) fmt --config $(CURDIR)/.golangci.yaml) || exit 1; done

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Lint every module, the import rule included.
	@for m in $(MODULES); do echo "lint $$m" >&2; (cd $$m && $(GOLANGCI_LINT) run --config $(CURDIR)/.golangci.yaml ./...) || exit 1; done

.PHONY: verify
verify: generate manifests chart-docs ## Fail when generated files or go.mod files are out of date, or a forbidden module is linked.
	@for m in $(MODULES); do (cd $$m && go mod tidy -diff) || exit 1; done
	@! go list -deps ./... | grep -E '^(k8s.io/kubernetes|github.com/apecloud/kubeblocks)(/|$$)' || (echo "the product links what only tests may build" && exit 1)
	@! grep -n '^replace' go.mod || (echo "go install refuses a module with a replace" && exit 1)
	@changed=$$(git status --porcelain -- api pkg config charts); \
		if [ -n "$$changed" ]; then echo "generated files differ from those committed:"; echo "$$changed"; exit 1; fi

##@ Test

.PHONY: test
test: test-unit test-fuzz test-controlplane test-conformance test-chart test-e2e ## Run every test; builds what they need first.

.PHONY: test-unit
test-unit: controlplane ## Run the tests of the product, controllers on a real API server.
	@# The controllers' suite shows what it covered: calls at which the process died or was refused, deletes that were checked.
	export KUBEBUILDER_ASSETS="$$(cd test/controlplane && go run ./cmd/controlplane dir)"; \
		go test $$(go list ./... | grep -v /controllers$$) && go test -timeout 30m -v ./controllers

.PHONY: test-fuzz
test-fuzz: ## Fuzz the snapshot parser and the rewrite for FUZZTIME each.
	go test ./pkg/rewrite -run '^$$' -fuzz '^FuzzSnapshot$$' -fuzztime $(FUZZTIME)
	go test ./pkg/rewrite -run '^$$' -fuzz '^FuzzRewrite$$' -fuzztime $(FUZZTIME)

.PHONY: test-conformance
test-conformance: ## Check the laws of a rewrite through the real scheduler's plugins.
	@# The flags of the control plane's build, so that both share what is compiled.
	cd test/conformance && CGO_ENABLED=0 go test -trimpath ./...

.PHONY: test-controlplane
test-controlplane: controlplane ## Run the tests of the test control plane.
	cd test/controlplane && go test ./...

.PHONY: test-chart
test-chart: controlplane build $(HELM) $(KUSTOMIZE) $(KUBECONFORM) ## Install the chart and the kustomize builds, and run Rehome with the rights they give.
	cd test/chart && HELM=$(HELM) KUSTOMIZE=$(KUSTOMIZE) KUBECONFORM=$(KUBECONFORM) REHOME=$(CURDIR)/.cache/bin/rehome go test -timeout 20m ./...

.PHONY: test-e2e
test-e2e: controlplane kubeblocks ## Run Rehome beside the real KubeBlocks, in three versions.
	cd test/e2e && go test -timeout 60m ./...

.PHONY: controlplane
controlplane: ## Build etcd, Kubernetes and kwok from Go modules (about 12 minutes, once).
	@cd test/controlplane && go run ./cmd/controlplane build

.PHONY: kubeblocks
kubeblocks: ## Build the versions of KubeBlocks that the tests run (about 7 minutes, once).
	@cd test/e2e && go run ./cmd/kubeblocks build

##@ Clean up

.PHONY: clean
clean: ## Remove everything that make built.
	rm -rf .cache
