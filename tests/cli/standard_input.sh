#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inputs may come from a redirected file, a pipe or a fifo.
. "$(dirname "$0")/shared/make.sh"
mkdir tmp
export TMPDIR="$PWD/tmp"
cp "$FIXTURES/demo.safetensors" demo.safetensors
"$HEFT" digest - <demo.safetensors
cat demo.safetensors | "$HEFT" digest -
mkfifo fifo
cat demo.safetensors >fifo &
"$HEFT" digest fifo
wait
cat demo.safetensors | "$HEFT" convert -q - demo.heft
"$HEFT" verify - <demo.heft
cat demo.heft | "$HEFT" inspect --json - | grep '"file"'
cat demo.heft | "$HEFT" convert - - --to safetensors | cmp - demo.safetensors
printf 'nothing' | try verify -
try verify - <&-
TMPDIR=$PWD/none
printf 'nothing' | try verify -
ls tmp
