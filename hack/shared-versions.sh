#!/usr/bin/env bash
# Checks that all modules build the dependencies of the product in the same versions. Otherwise the libraries of Kubernetes are compiled
# once for each module, which takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

# versions prints the modules that a module can use, with their versions. -e passes over those that exist nowhere and are not used.
versions() { (cd "$1" && go list -m -e -f '{{.Path}} {{with .Replace}}{{.Version}}{{else}}{{.Version}}{{end}}' all) | sort; }

used=$(go list -deps -f '{{with .Module}}{{.Path}}{{end}}' . | sort -u)
own=$(join <(echo "$used") <(versions .))
status=0
for module in "$@"; do
	join <(echo "$own") <(versions "$module") | awk -v module="$module" '$2 != $3 {print module ": " $1 " " $3 ", but the product has " $2; bad = 1} END {exit bad}' || status=1
done
exit "$status"
