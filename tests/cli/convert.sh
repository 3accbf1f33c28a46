#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# There and back: the same digest, and the same bytes.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
try convert demo.safetensors demo.heft
try convert demo.heft back.safetensors
cmp demo.safetensors back.safetensors
try convert --compress=best -q demo.safetensors small.heft
try convert -q small.heft back.safetensors -f
cmp demo.safetensors back.safetensors
test "$(wc -c <small.heft)" -lt "$(wc -c <demo.heft)" && echo smaller
"$HEFT" digest demo.safetensors demo.heft small.heft back.safetensors
for n in 1 2 3 7; do
	"$HEFT" convert -q -f -j $n --compress demo.safetensors $n.heft
	cmp 1.heft $n.heft
done
"$HEFT" convert demo.heft - --to safetensors >piped.safetensors
cmp demo.safetensors piped.safetensors
