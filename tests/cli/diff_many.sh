#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Of many changes the largest are shown; what is not finite or cannot be compared comes first.
. "$(dirname "$0")/shared/make.sh"
header='"x.shape":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"x.ones":{"dtype":"F32","shape":[1,2],"data_offsets":[24,32]}'
for i in 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
	at=$((32 + (i - 10) * 64))
	header="$header,\"layer.$i.weight\":{\"dtype\":\"F32\",\"shape\":[16],\"data_offsets\":[$at,$((at + 64))]}"
done
safetensors "{$header}" 1376 >a.safetensors
safetensors "{$(printf %s "$header" | sed 's/\[2,3\]/[3,2]/; s/\[1,2\]/[2,1]/')}" 1376 >b.safetensors
start=$(($(wc -c <a.safetensors) - 1376 + 32))
# To A's zeros B has 255 or less: NaN in the last one, else numbers.
for i in 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29; do
	printf '\200\077' | dd of=a.safetensors bs=1 seek=$((start + (i - 10) * 64 + 2)) conv=notrunc 2>/dev/null
	printf '\200\077' | dd of=b.safetensors bs=1 seek=$((start + (i - 10) * 64 + 2)) conv=notrunc 2>/dev/null
	printf "\\$(printf %o $((i * 4)))\\077" |
		dd of=b.safetensors bs=1 seek=$((start + (i - 10) * 64 + 6)) conv=notrunc 2>/dev/null
done
printf '\300\177' | dd of=b.safetensors bs=1 seek=$((start + 20 * 64 + 2)) conv=notrunc 2>/dev/null
COLUMNS=80 "$HEFT" diff a.safetensors b.safetensors
echo ---
"$HEFT" diff --all a.safetensors b.safetensors | tail -6
"$HEFT" diff a.safetensors b.safetensors -j 1 >one
"$HEFT" diff a.safetensors b.safetensors -j 4 >four
cmp one four
# Two heft files are believed only when asked: a byte of data is not what its digest says.
"$HEFT" convert -q a.safetensors a.heft
cp a.heft damaged.heft
damage damaged.heft 8200
try diff --stored -q a.heft damaged.heft
try diff -q a.heft damaged.heft
