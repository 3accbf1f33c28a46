#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Long values are shortened, whatever they hold; --json prints them whole.
. "$(dirname "$0")/shared/make.sh"
long=$(printf '%0500d' 0)
safetensors '{"__metadata__":{"short":"a b","quote":"\"}{\\","line":"a\nb","long":"'"$long"'"},"w":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}' 1 >m.safetensors
COLUMNS=60 "$HEFT" inspect m.safetensors
"$HEFT" inspect m.safetensors
"$HEFT" inspect --json m.safetensors
