# shellcheck shell=bash
# Runs steps on two cores, and prints a table of their times. Source it:
#
#    step NAME CORES AFTER COMMAND...   declares a step. AFTER names the steps that must pass before it, separated by spaces.
#    run_steps [--keep-going]           runs the steps, in this order as far as AFTER and two cores allow.
#
# A step of two cores runs alone, and its output is streamed. The output of a step of one core is printed in one piece when it ends. No
# step starts after a failure, unless with --keep-going. The exit status is that of the first failure.

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)); then
	echo "bash 5.1 or later is needed" >&2
	exit 1
fi

# Most of what steps run is Go's compiler and linker, and API servers. With this they use more memory and less time.
export GOGC=${GOGC:-400}

step_names=()
declare -A step_cores step_after step_command step_state step_seconds step_start step_pid=()
step_free=2 step_status=0 step_keep_going= step_logs= step_ends=

step() {
	step_names+=("$1")
	step_cores[$1]=$2 step_after[$1]=$3 step_state[$1]=waiting
	printf -v "step_command[$1]" '%q ' "${@:4}"
}

run_steps() {
	[[ ${1-} != --keep-going ]] || step_keep_going=1
	step_logs=$(mktemp -d)
	trap finish_steps EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	# Each step writes its name and exit status here when it ends.
	mkfifo "$step_logs/.ends"
	exec {step_ends}<>"$step_logs/.ends"
	local name status
	while start_steps; ((${#step_pid[@]} > 0)); do
		if read -t 5 -r name status <&"$step_ends"; then
			end_step "$name" "$status"
		else
			end_killed
		fi
	done
	if ((step_status == 0)) && [[ " ${step_state[*]} " == *" waiting "* ]]; then
		echo "a step can never start: its AFTER names a step that waits for it" >&2
		step_status=1
	fi
	exit "$step_status"
}

# end_killed ends a step whose process is gone, and has not said how it ended: it was killed, as for want of memory.
end_killed() {
	local name status killed=
	for name in "${!step_pid[@]}"; do
		kill -0 "${step_pid[$name]}" 2>/dev/null || killed=$name
	done
	[[ $killed ]] || return 0
	# It can have said so since.
	if read -t 1 -r name status <&"$step_ends"; then
		end_step "$name" "$status"
	else
		kill -KILL -- "-${step_pid[$killed]}" 2>/dev/null || true
		end_step "$killed" 137
	fi
}

# start_steps starts the steps that can start now.
start_steps() {
	local name
	for name in "${step_names[@]}"; do
		if [[ ${step_state[$name]} == waiting ]] && ((step_cores[$name] <= step_free)) && may_start "$name"; then
			start_step "$name"
		fi
	done
}

may_start() {
	local before
	((step_status == 0)) || [[ $step_keep_going ]] || return 1
	for before in ${step_after[$1]}; do
		[[ ${step_state[$before]} == passed || ${step_state[$before]} == skipped ]] || return 1
	done
}

start_step() {
	local name=$1
	echo "==> $name"
	step_state[$name]=running step_start[$name]=$SECONDS
	# With job control, a step is a process group of its own, so that all of it can be ended.
	set -m
	run_step "$name" </dev/null &
	set +m
	step_pid[$name]=$!
	((step_free -= step_cores[$name], 1))
}

run_step() {
	local name=$1 status
	trap - EXIT INT TERM
	set +e -o pipefail
	if ((step_cores[$name] == 2)); then
		eval "${step_command[$name]}" 2>&1 | tee -i "$step_logs/$name"
	else
		eval "${step_command[$name]}" >"$step_logs/$name" 2>&1
	fi
	status=$?
	echo "$name $status" >&"$step_ends"
}

end_step() {
	local name=$1 status=$2
	unset "step_pid[$name]"
	((step_free += step_cores[$name], 1))
	step_seconds[$name]=$((SECONDS - step_start[$name]))
	if ((status != 0)); then
		step_state[$name]="FAILED with exit status $status"
		((step_status != 0)) || step_status=$status
	elif grep -q ": skipped, nothing changed since it passed" "$step_logs/$name"; then # by once.sh
		step_state[$name]=skipped
	else
		step_state[$name]=passed
	fi
	((step_cores[$name] == 2)) || cat "$step_logs/$name"
	echo "==> $name: ${step_state[$name]} after ${step_seconds[$name]} s"
}

# finish_steps ends what still runs, and prints the table.
finish_steps() {
	local status=$? name end=$((SECONDS + 60)) patience=$((SECONDS + 10))
	# The output can be gone, as after `.ci/run | tee log` and Ctrl-C.
	set +e
	# A second signal ends the wait.
	trap 'end=0' INT TERM
	# With SIGINT, go removes its temporary files, and suites end their API servers.
	signal_steps INT
	while signal_steps 0 && ((SECONDS < end)); do
		# In the background of a script, processes ignore SIGINT.
		((SECONDS < patience)) || signal_steps TERM
		sleep 0.1
	done
	trap '' INT TERM PIPE
	signal_steps KILL
	for name in "${!step_pid[@]}"; do
		wait "${step_pid[$name]}" 2>/dev/null
		((step_cores[$name] == 2)) || cat "$step_logs/$name"
		step_state[$name]=interrupted step_seconds[$name]=$((SECONDS - step_start[$name]))
	done
	rm -rf "$step_logs"
	printf '\n%-20s %8s  %s\n' step seconds result
	for name in "${step_names[@]}"; do
		[[ ${step_state[$name]} != waiting ]] || step_state[$name]="not run"
		printf '%-20s %8s  %s\n' "$name" "${step_seconds[$name]--}" "${step_state[$name]}"
	done
	printf '%-20s %8s\n' total "$SECONDS"
	exit "$status"
}

# signal_steps sends a signal to the process groups of the steps that run. It fails if no process is left.
signal_steps() {
	local pid status=1
	for pid in "${step_pid[@]}"; do
		kill "-$1" -- "-$pid" 2>/dev/null && status=0
	done
	return "$status"
}
