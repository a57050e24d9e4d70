# shellcheck shell=bash
# Declares steps that are skipped while what they depend on is unchanged. Source it after steps.sh.

# Variables are no inputs, so no step may see those with which it tests less or another thing. make also has them in its own variables.
unset BROWSER CHECKS E2E FIRST FOCUS FUZZTIME IMAGE_TEST KUBEBLOCKS KUBEBUILDER_ASSETS PKG PREVENT RESTORES SEED SEEDS VERSION WORLD WORLDS
unset "${!FAULT_@}" "${!GOMEGA_@}" "${!RAPID_@}" "${!REHOME_@}" "${!TEST_ASSET_@}" "${!MAKE@}" MFLAGS GNUMAKEFLAGS

# once NAME CORES AFTER COMMAND... declares a step that is skipped when none of its inputs has changed since it passed. The night skips what
# passed in the gate of the same checkout, too.
once() {
	local paths
	mapfile -t paths < <(inputs "$1")
	step "$1" "$2" "$3" hack/once.sh "${stamp_prefix-}$1" "${paths[@]}" -- "${@:4}"
}

# more declares a step like once does, but one that tests more than the gate's step of that name. It has a stamp of its own.
more() { stamp_prefix=nightly- once "$@"; }

# inputs NAME prints the files that a step depends on, as git pathspecs: all files, unless the step is known.
inputs() {
	local product go_files=('*.go' '*go.mod' '*go.sum')
	# The product is everything but tests, documentation and tools, so it includes any new folder.
	mapfile -t product < <(git ls-files --cached --others --exclude-standard | cut -d/ -f1 | sort -u | grep -vxE 'docs|hack|test|\..*|.*\.md')
	case $1 in
	verify) lines "${go_files[@]}" api charts config hack/boilerplate.go.txt hack/shared-versions.sh ;;
	lint) lines "${go_files[@]}" .golangci.yaml ;;
	test-alerts) lines config/prometheus ;;
	test-controlplane) lines test/controlplane ;;
	test-pages) lines 'README*.md' docs charts "${go_files[@]}" test/e2e ;;
	test-browser | test-faults | test-fuzz) lines "${product[@]}" ;;
	test-chart) lines "${product[@]}" hack/pack-chart.sh test/chart test/controlplane ;;
	test-conformance) lines "${product[@]}" test/conformance ;;
	test-placement) lines "${product[@]}" docs/explain.md docs/preflight.md test/placement test/controlplane ;;
	test-controllers) lines "${product[@]}" docs/metrics.md test/controlplane test/e2e/go.mod ;;
	test-e2e)
		lines "${product[@]}" docs/differential.md test/controlplane test/e2e
		# The specs of the documentation run only at night.
		[[ ! ${stamp_prefix-} ]] || lines 'README*.md' docs
		;;
	demo | demo-prevent) lines "${product[@]}" test/controlplane test/e2e ;;
	test-rights) lines "${product[@]}" docs/metrics.md test/controlplane test/e2e ;;
	test-bench) lines "${product[@]}" test/controlplane test/e2e test/bench ;;
	*) lines . ;;
	esac
}

lines() { printf '%s\n' "$@"; }
