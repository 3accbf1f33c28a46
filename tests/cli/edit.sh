#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Metadata, in place: the weights stay, the artifact digest does not.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
"$HEFT" convert -q demo.safetensors demo.heft
weights=$("$HEFT" digest demo.heft)
artifact=$("$HEFT" digest --artifact demo.heft)
try edit demo.heft --set license=MIT --set 'quote="\=' --unset model --set-json 'labels=["cat", {"n": 2}]' --set 'ü=é'
"$HEFT" inspect demo.heft 'head.*'
test "$weights" = "$("$HEFT" digest demo.heft)" && echo same weights
test "$artifact" = "$("$HEFT" digest --artifact demo.heft)" || echo another artifact
"$HEFT" verify demo.heft >/dev/null && echo verifies
try verify --strict demo.heft
try verify --previous demo.heft
try edit demo.heft --unset nothing
try edit demo.heft --set-json 'a=[1'
printf none >none.txt
try edit none.txt --set a=b
try edit nofile.heft --set a=b
try compact demo.heft
try verify --strict demo.heft
"$HEFT" inspect demo.heft 'head.*'
