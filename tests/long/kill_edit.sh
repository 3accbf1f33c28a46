#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill_edit.sh [ROUNDS] - kills `heft edit` at random points: the file is always the one before the edit or
# the one after it, and the next edit works. First with metadata, then with names and deletions too, in a heft
# file and in one that is written anew.
. "$(dirname "$0")/shared/common.sh"

rounds=${1-200}
make_safetensors model.safetensors 1
"$HEFT" convert model.safetensors model.heft
"$HEFT" edit model.heft --set n=0
weights=$(digest model.safetensors)
last=0
n_done=0

# microseconds COMMAND... - how long it takes.
microseconds()
{
	start=$(date +%s%N)
	"$@" >/dev/null 2>&1
	echo $((($(date +%s%N) - start) / 1000))
}

time=$(microseconds "$HEFT" edit model.heft --set n=0 --set m=1)

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

# --- tensors ---

# make_many FILE N - tensors t1 to tN of one byte each, and one of a mebibyte.
make_many()
{
	header='{"big":{"dtype":"U8","shape":[1048576],"data_offsets":[0,1048576]}'
	k=0
	while [ $k -lt "$2" ]; do
		at=$((1048576 + k))
		k=$((k + 1))
		header="$header,\"t$k\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[$at,$((at + 1))]}"
	done
	{
		le64 $(($(printf '%s}' "$header" | wc -c)))
		printf '%s}' "$header"
		head -c $((1048576 + $2)) /dev/urandom
	} >"$1"
}

# state FILE - how many tensors there are, and the name that goes with the number, as in "9 big-3".
state()
{
	"$HEFT" inspect --json "$1" | tr -d ' \n' |
		sed 's/.*"n_tensors":\([0-9]*\).*"name":"\(big[^"]*\)".*/\1 \2/'
}

make_many many.safetensors "$rounds"
"$HEFT" edit -q many.safetensors --rename big=big-0 --set n=0
"$HEFT" convert -q many.safetensors many.heft
for file in many.heft many.safetensors; do
	left=$((rounds + 1))
	last=0
	n_done=0
	cp $file trial-$file
	time=$(microseconds "$HEFT" edit trial-$file --rename big-0=big --delete t1 --set n=1)
	i=0
	while [ $i -lt "$rounds" ]; do
		i=$((i + 1))
		kill_within $((time + time / 4)) "$HEFT" edit $file --rename big-$last=big-$i --delete t$i --set n=$i
		found=$(metadata $file n)
		if [ "$found" = $i ]; then
			n_done=$((n_done + 1))
			left=$((left - 1))
		elif [ "$found" != "$last" ]; then
			wrong "$file, round $i: the metadata says '$found', not $i or $last"
		fi
		last=$found
		[ "$(state $file)" = "$left big-$last" ] ||
			wrong "$file, round $i: '$(state $file)', not '$left big-$last'"
		rm -f .*many.*
	done
	echo "$file, $rounds rounds: $n_done edits were through before they were killed"
done
"$HEFT" verify many.heft || wrong "the file does not verify"
"$HEFT" edit -q many.heft --set n=end --compact
"$HEFT" verify --strict many.heft || wrong "the file does not verify after compact"
