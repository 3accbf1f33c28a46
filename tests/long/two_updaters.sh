#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# two_updaters.sh [ROUNDS] - two processes edit one file at once, a third reads it all the while, and a
# fourth compacts it now and then: no edit is lost and no reader sees anything but a whole file.
. "$(dirname "$0")/shared/common.sh"

rounds=${1-500}
make_safetensors model.safetensors 1
"$HEFT" convert model.safetensors model.heft
"$HEFT" edit model.heft --set a=0 --set b=0
weights=$(digest model.safetensors)

update()
{
	i=0
	while [ $i -lt $((rounds / 2)) ]; do
		i=$((i + 1))
		"$HEFT" edit model.heft --set "$1=$i" || return 1
	done
}

update a &
first=$!
update b &
second=$!
n_reads=0
while kill -0 $first 2>/dev/null || kill -0 $second 2>/dev/null; do
	[ "$(digest model.heft)" = "$weights" ] || wrong "a reader found other weights"
	n_reads=$((n_reads + 1))
	[ $((n_reads % 50)) -ne 0 ] || "$HEFT" compact model.heft || wrong "compact failed beside updaters"
done
wait $first || wrong "an edit failed"
wait $second || wrong "an edit failed"
[ "$(metadata model.heft a)" = $((rounds / 2)) ] || wrong "an edit of a was lost"
[ "$(metadata model.heft b)" = $((rounds / 2)) ] || wrong "an edit of b was lost"
"$HEFT" verify model.heft || wrong "the file does not verify"
echo "$rounds edits by two processes, $n_reads reads"
