#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# aarch64.sh - what is computed on AArch64, under qemu-user, are the bits that this machine computes: every
# row of the operators, the kernels against their definitions, and three models. Called by
# tools/test.sh --cross, which installs what it needs.
set -eu

: "${HEFT:?names the command of this machine}" "${HEFT_CROSS:?names the build folder for AArch64}" "${PYTHON:?}"
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
on() { qemu-aarch64 -L /usr/aarch64-linux-gnu "$@"; }

echo "operators: every row"
BITS=check ROWS=$here/tests/unit/op_rows CK_FORK=no on "$HEFT_CROSS/tests/unit/test_graph_ops" | tail -n 1

for kernel in philox transpose sum norm pooling product_reference; do
	echo "kernel: $kernel"
	CK_FORK=no CK_DEFAULT_TIMEOUT=0 on "$HEFT_CROSS/tests/unit/test_kernel_$kernel" >"$work/log" || {
		grep '^not ok' "$work/log"
		exit 1
	}
done

"$PYTHON" -c 'import torch' 2>/dev/null || {
	echo "models: torch is not installed, so there are none"
	exit 0
}
"$PYTHON" "$here/tests/interop/export_models.py" "$work/models" lenet mobilenet_v2 lstm >/dev/null
"$PYTHON" - "$work" <<'END'
import sys, numpy
for name, shape in {"lenet": (1, 1, 28, 28), "mobilenet_v2": (1, 3, 32, 32), "lstm": (1, 20, 40)}.items():
    numpy.save(f"{sys.argv[1]}/{name}.npy", numpy.random.default_rng(1).standard_normal(shape).astype("f4"))
END
for model in lenet mobilenet_v2 lstm; do
	echo "model: $model"
	"$HEFT" run "$work/models/$model.onnx" --input "$work/$model.npy" --output-dir "$work/here"
	on "$HEFT_CROSS/tools/heft" run -j1 "$work/models/$model.onnx" --input "$work/$model.npy" --output-dir "$work/there"
	cmp "$work/here/output.npy" "$work/there/output.npy"
	rm -r "$work/here" "$work/there"
done
