#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bad data is one line that says what is wrong and where; exit status 3.
. "$(dirname "$0")/shared/make.sh"
: >empty.safetensors
try inspect empty.safetensors
printf 'hello, world, this is not a model' >text.safetensors
try inspect text.safetensors
safetensors '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' 7 >short.safetensors
try inspect short.safetensors
safetensors '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}}' 9 >size.safetensors
try digest size.safetensors
safetensors '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}' 8 >json.safetensors
try convert json.safetensors out.heft
safetensors '{"w":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}' 8 >dtype.safetensors
try verify dtype.safetensors
head -c 4096 /dev/zero >zero.heft
try inspect zero.heft
ls -A
