#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# aarch64.sh - what is computed on AArch64, under qemu-user, are the bits that this machine computes: every row of
# the operators, the kernels against their definitions and digests, golden runs of training, and the models of
# tests/interop/export_models.py. Called by tools/test.sh --cross, which installs and builds what it needs.
set -eu

: "${HEFT:?names the command of this machine}" "${HEFT_CROSS:?names the build folder for AArch64}" "${PYTHON:?}"
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What hangs is killed, because the emulator of Debian 12 (qemu-user 7.2) does not end at SIGTERM. It also hangs in
# pthread_create now and then, so that nothing here starts a thread.
on() { timeout -s KILL 1200 qemu-aarch64 -L /usr/aarch64-linux-gnu "$@"; }

# emulated NAME - runs a unit test and prints what it counted.
emulated()
{
	if CK_FORK=no CK_DEFAULT_TIMEOUT=0 on "$HEFT_CROSS/tests/unit/test_$1" >"$work/log" 2>&1; then
		echo "$1: $(grep -c '^ok' "$work/log") passed"
	else
		grep -v '^ok' "$work/log" || :
		echo "$1: failed"
		exit 1
	fi
}

BITS=check ROWS=$here/tests/unit/op_rows
export BITS ROWS
for test in graph_ops $(cd "$here/tests/unit" && ls test_kernel_*.c); do
	test=${test#test_}
	emulated "${test%.c}"
done
QUICK=1 FIXTURES=$here/fixtures VECTORS=$here/spec/vectors
export QUICK FIXTURES VECTORS
emulated train_golden

"$PYTHON" -c 'import torch' 2>/dev/null || {
	echo "models: torch is not installed, so there are none"
	exit 0
}
"$PYTHON" "$here/tests/interop/export_models.py" "$work/models" >/dev/null
# One row of each model's inputs, numbers drawn, images of 32 x 32 where any size will do: emulated, a multiplication
# takes fifty times as long.
"$PYTHON" - "$here/tests/interop" "$work" <<'END'
import pathlib, sys
sys.path.insert(0, sys.argv[1])
import export_models, numpy

work = pathlib.Path(sys.argv[2])
for name, (_, example, inputs) in export_models.MODELS.items():
    options = []
    for (key, free), value in zip(inputs.items(), example()):
        array = value[:1].numpy()
        if array.dtype == numpy.float32:
            array = numpy.random.default_rng(1).standard_normal(array.shape).astype("f4")
        if 3 in free:
            array = array[:, :, :32, :32]
        numpy.save(work / f"{name}-{key}.npy", array)
        options.append(f"--input={key}={work}/{name}-{key}.npy")
    (work / f"{name}.options").write_text(" ".join(options))
END
for model in "$work"/models/*.onnx; do
	name=$(basename "$model" .onnx)
	# shellcheck disable=SC2046 # several words
	set -- "$model" $(cat "$work/$name.options") -q -f -o
	"$HEFT" run "$@" "$work/here.safetensors"
	on "$HEFT_CROSS/tools/heft" run -j1 "$@" "$work/there.safetensors"
	cmp "$work/here.safetensors" "$work/there.safetensors"
	echo "$name: the same $(wc -c <"$work/here.safetensors") bytes"
done
