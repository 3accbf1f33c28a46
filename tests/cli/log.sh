#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a file tells of its past, and whether it is so.
. "$(dirname "$0")/shared/make.sh"

# lineage.text was made from spec/lineage.md alone; its last step gave the weights in it.
cp "$(dirname "$0")/shared/lineage.text" .
"$HEFT" pack lineage.text tuned.heft
try log tuned.heft
try log --all tuned.heft
try log --json tuned.heft
try verify tuned.heft
sed 's/"accuracy\\":0.9375/"accuracy\\":0.93750/' lineage.text >spaced.text
"$HEFT" pack spaced.text spaced.heft
try log spaced.heft
try verify spaced.heft
sed 's/"loss\\":0.5,/"loss\\":0.25,/' lineage.text >changed.text
"$HEFT" pack changed.text changed.heft
try verify changed.heft
try verify --json changed.heft
sed 's/values 1 2 3 4/values 1 2 3 5/' lineage.text >other.text
"$HEFT" pack other.text other.heft
try log other.heft | head -n 2
try verify other.heft
sed '/^section LINEAGE/d' lineage.text >alone.text
"$HEFT" pack alone.text alone.heft
try log alone.heft
try verify alone.heft
cp tuned.heft edited.heft
try edit --set note=a edited.heft
try log edited.heft | head -n 2
try edit --rename fc.weight=w edited.heft
try log edited.heft
try verify edited.heft
cp "$FIXTURES/demo.safetensors" .
try log demo.safetensors
try log --json demo.safetensors
try log nofile
