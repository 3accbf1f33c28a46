#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Statistics: a table of 80 columns, NaNs that stand out, orders, totals; the words where there is no UTF-8.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
COLUMNS=80 "$HEFT" inspect --stats demo.safetensors
echo ---
COLUMNS=80 LC_ALL=C "$HEFT" inspect --stats --sort l2 --top 3 -j 3 demo.safetensors 'encoder.*' | tail -n +9
echo ---
cat >odd.text <<'END'
heft-text 1
tensor "a.bad" F16 [4]
hex 007e 007c 00bc 003c
tensor "a.empty" F32 [0]
tensor "b.worse" F64 [3]
values -inf inf 2
tensor "b.mask" BOOL [3]
values 0 1 1
tensor "ids" I64 [3]
values -9007199254740993 5 9223372036854775807
tensor "packed" U2 [5]
values 3 2 1 0 3
tensor "text" 0x40 [2] unit=5
text "helloworld"
tensor "blocks" Q8_0 [32]
ramp x34
END
"$HEFT" pack odd.text odd.heft
"$HEFT" inspect --stats odd.heft | tail -n +8
echo ---
"$HEFT" inspect --stats --sort zeros odd.heft | sed -n '9,17p'
echo ---
"$HEFT" inspect --stats --sort abs-max odd.heft | sed -n '9,17p'
echo ---
"$HEFT" inspect --sort size --top 2 demo.safetensors | tail -n +11
echo ---
"$HEFT" inspect --sort name demo.safetensors '*.bias' | tail -n +11
echo ---
"$HEFT" inspect --json --stats odd.heft
echo ---
try inspect --sort std demo.safetensors
try inspect --sort odd demo.safetensors
try inspect --json --top 3 demo.safetensors
try inspect --stats demo.safetensors '*.none'
