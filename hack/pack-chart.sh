#!/usr/bin/env bash
# Packs the chart in folder $1 into folder $2. The archive has the time of the commit or $SOURCE_DATE_EPOCH, where Helm would write the
# current time. So the same sources give the same bytes.
set -euo pipefail

chart=$1
dist=$2
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$HELM" package "$chart" --destination "$work" >/dev/null
packed=$(basename "$work"/*.tgz)
mkdir "$work/files" "$work/packed"
tar -xzmf "$work/$packed" -C "$work/files"
cd "$work/files"
find "$(basename "$chart")" -type f | LC_ALL=C sort |
	tar -cf - -T - --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode=u=rw,go=r |
	gzip -n9 >"$work/packed/$packed"
cd "$OLDPWD"
mkdir -p "$dist"
mv "$work/packed/$packed" "$dist/$packed"
echo "$dist/$packed"
