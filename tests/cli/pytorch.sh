#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PyTorch files: what is in them, what they become, what is refused and what the refusal says.
. "$(dirname "$0")/shared/make.sh"

VALID=$FIXTURES/valid
INVALID=$FIXTURES/invalid

for name in views views-big-endian deflated legacy script; do
	cp "$VALID/pytorch-$name.pt" $name.pt
done

try inspect views.pt
try inspect script.pt
try digest views.pt views-big-endian.pt deflated.pt legacy.pt
try verify views.pt
try verify deflated.pt
try convert -q legacy.pt kept.heft
try digest kept.heft
try convert -q views.pt out.safetensors
try diff views.pt out.safetensors

# A byte of a record is another one.
{ head -c 1700 views.pt && printf x && tail -c +1702 views.pt; } >damaged.pt
try verify damaged.pt
try digest damaged.pt

for name in lone-pickle tar byteorder short-record two-folders legacy-cut-short; do
	cp "$INVALID/pytorch-$name.pt" $name.pt
	try inspect $name.pt
done
ls -A
