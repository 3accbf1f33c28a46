#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill_edit.sh [ROUNDS] - kills `heft edit` at random points: the file is always the one before the edit or
# the one after it, and the next edit works.
. "$(dirname "$0")/shared/common.sh"

rounds=${1-200}
make_safetensors model.safetensors 1
"$HEFT" convert model.safetensors model.heft
"$HEFT" edit model.heft --set n=0
weights=$(digest model.safetensors)
last=0
n_done=0

start=$(date +%s%N)
"$HEFT" edit model.heft --set n=0 --set m=1
time=$((($(date +%s%N) - start) / 1000))

i=0
while [ $i -lt "$rounds" ]; do
	i=$((i + 1))
	kill_within $((time + time / 4)) "$HEFT" edit model.heft --set n=$i
	[ "$(digest model.heft)" = "$weights" ] || wrong "round $i: the weights are not the same"
	found=$(metadata model.heft n)
	case $found in
	"$i") n_done=$((n_done + 1)) ;;
	"$last") ;;
	*) wrong "round $i: the metadata says '$found', not $i or $last" ;;
	esac
	last=$found
done

"$HEFT" edit model.heft --set n=end
"$HEFT" compact model.heft
"$HEFT" verify --strict model.heft || wrong "the file does not verify after compact"
echo "$rounds rounds: $n_done edits were through before they were killed"
