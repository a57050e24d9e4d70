#!/usr/bin/env bash
# Prints what a section of CHANGELOG.md says: of version $1, such as v0.1.0, or of "Unreleased". Without such a section it fails.
set -euo pipefail

section=${1#v}
awk -v heading="## [$section]" '
	index($0, "## [") == 1 { inside = index($0, heading) == 1; next }
	inside { text = text $0 "\n" }
	END {
		gsub(/^\n+|\n+$/, "", text)
		if (text == "") exit 1
		print text
	}' CHANGELOG.md || {
	echo "CHANGELOG.md has no section [$section], or it is empty" >&2
	exit 1
}
