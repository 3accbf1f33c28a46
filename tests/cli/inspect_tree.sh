#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tensors by module: sums, levels, order, names that are odd, spaces.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
COLUMNS=80 "$HEFT" inspect --tree demo.safetensors
tree()
{
	try inspect --tree "$@" | sed -n '1p;/^module/,$p'
}
tree --depth 1 demo.safetensors
tree --sort size demo.safetensors 'encoder.*'
LC_ALL=C tree demo.safetensors 'encoder.0.m*'
COLUMNS=60 tree demo.safetensors
try inspect --tree --json demo.safetensors | sed -n '/"tree":/,$p'
try inspect --tree --json --depth 1 demo.safetensors | sed -n '/"tree":/,$p'

# Numbers by their value; a tensor and a module of one name; separators that part nothing.
safetensors '{"m.10.w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"m.9.w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"m.2.w":{"dtype":"U8","shape":[4],"data_offsets":[8,12]},"m.2.b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"m":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},"/m/x.":{"dtype":"F32","shape":[1],"data_offsets":[20,24]},"a..b":{"dtype":"F32","shape":[1],"data_offsets":[24,28]},"a.c\nd":{"dtype":"F32","shape":[1],"data_offsets":[28,32]}}' 32 >odd.safetensors
tree odd.safetensors
tree --sort name odd.safetensors
cp "$FIXTURES/valid/onnx-training.onnx" training.onnx
tree training.onnx
try inspect --tree --json training.onnx | sed -n '/"tree":/,$p'
safetensors '{}' 0 >empty.safetensors
tree empty.safetensors
try inspect --tree empty.safetensors 'x*'
try inspect --depth 2 demo.safetensors
try inspect --tree --top 3 demo.safetensors
