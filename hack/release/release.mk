##@ Release

# Of v2.17.0 and later, one dependency is not on the module proxy, or they need Go 1.27.
GORELEASER_VERSION := v2.16.0
GORELEASER := $(TOOLS)/goreleaser-$(GORELEASER_VERSION)

# DIST is where packages are made.
DIST := $(CURDIR)/.cache/dist

# GO_BUILD is reproducible: the same commit gives the same program. Go stamps the tag or the commit into it as the version.
GO_BUILD := go build -buildvcs=true -ldflags='-s -w'

# Go records the compiler's flags in a program, so a release has those of "go build" only.
image release release-dry-run: export GOFLAGS := $(filter-out -gcflags=%,$(GOFLAGS))

# IMAGE is the name of the container image, and IMAGE_ARCHS are its architectures.
IMAGE ?= ghcr.io/rehome-operator/rehome
IMAGE_ARCHS ?= amd64 arm64

# CHARTS is the registry of the chart, and CHARTS_FLAGS are Helm's flags for it.
CHARTS ?= oci://ghcr.io/rehome-operator/charts
CHARTS_FLAGS ?=

# CHART_TAG is the version in the chart, as a tag, and PIN the one that placement requires in a release.
CHART_TAG = v$(shell sed -n 's/^version: //p' $(CHART)/Chart.yaml)
PIN ?= $(CHART_TAG)

# COSIGN_KEY is the file with a private key of cosign, and the environment variable COSIGN_PASSWORD its password. REF is what
# `make release-sign` signs: REPOSITORY@DIGEST.
COSIGN_KEY ?=
REF ?=
need-key = @[ -n "$(COSIGN_KEY)" ] || (echo "set COSIGN_KEY to the file with the private key that signs the release" && exit 1)
SIGN = cd hack/release && go run ./cmd/sign --key $(abspath $(COSIGN_KEY))

# IMAGE_TEST are flags of the test of the image. The night sets more.
IMAGE_TEST ?= -archs amd64

$(GORELEASER):
	$(call install-tool,github.com/goreleaser/goreleaser/v2,$(GORELEASER_VERSION))

.PHONY: image
image: licenses ## Build the container image into .cache/dist/image, and print its digest.
	@for a in $(IMAGE_ARCHS); do export GOOS=linux GOARCH=$$a; $(GO_BUILD) -o $(DIST)/bin/linux-$$a/rehome . && \
		(cd placement && $(GO_BUILD) -o $(DIST)/bin/linux-$$a/rehome-placement .) || exit 1; done
	@cd hack/release && go run ./cmd/image --repository $(IMAGE) --licenses $(DIST)/licenses --output $(DIST)/image \
		$(IMAGE_ARCHS:%=$(DIST)/bin/linux-%/rehome)

.PHONY: licenses
licenses: ## Collect the licences of all linked modules in .cache/dist/licenses, and check that they are allowed.
	@cd hack/release && go run ./cmd/licenses --output $(DIST)/licenses $(CURDIR) $(CURDIR)/placement

.PHONY: release-files
release-files: build licenses $(KUSTOMIZE) # Make what a release holds besides the programs, and the tools that list their components and sign.
	@rm -f $(DIST)/rehome-*.tgz
	@$(MAKE) --no-print-directory chart
	@mkdir -p $(DIST)/completions
	@for s in bash zsh fish powershell; do .cache/bin/rehome completion $$s > $(DIST)/completions/rehome.$$s || exit 1; done
	@$(KUSTOMIZE) build config/default > $(DIST)/install.yaml
	@cd hack/release && go build -o $(DIST)/bin/ ./cmd/sbom ./cmd/sign

.PHONY: release-dry-run
release-dry-run: $(GORELEASER) ## Make all files of a release in .cache/dist/release. It publishes nothing. [COSIGN_KEY]
	$(GORELEASER) check
	@mkdir -p $(DIST) && (hack/release/notes.sh Unreleased 2>/dev/null || \
		hack/release/notes.sh $(CHART_TAG:v%=%)) > $(DIST)/notes.md
	$(GORELEASER) release --snapshot --clean --release-notes $(DIST)/notes.md $(if $(COSIGN_KEY),,--skip=sign)

.PHONY: release-pin
release-pin: ## Make placement require the product in the version PIN, as this commit has it, instead of replacing it. [PIN]
	@changed=$$(git status --porcelain); [ -z "$$changed" ] || (echo "commit first, because a release has what is committed" && exit 1)
	@hack/release/pin.sh write $(PIN)

.PHONY: release
release: $(GORELEASER) ## Publish the files of the tag that is checked out. [COSIGN_KEY]
	$(need-key)
	@tag=$$(git describe --tags --exact-match --match 'v*') && \
		[ "$$tag" = "$(CHART_TAG)" ] || (echo "the tag that is checked out is $$tag, but the version in $(CHART)/Chart.yaml is $(CHART_TAG)" && exit 1) && \
		git describe --tags --exact-match --match "placement/$$tag" > /dev/null && hack/release/pin.sh check $$tag && \
		mkdir -p $(DIST) && hack/release/notes.sh $$tag > $(DIST)/notes.md
	$(GORELEASER) release --clean --release-notes $(DIST)/notes.md

.PHONY: release-chart
release-chart: $(HELM) ## Push the packed chart to the registry CHARTS, and sign it. [CHARTS COSIGN_KEY]
	$(need-key)
	@pushed=$$($(HELM) push $(CHARTS_FLAGS) $(DIST)/rehome-*.tgz $(CHARTS) 2>&1) || (echo "$$pushed" && exit 1); echo "$$pushed"; \
		digest=$$(echo "$$pushed" | sed -n 's/^Digest: //p') && $(SIGN) --image $(CHARTS:oci://%=%)/rehome@$$digest

.PHONY: release-sign
release-sign: ## Sign the image REF in its registry. [REF COSIGN_KEY]
	$(need-key)
	@$(SIGN) --image $(REF)

# need-commit refuses changes that are not committed, because the tests of a release clone the last commit.
need-commit = @changed=$$(git status --porcelain -- $(1)); \
		if [ -n "$$changed" ]; then echo "commit first, because these tests use the last commit:"; echo "$$changed"; exit 1; fi

.PHONY: test-image
test-image: ## Build the container image of the last commit for amd64, twice, and test it and the licences.
	$(call need-commit,'*.go' '*go.mod' '*go.sum' Makefile LICENSE hack pkg)
	cd hack/release && go test -count=1 -timeout 30m ./image ./licenses ./sign ./test/pin ./test/image

.PHONY: test-release
test-release: $(GORELEASER) ## Make the image and all files of a release twice from the last commit, and test them. [IMAGE_TEST]
	$(call need-commit,.)
	cd hack/release && go test -count=1 ./image ./licenses ./sign ./test/pin
	cd hack/release && go test -count=1 -timeout 60m ./test/image $(IMAGE_TEST)
	cd hack/release && go test -count=1 -timeout 60m ./test/archives
