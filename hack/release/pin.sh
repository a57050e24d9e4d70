#!/usr/bin/env bash
# pin.sh write VERSION makes placement/go.mod require the product in VERSION, as the last commit has it, instead of replacing it.
# pin.sh check VERSION fails unless placement/go.mod requires that, with the checksum of the last commit.
# No such version is published yet, so Go downloads it from a copy of this repository that has the tag.
set -euo pipefail
cd "$(dirname "$0")/../.."
command=$1 version=$2
product=github.com/rehome-operator/rehome
line="$product $version"

if [ "$command" = check ]; then
	grep -q "^[[:space:]]*${line//./\\.}\$" placement/go.mod && ! grep -q '^replace' placement/go.mod ||
		{ echo "placement/go.mod does not require $line: run make release-pin" >&2; exit 1; }
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
git clone --quiet --bare . "$tmp/repository"
git -C "$tmp/repository" update-ref "refs/tags/$version" HEAD
# In a module cache of its own, because Go does not download a version again that it has.
download=$(cd "$tmp" && GOMODCACHE=$tmp/modules GOFLAGS=-modcacherw GOPROXY=direct GOPRIVATE=$product \
	GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=url.file://$tmp/repository.insteadOf GIT_CONFIG_VALUE_0=https://$product \
	go mod download -json "$product@$version")
sum=$(sed -n 's/.*"Sum": "\(.*\)",/\1/p' <<< "$download")

if [ "$command" = write ]; then
	cd placement
	go mod edit -dropreplace=$product -require="$product@$version"
	sed -i.bak '/^\/\/ .*The release sets the version/d' go.mod && rm go.mod.bak
	GOPROXY=file://$tmp/modules/cache/download,$(go env GOPROXY) GONOSUMDB=$product go mod tidy
	cd ..
fi
grep -qF "$line $sum" placement/go.sum ||
	{ echo "placement/go.sum has another $line than this commit: run make release-pin, without that version in the module cache" >&2; exit 1; }
