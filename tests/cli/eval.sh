#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How well a model does: for people, for scripts, and of a model that heft trained as it was trained.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/digits.onnx" "$FIXTURES/digits.npz" .
"$HEFT" tune digits.onnx --data digits.npz --split 0.2 --epochs 8 --optimizer adam --lr 3e-3 --normalize 'mean=0.3;std=0.37;scale=16' -q -o tuned.heft

try eval digits.onnx --data digits.npz
try eval tuned.heft --data digits.npz
try eval tuned.heft --data digits.npz -q --json
try eval tuned.heft --data digits.npz -q -j 1 --cpu scalar --batch 7 >slow
try eval tuned.heft --data digits.npz -q >fast
tail -n +2 slow >slow.txt
tail -n +2 fast | cmp - slow.txt && echo "the same"
try eval tuned.heft --data digits.npz -q --loss mse
try eval tuned.heft
try eval tuned.heft --data nofile
try eval tuned.heft --data digits.npz --loss strange
try eval tuned.heft --data digits.npz --input nothing=x
