#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C: exit status 130, nothing said, nothing left behind.
. "$(dirname "$0")/shared/make.sh"
size=$((16 * 1024 * 1024 * 1024))
safetensors "{\"w\":{\"dtype\":\"U8\",\"shape\":[$size],\"data_offsets\":[0,$size]}}" 0 >big.safetensors
truncate -s +$size big.safetensors
timeout --preserve-status -s INT 0.3 "$HEFT" convert -j 1 big.safetensors big.heft
echo "exit $?"
# A second signal right behind the first ends nothing early: what was begun is removed all the same.
"$HEFT" convert -j 1 big.safetensors big.heft &
sleep 0.3
kill -TERM $! && kill -TERM $! 2>/dev/null
wait $!
echo "exit $?"
timeout --preserve-status -s TERM 0.3 "$HEFT" digest -j 1 big.safetensors
echo "exit $?"
timeout --preserve-status -s INT 0.3 "$HEFT" verify -j 1 big.safetensors
echo "exit $?"
rm big.safetensors
ls -A
