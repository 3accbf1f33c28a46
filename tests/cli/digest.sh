#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The weights digest, from the data or as a heft file states it.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
"$HEFT" convert -q demo.safetensors demo.heft
try digest demo.safetensors demo.heft
try digest --tensors demo.safetensors
"$HEFT" digest --tensors demo.heft | sed 1d >computed
"$HEFT" digest --tensors --stored demo.heft | sed 1d >stored
cmp computed stored
try digest --stored demo.heft
try digest --stored demo.safetensors
try digest --artifact demo.heft
try digest --artifact demo.safetensors
echo nothing >text
try digest nofile demo.heft text demo.safetensors
try digest nofile
