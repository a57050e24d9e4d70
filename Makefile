# KUBEBLOCKS is the version that `make demo` and `make run` use: v1.0.2, v1.0.0 or v0.9.3.
KUBEBLOCKS ?= v1.0.2

# PREVENT=1 lets `make demo` start Rehome with its webhook before the restore.
PREVENT ?=

# How much is tried: the time of each fuzz target, the random cases of each law of a rewrite, and the seeds of runs with faults.
# Without CHECKS and SEEDS, the tests choose how many. .ci/nightly tries more. FIRST is the first seed; "now" gives others at each time.
FUZZTIME ?= 10s
CHECKS ?=
SEEDS ?=
FIRST ?=

# VERSION, a version of KubeBlocks, and E2E select end-to-end specs by their labels. All specs of v1.0.0 are nightly.
VERSION ?=
E2E ?= $(if $(filter v1.0.0,$(VERSION)),,!nightly)
# The gate has four control planes, one of them without KubeBlocks.
E2E_PROCS = $(if $(E2E),4,3)
E2E_FILTER = $(or $(and $(E2E),$(VERSION),($(E2E)) && $(VERSION)),$(E2E),$(VERSION))

# FOCUS is a regular expression that selects tests by their names, and PKG a package, such as ./pkg/rewrite.
FOCUS ?=
PKG ?=

# CHART is the Helm chart.
CHART := charts/rehome

# The modules of this repository, but those that only pin programs.
MODULES = $(patsubst %/,%,$(dir $(shell git ls-files --cached --others --exclude-standard -- go.mod '*/go.mod' ':!test/controlplane/components' ':!hack/tools')))

# Programs, tests, tools and the linter compile with the same flags, so they share Go's build cache. The linter vets the code. go test
# would do so again, and would examine every dependency for that. Without DWARF, the compiler needs an eighth less time. A debugger cannot
# use its results in any case, because it compiles without optimization.
export CGO_ENABLED := 0
export GOFLAGS := $(GOFLAGS) -trimpath -vet=off -gcflags=all=-dwarf=false

include hack/tools.mk hack/release/release.mk

.DEFAULT_GOAL := help

##@ General

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN {FS = ":.*##"; printf "Usage: make \033[36m<target>\033[0m [VARIABLE=value]\n"} \
		/^[a-zA-Z0-9_-]+:.*##/ {printf "  \033[36m%-17s\033[0m %s\n", $$1, $$2} \
		/^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Show a restore that hangs on a real KubeBlocks, and how Rehome unblocks it, or prevents it. [KUBEBLOCKS PREVENT]
	@echo "Compiling the demo; it then says what else it builds."
	@cd test/e2e && go run ./cmd/demo --kubeblocks $(KUBEBLOCKS) $(if $(PREVENT),--prevent)

.PHONY: pictures
pictures: ## Record the demo, and draw the pictures of the README from it.
	cd test/e2e && go run ./cmd/demo --record ../../docs/pictures/recording.json && go run ./cmd/pictures

.PHONY: run
run: controlplane ## Start a control plane, and print how to run Rehome against it in a debugger. [KUBEBLOCKS]
	@cd test/e2e && go run ./cmd/kubeblocks run $(KUBEBLOCKS)

.PHONY: bench
bench: controlplane kubeblocks ## Run the benchmarks; the table is in .cache/bench.
	@cd test/bench && go build -o $(CURDIR)/.cache/bench/bench ./cmd/bench
	@status=0; .cache/bench/bench --markdown .cache/bench/table.md --json .cache/bench/table.json || status=$$?; \
		cat .cache/bench/table.md; exit $$status

.PHONY: build
build: ## Build the rehome binary into .cache/bin.
	$(GO_BUILD) -o .cache/bin/rehome .

.PHONY: build-placement
build-placement: ## Build rehome-placement, which explain and preflight run, into .cache/bin.
	cd placement && $(GO_BUILD) -o $(CURDIR)/.cache/bin/rehome-placement .

.PHONY: chart
chart: manifests chart-docs $(HELM) ## Lint the Helm chart and pack it into .cache/dist, reproducibly.
	$(HELM) lint --strict $(CHART)
	HELM=$(HELM) hack/pack-chart.sh $(CHART) $(DIST)

##@ Development

.PHONY: generate
generate: $(CONTROLLER_GEN) ## Generate deepcopy functions.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths="./pkg/...;./api/..."

.PHONY: manifests
manifests: $(CONTROLLER_GEN) ## Generate the CRD and the RBAC rules from markers, and copy them to the chart.
	$(CONTROLLER_GEN) crd paths=./api/v1alpha1/... output:crd:dir=config/crd
	$(CONTROLLER_GEN) rbac:roleName=rehome-manager paths="./controllers/...;./pkg/operator/...;./pkg/certificates/..." output:rbac:dir=config/rbac
	@mkdir -p $(CHART)/files/crds $(CHART)/files/admission
	@cp config/crd/*.kubeblocks.io_*.yaml $(CHART)/files/crds/
	@cp $(filter-out %/kustomization.yaml,$(wildcard config/admission/*.yaml)) $(CHART)/files/admission/
	@cat config/webhook/configuration.yaml > $(CHART)/files/webhook.yaml
	@cat config/webhook/policy.yaml > $(CHART)/files/webhook-policy.yaml
	@cat config/rbac/role.yaml config/rbac/user_roles.yaml > $(CHART)/files/roles.yaml
	@cp config/grafana/rehome.json $(CHART)/files/
	@sed '/^---$$/d' config/prometheus/rules.yaml > $(CHART)/files/rules.yaml
	@(printf '%s\n' 'apiVersion: monitoring.coreos.com/v1' 'kind: PrometheusRule' \
		'metadata:' '  name: rehome' '  namespace: rehome-system' 'spec:' && \
		sed 's/^./  &/' $(CHART)/files/rules.yaml) > config/prometheus/prometheusrule.yaml

.PHONY: chart-docs
chart-docs: $(HELM_DOCS) ## Generate the chart's README from the comments in values.yaml.
	$(HELM_DOCS) --chart-search-root $(CHART) --log-level warning

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the code.
	@for m in $(MODULES); do (cd $$m && $(GOLANGCI_LINT) fmt --config $(CURDIR)/.golangci.yaml) || exit 1; done

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Lint every module.
	@# In one workspace, so that the linter loads and examines each dependency once, and not once for each module.
	@rm -rf .cache/lint && mkdir -p .cache/lint
	@export GOWORK=$(CURDIR)/.cache/lint/go.work && go work init $(MODULES) && $(GOLANGCI_LINT) run $(patsubst %,./%/...,$(MODULES))

.PHONY: verify
verify: ## Check that generated files are up to date, go.mod files tidy, and no forbidden module linked.
	@generated() { git diff HEAD -- api pkg config charts && git ls-files --others --exclude-standard -- api pkg config charts; }; \
		before=$$(generated) && $(MAKE) generate manifests chart-docs && after=$$(generated) && \
		if [ "$$before" != "$$after" ]; then echo "generated files were out of date. See git status, and commit them"; exit 1; fi
	@for m in $(MODULES); do (cd $$m && go mod tidy -diff) || exit 1; done
	@hack/shared-versions.sh $(filter-out .,$(MODULES)) hack/tools=tool \
		test/controlplane/components/kubernetes=k8s.io/kubernetes/cmd/kube-apiserver
	@deps=$$(go list -deps ./...) || exit 1; \
		! echo "$$deps" | grep -E '^(k8s.io/kubernetes|github.com/apecloud/kubeblocks)(/|$$)' || (echo "the product links what only tests may build" && exit 1)
	@! grep -n '^replace' go.mod || (echo "go install refuses a module with a replace" && exit 1)
	@! grep -n '^replace' placement/go.mod | grep -v 'rehome => \.\.$$' || \
		(echo "placement replaces more than the product, which a release pins instead" && exit 1)
	@grep -q '^replace' placement/go.mod || git describe --tags --exact-match --match 'v*' > /dev/null || \
		(echo "placement requires a release of the product: revert that after the release" && exit 1)

##@ Test

# `go test` caches results, but sees neither the programs that a test builds or runs nor files outside of its module. Those tests have
# -count=1, as has test-conformance, so that FORCE=1 and CI, which keeps Go's cache, run it.

# need-test fails if the package $(2) has no test $(1), because "go test" would pass. $(3) are more flags.
need-test = @go test $(3) -list '$(1)' $(2) | grep -qE '^(Test|Fuzz)' || (echo "$(2) has no test $(1)" && exit 1)

# The folder of the built control plane.
ASSETS = $$(cd test/controlplane && go run ./cmd/controlplane dir)

.PHONY: test
test: test-unit test-controllers test-faults test-alerts test-controlplane test-conformance test-placement test-chart test-pages test-e2e ## Run the tests of .ci/run.

.PHONY: test-unit
test-unit: $(if $(filter-out ./pkg/admission% ./pkg/operator%,$(PKG)),,controlplane) ## Run the tests of the product but test-controllers. [PKG FOCUS]
	$(if $(FOCUS),$(call need-test,$(firstword $(subst /, ,$(FOCUS))),$(or $(PKG),./...)))
	$(if $(PKG),,packages=$$(go list ./...) &&) KUBEBUILDER_ASSETS=$(ASSETS) go test $(if $(FOCUS),-v -run '$(FOCUS)') \
		$(or $(PKG),$$(echo "$$packages" | grep -vE '/(controllers|hack)$$'))
	$(if $(PKG),,go test -count=1 $(if $(FOCUS),-v -run '$(FOCUS)') ./hack)

.PHONY: test-controllers
test-controllers: controlplane ## Run the controllers against a real API server. [FOCUS]
	@# In three processes, which wait for API servers a third of the time. -v shows the coverage: calls with faults, and deletes that were checked.
	export KUBEBUILDER_ASSETS=$(ASSETS); cd test/e2e && \
		go tool ginkgo --procs=3 --timeout=30m --fail-on-empty -v $(if $(FOCUS),--focus='$(FOCUS)') ../../controllers

.PHONY: test-faults
test-faults: ## Run the controllers against an API server in memory that fails: SEEDS seeds from FIRST on, or for 90 seconds. [SEEDS FIRST]
	$(call need-test,^TestFaults$$,./controllers)
	FAULT_SEEDS=$(or $(SEEDS),all) FAULT_FIRST=$(FIRST) go test -count=1 -timeout 6h -v -run '^TestFaults$$' ./controllers

.PHONY: test-alerts
test-alerts: $(PROMTOOL) ## Check the alert rules, and when they fire.
	$(PROMTOOL) check rules --lint=all --lint-fatal config/prometheus/rules.yaml
	$(PROMTOOL) test rules config/prometheus/tests/*.yaml

.PHONY: test-fuzz
test-fuzz: ## Fuzz the snapshot parser and the rewrite. [FUZZTIME]
	$(call need-test,^FuzzSnapshot$$,./pkg/rewrite)
	$(call need-test,^FuzzRewrite$$,./pkg/rewrite)
	go test ./pkg/rewrite -run '^$$' -fuzz '^FuzzSnapshot$$' -fuzztime $(FUZZTIME)
	go test ./pkg/rewrite -run '^$$' -fuzz '^FuzzRewrite$$' -fuzztime $(FUZZTIME)

.PHONY: test-conformance
test-conformance: ## Check the laws of a rewrite with the real scheduler's plugins. [CHECKS]
	cd test/conformance && $(if $(CHECKS),RAPID_SEED=0 RAPID_CHECKS=$(CHECKS) WORLDS=$(CHECKS)) go test -count=1 $(if $(CHECKS),-timeout 4h) ./...

.PHONY: test-placement
test-placement: controlplane ## Check explain and preflight with the real scheduler's plugins, and these with the real scheduler. [WORLDS RESTORES]
	cd placement && go test -count=1 ./...
	cd test/placement && $(if $(WORLDS),WORLDS=$(WORLDS)) $(if $(RESTORES),RESTORES=$(RESTORES)) go test -count=1 -timeout 4h ./...

.PHONY: test-controlplane
test-controlplane: controlplane ## Run the tests of the test control plane.
	cd test/controlplane && go test -count=1 ./...

.PHONY: test-chart
test-chart: controlplane build $(HELM) $(KUSTOMIZE) $(KUBECONFORM) ## Install the chart and the kustomize builds, and run Rehome with their rights. [FOCUS]
	cd test/chart && HELM=$(HELM) KUSTOMIZE=$(KUSTOMIZE) KUBECONFORM=$(KUBECONFORM) REHOME=$(CURDIR)/.cache/bin/rehome \
		go test -count=1 -timeout 20m $(if $(FOCUS),-v -run '$(FOCUS)') ./...

.PHONY: test-pages
test-pages: ## Check that each command of the documentation has a plan, and that the pictures are those of the recording.
	cd test/e2e && go test -count=1 ./pages ./pictures

.PHONY: test-e2e
test-e2e: controlplane kubeblocks build-placement $(PROMETHEUS) $(HELM) ## Run Rehome beside the real KubeBlocks and a real Prometheus. [VERSION FOCUS E2E]
	@# test-pages runs the tests of pages and pictures.
	$(if $(FOCUS)$(VERSION),,cd test/e2e && packages=$$(go list ./...) && \
		go test -count=1 $$(echo "$$packages" | grep -vE '/test/e2e(/pages|/pictures)?$$'))
	cd test/e2e && PROMETHEUS=$(PROMETHEUS) HELM=$(HELM) go tool ginkgo --procs=$(E2E_PROCS) --timeout=90m --fail-on-empty --label-filter='$(E2E_FILTER)' $(if $(FOCUS),--focus='$(FOCUS)') .

# BROWSER is Chromium. Debian has it as a package; test-browser installs that if it runs as root and finds none.
BROWSER ?= $(or $(shell command -v chromium),$(shell command -v chromium-browser),$(shell command -v google-chrome),/usr/bin/chromium)

.PHONY: test-browser
test-browser: ## Open the HTML reports in a real browser. [BROWSER FOCUS]
	@test -x '$(BROWSER)' || (apt-get update -q && apt-get install -q -y --no-install-recommends chromium) >&2 || \
		(echo "test-browser needs Chromium: set BROWSER" >&2 && exit 1)
	$(call need-test,$(or $(FOCUS),ThePage),./pkg/cli,-tags browser)
	BROWSER='$(BROWSER)' go test -tags browser -count=1 -v -run '$(or $(FOCUS),ThePage)' ./pkg/cli

.PHONY: test-bench
test-bench: controlplane ## Run the benchmarks in their smallest sizes. It does not check the figures.
	cd test/bench && go test -count=1 -timeout 20m ./...

.PHONY: test-rights
test-rights: controlplane kubeblocks build-placement $(PROMETHEUS) $(HELM) ## Remove each right of Rehome, one at a time, and find a test that fails without it.
	export KUBEBUILDER_ASSETS=$(ASSETS) PROMETHEUS=$(PROMETHEUS) HELM=$(HELM); cd test/e2e && go run ./cmd/rights

.PHONY: nightly
nightly: ## Run everything: what .ci/run does, and what takes too long for it.
	.ci/nightly

.PHONY: controlplane
controlplane: ## Build etcd, Kubernetes and kwok from Go modules (about 6 minutes, once).
	@cd test/controlplane && go run ./cmd/controlplane build

.PHONY: kubeblocks
kubeblocks: ## Build the versions of KubeBlocks that the gate tests, or all with E2E= (5 to 7 minutes, once). [VERSION E2E]
	@cd test/e2e && go run ./cmd/kubeblocks build $(or $(VERSION),$(if $(filter !nightly,$(E2E)),v1.0.2 v0.9.3))

##@ Clean up

.PHONY: clean
clean: ## Remove everything that make built.
	rm -rf .cache
