#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A training done again from what its file tells: the same weights, or where they differ; and what it cannot be
# done again from is named.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/digits.onnx" "$FIXTURES/digits.npz" .

"$HEFT" tune digits.onnx --data digits.npz --split 0.2 --epochs 3 --optimizer adam -q --no-sync -o tuned.heft
replay() { try verify tuned.heft --replay "$@" | sed '/  artifact  /d; s/"artifact_digest": "[0-9a-f]*"/"artifact_digest": "A"/'; }

replay --base digits.onnx --data digits.npz -j 2
replay --base digits.onnx --data digits.npz --segment 2 --json
replay --base tuned.heft --data digits.npz
"$HEFT" convert -q --dtype-of 'y=I64' digits.npz other.npz
replay --base digits.onnx --data other.npz
replay --base digits.onnx --data digits.npz --val other.npz
replay --base digits.onnx --data digits.npz --segment 4
replay --base digits.onnx --data digits.npz --checkpoint tuned.heft
replay --base digits.onnx
replay --data digits.npz
try verify tuned.heft --base digits.onnx
try verify digits.onnx --replay --base digits.onnx --data digits.npz
"$HEFT" init -q digits.onnx fresh.heft
try verify fresh.heft --replay --base digits.onnx --data digits.npz | sed '/  artifact  /d; s/[0-9a-f]\{64\}/DIGEST/'

# A new head is made again, too; nothing is left behind.
"$HEFT" tune digits.onnx --data digits.npz --head 12 --freeze 'conv*' --epochs 1 -q --no-sync -o head.heft
try verify head.heft --replay --base digits.onnx --data digits.npz | sed '/  artifact  /d'
ls -A
