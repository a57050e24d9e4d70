# Versions of the tools, in one place. Each is built from the Go module proxy into $(TOOLS), under a name that holds its
# version, so that a new version is a new file.

CONTROLLER_GEN_VERSION := v0.23.0
GOLANGCI_LINT_VERSION := v2.15.0
# Of v2.17.0 and later, one dependency is not on the module proxy, or they need Go 1.27.
GORELEASER_VERSION := v2.16.0

TOOLS := $(CURDIR)/.cache/tools
CONTROLLER_GEN := $(TOOLS)/controller-gen-$(CONTROLLER_GEN_VERSION)
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
GORELEASER := $(TOOLS)/goreleaser-$(GORELEASER_VERSION)

$(CONTROLLER_GEN):
	$(call install-tool,sigs.k8s.io/controller-tools/cmd/controller-gen,$(CONTROLLER_GEN_VERSION))

$(GOLANGCI_LINT):
	$(call install-tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION))

$(GORELEASER):
	$(call install-tool,github.com/goreleaser/goreleaser/v2,$(GORELEASER_VERSION))

# install-tool builds $(1) at version $(2) beside $@ and renames it when it is whole.
define install-tool
	@echo "building $(notdir $@)" >&2
	@mkdir -p $@.tmp
	@GOBIN=$@.tmp go install $(1)@$(2)
	@mv $@.tmp/* $@ && rmdir $@.tmp
endef
