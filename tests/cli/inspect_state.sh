#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A heft file that is not as it was written says so.
cp "$FIXTURES/demo.safetensors" demo.safetensors
"$HEFT" convert -q demo.safetensors demo.heft
"$HEFT" edit -q demo.heft --set license=MIT
printf 'half an update' >>demo.heft
"$HEFT" inspect demo.heft 'head.*'
"$HEFT" inspect demo.heft 'head.*' --json
