#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What cannot be done is said before anything is written, and nothing stays behind.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
sum=$(cksum demo.safetensors)
try convert demo.safetensors demo.safetensors
try convert demo.safetensors demo.safetensors -f
ln -s demo.safetensors link.safetensors
try convert demo.safetensors link.safetensors -f
try convert demo.safetensors out.unknown
try convert demo.safetensors nofolder/out.heft
try convert demo.safetensors out.safetensors --compress
try convert demo.safetensors out.heft --align 63
try convert demo.safetensors out.safetensors --dtype I4
try convert nofile.safetensors out.heft
try convert . out.heft
mkdir out.heft
try convert demo.safetensors out.heft -f
rmdir out.heft
test "$sum" = "$(cksum demo.safetensors)" && echo same
ls -A
