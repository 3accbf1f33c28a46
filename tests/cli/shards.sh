#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model in several files: cut, opened by its folder, restored, refused.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
try convert demo.safetensors set/ --shard 16kB
ls set
head -n 5 set/model.safetensors.index.json
"$HEFT" digest demo.safetensors set set/model.safetensors.index.json
try convert -q set/ kept.heft
try convert kept.heft back/
diff -r set back && echo same
try convert kept.heft back
try convert -q -f kept.heft back --shard 1GB
ls back
try convert -q -f set set --shard 32kB
ls set
mkdir own
cp demo.safetensors own/model.safetensors
try convert -q -f own/model.safetensors own --shard 16kB
cmp demo.safetensors own/model.safetensors && echo the input is untouched
try convert -q demo.safetensors named.safetensors --shard 24kB
ls named*
try convert demo.safetensors x.heft --shard 1MB
try convert demo.safetensors nowhere/x.safetensors --shard 1MB
try convert demo.safetensors - --to safetensors --shard 1MB
"$HEFT" inspect --json . | grep '"format"'
for set in missing-tensor extra-tensor name-leads-out missing-shard; do
	try digest "$FIXTURES/shards/$set" | sed "s|$FIXTURES/||"
done
ls -A
