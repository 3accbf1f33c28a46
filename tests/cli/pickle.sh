#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pickles: what their values become, what wants to be run and is named instead, and PyTorch files that are
# written.
. "$(dirname "$0")/shared/make.sh"

cp "$FIXTURES/valid/pickle-protocol-4.pt" values.pt
try inspect --json values.pt

for name in stack-global-from-the-memo dotted-name named-and-dropped reconstructor-of-popen \
	a-module-by-a-good-module inst-of-another-class memo-above-the-offset no-stop; do
	cp "$FIXTURES/invalid/pickle-$name.pt" $name.pt
	try inspect $name.pt
done

cp "$FIXTURES/demo.safetensors" demo.safetensors
try convert -q demo.safetensors demo.pt
try inspect demo.pt
try digest demo.safetensors demo.pt
try verify demo.pt
try convert -q demo.pt back.safetensors
try convert -q --compress demo.safetensors small.pt
try convert -q demo.safetensors script.jit
try convert -q demo.safetensors - --to pytorch
cp "$FIXTURES/valid/pytorch-script.pt" script.pt
try convert -q script.pt weights.pt
try digest script.pt weights.pt
ls -A
