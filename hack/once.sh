#!/usr/bin/env bash
# hack/once.sh [--stamp FILE] NAME PATHS... -- COMMAND...
#
# Runs COMMAND, unless it passed before with the same inputs. FORCE=1 runs it in any case.
#
# The inputs are: the files under PATHS (git pathspecs; ignored files do not count), COMMAND, the settings of Go, and the files that
# pin tools. Other variables are none: give options in COMMAND.
#
# The stamp of a pass is in .cache/once, so a fresh clone runs everything. --stamp names a stamp that is committed instead. The
# settings of Go and the pins are no inputs of it, because they differ between machines, or change for other reasons.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=
if [[ $1 == --stamp ]]; then
	stamp=$2
	shift 2
fi
name=$1
shift
paths=()
while [[ $1 != -- ]]; do
	paths+=("$1")
	shift
done
shift
settings=()
if [[ -z $stamp ]]; then
	stamp=.cache/once/$name
	paths+=(Makefile hack/*.mk hack/once.sh)
	settings=(GOVERSION GOOS GOARCH GOFLAGS GOEXPERIMENT GODEBUG CGO_ENABLED)
else
	paths+=(":(exclude)$stamp")
fi

# digest prints a hash of the inputs. git reads the files as it would to commit them, but into an index and objects of its own. It
# fails when a path holds no file, so a path that was renamed is not forgotten.
digest() {
	local work objects tree
	work=$(mktemp -d)
	objects=$(git rev-parse --path-format=absolute --git-path objects)
	tree=$(
		export GIT_INDEX_FILE=$work/index GIT_OBJECT_DIRECTORY=$work GIT_ALTERNATE_OBJECT_DIRECTORIES=$objects
		git add --all -- "${paths[@]}" && git write-tree
	)
	rm -rf "$work"
	[[ $tree ]] || return 1
	{
		printf '%s\n' "$tree" "$@"
		[[ ${#settings[@]} == 0 ]] || go env "${settings[@]}"
	} | sha256sum | cut -d' ' -f1
}

inputs=$(digest "$@")
if [[ ${FORCE-} != 1 && -f $stamp && $(<"$stamp") == "$inputs" ]]; then
	echo "$name: skipped, nothing changed since it passed (FORCE=1 runs it)"
	exit
fi
# Until it passed. A run that is killed leaves no stamp, either.
rm -f "$stamp"
"$@"
if [[ $(digest "$@") != "$inputs" ]]; then
	echo "$name: passed, but its inputs changed meanwhile: the next run does not skip it"
	exit
fi
mkdir -p "$(dirname "$stamp")"
echo "$inputs" >"$stamp"
