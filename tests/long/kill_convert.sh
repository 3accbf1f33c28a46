#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill_convert.sh [ROUNDS] - kills `heft convert -f` over an existing file at random points: the target is
# always the old file or the new one, whole.
. "$(dirname "$0")/shared/common.sh"

rounds=${1-100}
make_safetensors old.safetensors 8
make_safetensors new.safetensors 24
old=$(digest old.safetensors)
new=$(digest new.safetensors)
n_old=0

# How long an undisturbed conversion takes, in microseconds.
start=$(date +%s%N)
"$HEFT" convert -q new.safetensors target.heft
time=$((($(date +%s%N) - start) / 1000))

i=0
while [ $i -lt "$rounds" ]; do
	i=$((i + 1))
	"$HEFT" convert -q -f old.safetensors target.heft
	kill_within $((time + time / 8)) "$HEFT" convert -f new.safetensors target.heft
	"$HEFT" verify target.heft >verify.txt 2>&1 || wrong "round $i: $(cat verify.txt)"
	case $(digest target.heft) in
	"$old") n_old=$((n_old + 1)) ;;
	"$new") ;;
	*) wrong "round $i: neither the old file nor the new one" ;;
	esac
	# A killed process cannot clean up; what it left has another name.
	find . -type f ! -name target.heft ! -name '*.safetensors' -delete
done
echo "$rounds rounds: $n_old times the old file, $((rounds - n_old)) times the new one"
