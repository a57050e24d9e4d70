#!/usr/bin/env bash
# hack/once.sh NAME PATHS... -- COMMAND...
#
# Runs COMMAND, unless it has passed with the same inputs. FORCE=1 always runs it.
#
# The inputs are the files under PATHS (git pathspecs) that git does not ignore, COMMAND, the settings of Go, and the files that pin
# tools. Other variables are no inputs, so pass options in COMMAND.
#
# A stamp in .cache/once records the pass, so a fresh clone runs everything.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
shift
paths=()
while [[ $1 != -- ]]; do
	paths+=("$1")
	shift
done
shift
stamp=.cache/once/$name
# For git, * matches slashes, too, so this has hack/release/release.mk.
paths+=(Makefile 'hack/*.mk' hack/tools/go.mod hack/once.sh)
settings=(GOVERSION GOOS GOARCH GOAMD64 GOARM64 GOFLAGS GOEXPERIMENT GODEBUG GOWORK CGO_ENABLED)

# digest prints a hash of the inputs. git adds the files to a temporary index and object store. It fails if a path matches no file, so a
# renamed path is an error. A tracked file is an input even if a gitignore of the user matches it: `git add` would skip that.
digest() {
	local work objects tree
	work=$(mktemp -d)
	objects=$(git rev-parse --path-format=absolute --git-path objects)
	tree=$(
		set -e # a command substitution does not inherit it
		git ls-files -z --cached --others --exclude-standard --error-unmatch -- "${paths[@]}" >"$work/paths"
		export GIT_INDEX_FILE=$work/index GIT_OBJECT_DIRECTORY=$work GIT_ALTERNATE_OBJECT_DIRECTORIES=$objects
		git update-index -z --add --remove --stdin <"$work/paths"
		git write-tree
	)
	rm -rf "$work"
	[[ $tree ]] || return 1
	{
		printf '%s\n' "$tree" "$@"
		go env "${settings[@]}"
	} | sha256sum | cut -d' ' -f1
}

inputs=$(digest "$@")
if [[ ${FORCE-} != 1 && -f $stamp && $(<"$stamp") == "$inputs" ]]; then
	echo "$name: skipped, nothing changed since it passed (FORCE=1 runs it)"
	exit
fi
# Before the command, so that a killed run leaves no stamp.
rm -f "$stamp"
"$@"
if [[ $(digest "$@") != "$inputs" ]]; then
	echo "$name: passed, but its inputs changed meanwhile, so the next run does not skip it"
	exit
fi
mkdir -p "$(dirname "$stamp")"
echo "$inputs" >"$stamp"
