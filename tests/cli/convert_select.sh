#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Part of a file, under other names, in other dtypes.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
try convert demo.safetensors part.safetensors --include 'encoder.*' --exclude '*.bias' --rename 'encoder.*=layers.*' --dtype bf16 --dtype-of '*.norm.*=F64'
"$HEFT" inspect part.safetensors
try convert demo.safetensors none.safetensors --include 'decoder.*'
try convert demo.safetensors none.safetensors --exclude 'decoder.*'
try convert demo.safetensors none.safetensors --rename 'decoder.*=*'
try convert demo.safetensors none.safetensors --rename 'head.*=one'
try convert demo.safetensors none.safetensors --dtype-of 'decoder.*=F32'
try convert demo.safetensors none.safetensors --rename head.scale=encoder.0.norm.bias
ls
