#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How two files differ: the answer and the counts, the most changed tensors, what is in one file alone.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
"$HEFT" convert -q demo.safetensors demo.heft
try diff demo.safetensors demo.heft
try diff --quiet demo.safetensors demo.heft
# The last bytes of the file are embeddings.token.weight's.
cp demo.safetensors tuned.safetensors
damage tuned.safetensors 42000
damage tuned.safetensors 42001
damage tuned.safetensors 30001
try diff demo.safetensors tuned.safetensors
try diff demo.heft tuned.safetensors 'embeddings.*' --exclude '*.position*'
try diff --json demo.safetensors tuned.safetensors
"$HEFT" convert -q tuned.safetensors other.heft --dtype-of '*.norm.weight=F16' --rename 'head.*=tail.*' --exclude '*.bias'
"$HEFT" edit -q other.heft --set 'license="MIT"' --unset model
echo ---
COLUMNS=80 "$HEFT" diff demo.safetensors other.heft
echo ---
COLUMNS=60 "$HEFT" diff --by-content demo.safetensors other.heft
try diff --by-content --json other.heft demo.heft
"$HEFT" diff -q - demo.heft <demo.safetensors
echo "exit $?"
try diff - - </dev/null
try diff demo.heft
try diff demo.heft other.heft 'nothing.*'
try diff demo.heft nofile
