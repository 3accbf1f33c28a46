#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is in a file: facts, metadata, a table that fits COLUMNS where there is no terminal.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
"$HEFT" inspect demo.safetensors
echo ---
COLUMNS=50 "$HEFT" inspect demo.safetensors
echo ---
COLUMNS=10 "$HEFT" inspect demo.safetensors 'encoder.0.norm.*'
echo ---
try inspect demo.safetensors 'encoder.0.norm'
"$HEFT" convert -q demo.safetensors demo.heft
"$HEFT" inspect demo.heft '*.bias'
echo ---
safetensors '{}' 0 >empty.safetensors
"$HEFT" inspect empty.safetensors
