#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# When the newest generation is damaged, the one before it is brought back.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
"$HEFT" convert -q demo.safetensors demo.heft
size=$(wc -c <demo.heft)
"$HEFT" edit -q demo.heft --set license=MIT
cp demo.heft good.heft
damage demo.heft $((size + 20))
try inspect demo.heft 'head.*'
try recover demo.heft -o rescued.heft
try recover demo.heft -o rescued.heft
try verify --strict rescued.heft
try inspect rescued.heft 'head.*'
try recover demo.heft
cmp demo.heft rescued.heft && echo same
try recover good.heft
damage demo.heft 8200
try recover demo.heft
try recover demo.safetensors
ls -A
