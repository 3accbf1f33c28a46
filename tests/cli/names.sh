#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Names that would break a line or be obeyed by a terminal are escaped, as sha256sum does.
. "$(dirname "$0")/shared/make.sh"
tensor() { printf '"%s":{"dtype":"U8","shape":[],"data_offsets":[%d,%d]}' "$1" "$2" $(($2 + 1)); }
safetensors "{$(tensor 'a\nb' 0),$(tensor 'back\\slash' 1),$(tensor '\u001b[31mred' 2),$(tensor '\u202eder' 3),$(tensor 'größe.重み' 4),$(tensor 'plain' 5)}" 6 >names.safetensors
COLUMNS=80 "$HEFT" inspect names.safetensors
"$HEFT" inspect --json names.safetensors
cp names.safetensors "$(printf 'odd\nname')"
"$HEFT" digest "$(printf 'odd\nname')"
"$HEFT" digest --tensors names.safetensors
try verify "$(printf 'no\nfile')"
