#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A file that is what it states, and one that is not.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
"$HEFT" convert -q demo.safetensors demo.heft
try verify demo.heft
try verify --json demo.heft
try verify demo.safetensors
try verify --json demo.safetensors
cp demo.heft bad.heft
damage bad.heft 8200
try verify bad.heft
try verify --json bad.heft
cp demo.heft bad.heft
damage bad.heft 100
try verify bad.heft
head -c 20000 demo.heft >cut.heft
try verify cut.heft
printf x >>demo.heft
try verify demo.heft
"$HEFT" verify nofile
