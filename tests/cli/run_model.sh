#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model runs on arrays from files; what it gives for people, for scripts and in files; what does not fit is refused
# by name.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/run.onnx" model.onnx
npy "'|u1'" False '(2, 1, 8, 8)' 128 >two.npy
npy "'|u1'" False '(1, 8, 8)' 64 >one.npy
npy "'|u1'" False '(2, 8, 8, 1)' 128 >last.npy
npy "'<i2'" False '(1, 1, 8, 8)' 128 >wide.npy
pins='--pin gain=4 --pin is_soft=true'

try run model.onnx --input two.npy $pins
# An array that lacks the batch is a batch of one.
try run model.onnx -i image=one.npy -p gain=4 -p is_soft=0 -j 1 --cpu scalar
printf 'ant\nbee\ncat\n\033[31mdog\ncrab\n' >names
try run model.onnx -i two.npy $pins --top 2 --labels names
try run model.onnx -i one.npy $pins -q --top 9
try run model.onnx -i one.npy $pins -q --json --labels names | sed 's/"values".*/.../'
# The same bits, whatever computes them.
"$HEFT" run model.onnx -i two.npy $pins --json >first
for how in '-j 1' '-j 3' '--cpu scalar' '--cpu avx2 -j 2' '--cpu avx512'; do
	"$HEFT" run model.onnx -i two.npy $pins --json $how | cmp - first && echo "same: $how"
done
"$HEFT" run model.onnx -i two.npy $pins --json --profile --repeat 3 | grep -o '"[a-z_]*": \[$'

# Files of arrays: names of inputs choose among them.
try run model.onnx -i two.npy $pins -o out.npz
try inspect out.npz
try run model.onnx -i two.npy $pins -o out.npz
try run model.onnx -i two.npy $pins -qfo out.safetensors
try run model.onnx -i two.npy $pins -d folder
ls folder
cmp folder/scores.npy folder/scores.npy && try inspect folder/scores.npy
"$HEFT" convert -q --rename arr_0=image two.npy image.npz
printf '%b' '\0\0\0\100' >four
safetensors '{"gain":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"on":{"dtype":"BOOL","shape":[],"data_offsets":[4,5]}}' 0 >rest.safetensors
cat four >>rest.safetensors
printf '\001' >>rest.safetensors
try run model.onnx -i image.npz -i rest.safetensors -i is_soft=rest.safetensors:on --top 1

# The weights of another file.
"$HEFT" convert -q model.onnx weights.safetensors
try run model.onnx -i two.npy $pins -w weights.safetensors --top 1
"$HEFT" convert -q --rename 'fc.*=head.*' --dtype F64 model.onnx renamed.safetensors
try run model.onnx -i two.npy $pins --weights renamed.safetensors --top 1
"$HEFT" convert -q --exclude 'conv.weight' model.onnx half.safetensors
try run model.onnx -i two.npy $pins -w half.safetensors
try run model.onnx -i two.npy $pins -w half.safetensors --keep '*weight' --top 1
"$HEFT" convert -q model.onnx model.heft
"$HEFT" run model.heft -i two.npy $pins --json | cmp - first && echo same

# What does not fit.
try run model.onnx $pins
try run model.onnx -i last.npy $pins
try run model.onnx -i wide.npy $pins
try run model.onnx -i picture=two.npy $pins
try run model.onnx -i two.npy -i image=one.npy -q $pins
try run model.onnx -i rest.safetensors:gain $pins
try run model.onnx -i rest.safetensors:gain
try run model.onnx -i image=rest.safetensors $pins
try run model.onnx -i image=rest.safetensors:gan $pins
try run model.onnx -i folder $pins
try run model.onnx -i two.npy --pin gian=1
try run model.onnx -i two.npy --pin gain=loud
try run model.onnx -i two.npy --pin is_soft=2
try run model.onnx -i two.npy --pin 'gain=[1, 2]' --pin is_soft=true
try run model.onnx -i two.npy --pin 'gain=[[1], [2, 3]]'
try run model.onnx -i two.npy --pin gain
printf 'ant\nbee\n' >names
try run model.onnx -i two.npy $pins --labels names
try run "$FIXTURES/demo.safetensors" | sed "s|$FIXTURES/||"
try run "$FIXTURES/graph.onnx" | sed "s|$FIXTURES/||"
try run model.onnx -i two.npy $pins --max-memory 100 | sed 's/[0-9]* bytes.*/.../'
try run model.onnx --cpu mmx
try run model.onnx --seed -1
try run model.onnx -o out.txt
try run model.onnx -i one.npy -q $pins -o out.npy
try run model.onnx -o out.npz -d folder
try run model.onnx -o out.heft --top 3
try run model.onnx --allow-transpose
# Times are not the same twice.
"$HEFT" run model.onnx -i two.npy $pins --profile=nodes -j 1 | grep -E '^(operator|Gemm)' |
	sed 's/[0-9.]* [mu]s/TIME/; s/[0-9.]* %/SHARE/; s/SHARE *[0-9.]* /SHARE SPEED /; s/  */ /g'
