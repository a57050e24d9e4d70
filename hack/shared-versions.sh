#!/usr/bin/env bash
# Checks that all modules build the dependencies of the product in the same versions. Otherwise the libraries of Kubernetes are compiled
# once for each module, which takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

# versions prints the modules that packages use, with their versions. The packages are those of a module and its tests, or after "=" those
# that it pins.
versions() {
	local packages=(-test ./...)
	[[ $1 != *=* ]] || packages=("${1#*=}")
	(cd "${1%%=*}" && go list -deps -f '{{with .Module}}{{.Path}} {{with .Replace}}{{.Version}}{{else}}{{.Version}}{{end}}{{end}}' "${packages[@]}") | sort -u
}

used=$(go list -deps -f '{{with .Module}}{{.Path}}{{end}}' . | sort -u)
all=$(versions .)
own=$(join <(echo "$used") <(echo "$all"))
status=0
for module in "$@"; do
	its=$(versions "$module")
	join <(echo "$own") <(echo "$its") | awk -v module="${module%%=*}" '$2 != $3 {print module ": " $1 " " $3 ", but the product has " $2; bad = 1} END {exit bad}' || status=1
done
exit "$status"
