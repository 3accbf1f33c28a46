#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model whose output is a sequence: it is told, and nothing is written.
. "$(dirname "$0")/shared/make.sh"
# s = SplitToSequence(x), x of two F32, operator set 17.
printf '\010\010\072\074\012\027\012\001x\022\001s\042\017SplitToSequence\022\001gZ\017\012\001x\022\012\012\010\010\001\022\004\012\002\010\002b\015\012\001s\022\010\042\006\012\004\012\002\010\001B\004\012\000\020\021' >model.onnx
npy "'<f4'" False '(2,)' 8 >two.npy
try run model.onnx -i two.npy
try run model.onnx -i two.npy -o out.npz
test ! -e out.npz
