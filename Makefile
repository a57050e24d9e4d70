# KUBEBLOCKS is the version that `make demo` runs: v1.0.2, v1.0.0 or v0.9.3.
KUBEBLOCKS ?= v1.0.2

# FUZZTIME is how long each fuzz target runs.
FUZZTIME ?= 10s

# E2E selects end-to-end tests by their labels.
E2E ?= !nightly || scenarios && v1.0.2

# CHART is the Helm chart.
CHART := charts/rehome

# The modules of this repository that hold code of ours.
MODULES := . hack/release test/controlplane test/conformance test/chart test/e2e test/bench

# IMAGE is the name of the container image, and IMAGE_ARCHS what it is built for.
IMAGE ?= ghcr.io/rehome-operator/rehome
IMAGE_ARCHS ?= amd64 arm64

# DIST is where releases are made.
DIST := $(CURDIR)/.cache/dist

# GO_BUILD makes the same program from a commit, wherever it runs. The version is the tag or the commit, which Go writes into it.
GO_BUILD := go build -buildvcs=true -ldflags='-s -w'

# All is compiled in one way, so that what programs, tests, tools and the linter have in common is compiled once.
export CGO_ENABLED := 0
export GOFLAGS := $(GOFLAGS) -trimpath

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

.PHONY: bench
bench: controlplane kubeblocks ## Measure Rehome beside what it is compared with; the table is in .cache/bench.
	@cd test/bench && go build -o $(CURDIR)/.cache/bench/bench ./cmd/bench
	@status=0; .cache/bench/bench --markdown .cache/bench/table.md --json .cache/bench/table.json || status=$$?; \
		cat .cache/bench/table.md; exit $$status

.PHONY: build
build: ## Build the rehome binary into .cache/bin.
	$(GO_BUILD) -o .cache/bin/rehome .

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

# Of what a test builds or runs as a program, `go test` knows nothing: it would take an old result for a new one (-count=1).

.PHONY: test
test: test-unit test-alerts test-fuzz test-image test-controlplane test-conformance test-chart test-e2e test-bench ## Run every test; builds what they need first.

.PHONY: test-unit
test-unit: controlplane ## Run the tests of the product, controllers on a real API server.
	@# The controllers' suite shows what it covered: calls at which the process died or was refused, deletes that were checked. The
	@# command that runs it as two processes is a tool of test/e2e.
	export KUBEBUILDER_ASSETS="$$(cd test/controlplane && go run ./cmd/controlplane dir)"; \
		go test $$(go list ./... | grep -v /controllers$$) && cd test/e2e && go tool ginkgo --procs=2 --timeout=30m -v ../../controllers

.PHONY: test-alerts
test-alerts: $(PROMTOOL) ## Check the alerts, and when they fire.
	$(PROMTOOL) check rules --lint=all --lint-fatal config/prometheus/rules.yaml
	$(PROMTOOL) test rules config/prometheus/tests/*.yaml

.PHONY: test-fuzz
test-fuzz: ## Fuzz the snapshot parser and the rewrite for FUZZTIME each.
	go test ./pkg/rewrite -run '^$$' -fuzz '^FuzzSnapshot$$' -fuzztime $(FUZZTIME)
	go test ./pkg/rewrite -run '^$$' -fuzz '^FuzzRewrite$$' -fuzztime $(FUZZTIME)

.PHONY: test-conformance
test-conformance: ## Check the laws of a rewrite through the real scheduler's plugins.
	cd test/conformance && go test ./...

.PHONY: test-image
test-image: ## Build the container image of the last commit for amd64, twice, and test it.
	cd hack/release && go test -count=1 ./image ./licenses ./test/image

.PHONY: test-controlplane
test-controlplane: controlplane ## Run the tests of the test control plane.
	cd test/controlplane && go test -count=1 ./...

.PHONY: test-chart
test-chart: controlplane build $(HELM) $(KUSTOMIZE) $(KUBECONFORM) ## Install the chart and the kustomize builds, and run Rehome with the rights they give.
	cd test/chart && HELM=$(HELM) KUSTOMIZE=$(KUSTOMIZE) KUBECONFORM=$(KUBECONFORM) REHOME=$(CURDIR)/.cache/bin/rehome go test -count=1 -timeout 20m ./...

.PHONY: test-e2e
test-e2e: controlplane kubeblocks $(PROMETHEUS) ## Run Rehome beside the real KubeBlocks, in three versions, and a real Prometheus.
	cd test/e2e && go test $$(go list ./... | grep -v /test/e2e$$) && \
		PROMETHEUS=$(PROMETHEUS) go tool ginkgo --procs=2 --timeout=60m --label-filter='$(E2E)' .

.PHONY: test-bench
test-bench: controlplane ## See whether the benchmarks work, in their smallest sizes; nothing is expected of the figures.
	cd test/bench && go test -count=1 -timeout 20m ./...

.PHONY: nightly
nightly: $(GORELEASER) ## Run what takes too long for `make test`: whole releases, images compiled anew, all that runs in namespaced mode.
	cd hack/release && go test -count=1 -timeout 60m ./test/image -archs amd64,arm64 -fresh-cache
	cd hack/release && go test -count=1 -timeout 60m ./test/archives
	$(MAKE) test-e2e E2E=nightly
	$(MAKE) nightly-rights

.PHONY: nightly-rights
nightly-rights: controlplane kubeblocks # Take each right that Rehome has away, and find a test that fails without it.
	export KUBEBUILDER_ASSETS="$$(cd test/controlplane && go run ./cmd/controlplane dir)"; cd test/e2e && go run ./cmd/rights

.PHONY: controlplane
controlplane: ## Build etcd, Kubernetes and kwok from Go modules (about 12 minutes, once).
	@cd test/controlplane && go run ./cmd/controlplane build

.PHONY: kubeblocks
kubeblocks: ## Build the versions of KubeBlocks that the tests run (about 7 minutes, once).
	@cd test/e2e && go run ./cmd/kubeblocks build

##@ Release

.PHONY: image
image: licenses ## Build the container image into .cache/dist/image, and print its digest.
	@for a in $(IMAGE_ARCHS); do GOOS=linux GOARCH=$$a $(GO_BUILD) -o $(DIST)/bin/linux-$$a/rehome . || exit 1; done
	@cd hack/release && go run ./cmd/image --repository $(IMAGE) --licenses $(DIST)/licenses --output $(DIST)/image \
		$(IMAGE_ARCHS:%=$(DIST)/bin/linux-%/rehome)

.PHONY: licenses
licenses: ## Gather the licences of all that is linked into .cache/dist/licenses; fail at one that is not allowed.
	@cd hack/release && go run ./cmd/licenses --source $(CURDIR) --output $(DIST)/licenses

.PHONY: release-files
release-files: build licenses # What a release holds besides the programs, and the tool that lists their components.
	@rm -f $(DIST)/rehome-*.tgz
	@$(MAKE) --no-print-directory chart
	@mkdir -p $(DIST)/completions
	@for s in bash zsh fish powershell; do .cache/bin/rehome completion $$s > $(DIST)/completions/rehome.$$s || exit 1; done
	@cd hack/release && go build -o $(DIST)/bin/sbom ./cmd/sbom

.PHONY: release-dry-run
release-dry-run: $(GORELEASER) ## Make all files of a release in .cache/dist/release, and publish nothing.
	$(GORELEASER) check
	$(GORELEASER) release --snapshot --clean

.PHONY: release
release: $(GORELEASER) ## Publish the files of the tag that is checked out.
	@tag=$$(git describe --tags --exact-match) && version=v$$(sed -n 's/^version: //p' $(CHART)/Chart.yaml) && \
		[ "$$tag" = "$$version" ] || (echo "the tag that is checked out, $$tag, is not the version in $(CHART)/Chart.yaml, $$version" && exit 1)
	$(GORELEASER) release --clean

##@ Clean up

.PHONY: clean
clean: ## Remove everything that make built.
	rm -rf .cache
