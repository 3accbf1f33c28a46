#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill_tune.sh - a training that is killed at twenty random moments, and goes on from its checkpoint each time,
# gives the weights of one that nobody touched.
set -eu

: "${HEFT:?names the command}"
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# with=exec: the process that is killed is the command itself.
with=
tune()
{
	$with "$HEFT" tune "$here/fixtures/digits.onnx" --data "$here/fixtures/digits.npz" --optimizer adam --epochs 80 --batch 16 \
		--split 0.2 --checkpoint-every '7 steps' --no-sync -q "$@"
}

tune -o "$work/whole.heft"
want=$("$HEFT" digest "$work/whole.heft" | cut -c 1-64)

n_killed=0
tries=0
while [ ! -e "$work/killed.heft" ]; do
	resume=
	[ ! -e "$work/run.ckpt" ] || resume="--resume=$work/run.ckpt"
	# shellcheck disable=SC2086 # one word or none
	(with=exec && tune -o "$work/killed.heft" --checkpoint "$work/run.ckpt" $resume) &
	pid=$!
	if [ $n_killed -lt 20 ]; then
		sleep "0.$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')"
		kill -KILL $pid 2>/dev/null && n_killed=$((n_killed + 1))
	fi
	wait $pid || :
	tries=$((tries + 1))
	[ $tries -lt 200 ] || {
		echo "it does not end"
		exit 1
	}
done
got=$("$HEFT" digest "$work/killed.heft" | cut -c 1-64)
echo "killed $n_killed times: $got"
[ "$got" = "$want" ] || {
	echo "untouched: $want"
	exit 1
}
