#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The programs of examples/, which use the shared library and the public headers as others do.
"$EXAMPLES/list" "$FIXTURES/demo.safetensors"
"$EXAMPLES/write" a.heft heft >a.digest
"$EXAMPLES/write" a.safetensors safetensors >s.digest
cat a.digest
cmp a.digest s.digest
"$HEFT" digest a.heft | cut -c 1-64 | cmp - a.digest && echo "the same digest"
"$HEFT" inspect a.heft | grep -A1 metadata
"$EXAMPLES/map" a.heft linear.weight
"$EXAMPLES/map" a.heft linear.bias
"$EXAMPLES/map" "$FIXTURES/demo.safetensors" embeddings.position_ids
"$EXAMPLES/convert" "$FIXTURES/demo.safetensors" half.heft 2>progress
tail -c 6 progress | tr '\r' '\n'
"$HEFT" verify half.heft >verified && echo verifies
"$EXAMPLES/map" a.heft nothing 2>&1 || echo "exit $?"
"$EXAMPLES/list" nofile 2>&1 || echo "exit $?"
"$EXAMPLES/verify" a.heft
"$EXAMPLES/verify" a.safetensors "$(cat a.digest)"
"$EXAMPLES/verify" half.heft "$(cat a.digest)" || echo "exit $?"
# The first value of linear.weight.
printf 'X' | dd of=a.heft bs=1 seek=8192 conv=notrunc 2>/dev/null
"$EXAMPLES/verify" a.heft || echo "exit $?"
"$EXAMPLES/verify" nofile 2>&1 || echo "exit $?"
"$EXAMPLES/tune" "$FIXTURES/digits.onnx" "$FIXTURES/digits.npz" tuned.heft epochs 2 split 0.1
"$EXAMPLES/tune" "$FIXTURES/digits.onnx" nofile tuned.heft 2>&1 || echo "exit $?"
