#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# npy files: what is in them, what they become, what is refused and what the refusal says.
. "$(dirname "$0")/shared/make.sh"

npy "'>f4'" True '(2, 3)' 24 >big.npy
npy "'<V2'" False '(6,)' 12 >lost.npy
npy "[('a', '<f4'), ('b', [('c', '|u1', (2,))])]" False '(3,)' 18 >record.npy
npy "'<U2'" False '(2,)' 16 >text.npy
npy "'|O'" False '(1,)' 8 >objects.npy
npy "'<f1'" False '(1,)' 1 >unknown.npy
npy "'<f4'" False '(9999, 9999)' 8 >short.npy
npy "'<f4'" False '(__import__("os"),)' 8 >program.npy
(npy "'|u1'" False '(1,)' 1 && npy "'|u1'" False '(1,)' 1) >two.npy

try inspect big.npy
try inspect record.npy
try inspect text.npy
try inspect lost.npy
try inspect --assume V2=BF16 lost.npy
try convert -q big.npy big.heft
try convert -q big.heft back.npy
cmp big.npy back.npy && echo same
try convert -q --rename arr_0=w big.npy plain.npy
try digest big.npy big.heft plain.npy
try convert -q --assume '<V2=BF16' --dtype F32 lost.npy wide.npy
try inspect wide.npy

for file in objects unknown short program two; do
	try inspect $file.npy
done
try inspect --assume f1=F8_E5M2 unknown.npy
try verify --assume V2=F32 lost.npy
try digest --assume V2=U4 lost.npy
try digest --assume V2 lost.npy
try digest --assume V2=WORD lost.npy
try convert --assume V2=BF16 --rename arr_0=x lost.npy out.npy
try convert record.npy out.npy
cp "$FIXTURES/demo.safetensors" demo.safetensors
try convert demo.safetensors out.npy
try convert --compress --rename arr_0=x big.npy out.npy
ls -A
