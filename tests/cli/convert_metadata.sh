#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Metadata that safetensors cannot hold keeps a heft file out, unless it is left behind.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
"$HEFT" convert -q demo.safetensors demo.heft
"$HEFT" edit -q demo.heft --set-json 'labels=["cat", "dog"]'
try convert demo.heft out.safetensors
try convert demo.heft out.safetensors --no-metadata
"$HEFT" inspect out.safetensors 'head.*'
"$HEFT" edit -q demo.heft --unset labels --set license=MIT
try convert demo.heft out.safetensors -f
"$HEFT" inspect out.safetensors 'head.*'
