# The tools are built from the Go module proxy into $(TOOLS). The version, or the sum of what pins it, is part of the file's name, so a
# new version is a new file. hack/tools/go.mod pins the tools that use the product's libraries.

GOLANGCI_LINT_VERSION := v2.15.0
KUBECONFORM_VERSION := v0.8.0
# v5.8.2 needs Go 1.27.
KUSTOMIZE_VERSION := v5.8.1
PROMETHEUS_VERSION := v0.316.0

TOOLS := $(CURDIR)/.cache/tools
TOOLS_SUM := $(firstword $(shell cksum hack/tools/go.mod))
CONTROLLER_GEN := $(TOOLS)/controller-gen-$(TOOLS_SUM)
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
HELM := $(TOOLS)/helm-$(TOOLS_SUM)
HELM_DOCS := $(TOOLS)/helm-docs-$(TOOLS_SUM)
KUBECONFORM := $(TOOLS)/kubeconform-$(KUBECONFORM_VERSION)
KUSTOMIZE := $(TOOLS)/kustomize-$(KUSTOMIZE_VERSION)
PROMETHEUS := $(TOOLS)/prometheus-$(PROMETHEUS_VERSION)
PROMTOOL := $(TOOLS)/promtool-$(PROMETHEUS_VERSION)

$(CONTROLLER_GEN):
	$(call build-tool,sigs.k8s.io/controller-tools/cmd/controller-gen)

$(GOLANGCI_LINT):
	$(call install-tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION))

$(HELM):
	$(call build-tool,helm.sh/helm/v3/cmd/helm)

$(HELM_DOCS):
	$(call build-tool,github.com/norwoodj/helm-docs/cmd/helm-docs)

$(KUBECONFORM):
	$(call install-tool,github.com/yannh/kubeconform/cmd/kubeconform,$(KUBECONFORM_VERSION))

$(KUSTOMIZE):
	$(call install-tool,sigs.k8s.io/kustomize/kustomize/v5,$(KUSTOMIZE_VERSION))

# Without the service discovery of clouds, which no test uses.
$(PROMETHEUS):
	$(call install-tool,github.com/prometheus/prometheus/cmd/prometheus,$(PROMETHEUS_VERSION),-tags remove_all_sd)

$(PROMTOOL):
	$(call install-tool,github.com/prometheus/prometheus/cmd/promtool,$(PROMETHEUS_VERSION),-tags remove_all_sd)

# install-tool builds $(1) at version $(2), with flags $(3).
define install-tool
	$(call build-into,.,$(3) $(1)@$(2))
endef

# build-tool builds $(1) as hack/tools pins it.
define build-tool
	$(call build-into,hack/tools,$(1))
endef

# build-into renames its result to $@, so an interrupted build leaves no $@. Unlike "go build", "go run" keeps what it links in Go's
# build cache, so another clone links nothing again. It runs "cp PROGRAM $@.tmp".
define build-into
	@echo "building $(notdir $@)" >&2
	@mkdir -p $(@D) && cd $(1) && go run -exec cp $(2) $@.tmp && mv $@.tmp $@
endef
