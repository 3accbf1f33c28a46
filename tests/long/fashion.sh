#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fashion.sh - Fashion-MNIST as Debian's dataset-fashion-mnist lays it down: a small convolutional network from first
# values has at least 0.91 of the test images right behind ten epochs of Adam; and one that knows the classes 0 to 4
# learns 5 to 9 from a tenth of the data, its head alone, to at least 0.92.
set -eu

: "${HEFT:?names the command}" "${PYTHON:?}"
here=$(cd "$(dirname "$0")/../.." && pwd)
data=/usr/share/datasets/fashion-mnist
[ -d $data ] || {
	echo "dataset-fashion-mnist is not installed: nothing is trained"
	exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# accuracy FILE DATA - of `heft eval`.
accuracy() { "$HEFT" eval "$1" --data "$2" --json | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["metrics"]["accuracy"])'; }

# at_least NUMBER WANTED WHAT
at_least()
{
	echo "$3: $1 (at least $2)"
	"$PYTHON" -c "import sys; sys.exit(not $1 >= $2)"
}

"$PYTHON" "$here/tests/interop/make_digits_model.py" --fashion "$work"
"$HEFT" init "$work/fashion.onnx" "$work/first.heft" --seed 3 -q
"$HEFT" tune "$work/first.heft" --data $data --optimizer adam --lr 1e-3 --schedule cosine --epochs 10 --batch 64 --split 0.02 \
	-o "$work/all.heft" -q
at_least "$(accuracy "$work/all.heft" $data/t10k)" 0.91 "ten classes"

"$PYTHON" - "$data" "$work" <<'END'
import gzip, pathlib, sys
import numpy

def read(name):
    path = pathlib.Path(sys.argv[1]) / name
    data = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    return numpy.frombuffer(data, numpy.uint8)

work = pathlib.Path(sys.argv[2])
for side in ("train", "t10k"):
    y = read(f"{side}-labels-idx1-ubyte")[8:]
    x = read(f"{side}-images-idx3-ubyte")[16:].reshape(len(y), 1, 28, 28)
    low, high = numpy.flatnonzero(y < 5), numpy.flatnonzero(y >= 5)
    high = high[:: 10 if side == "train" else 1]
    numpy.savez(work / f"{side}-low.npz", x=x[low], y=y[low].astype("i8"))
    numpy.savez(work / f"{side}-high.npz", x=x[high], y=y[high].astype("i8") - 5)
END
"$HEFT" tune "$work/first.heft" --data "$work/train-low.npz" --optimizer adam --lr 1e-3 --epochs 4 --batch 64 --head 5 \
	-o "$work/low.heft" -q
"$HEFT" tune "$work/low.heft" --data "$work/train-high.npz" --optimizer adam --lr 3e-3 --epochs 40 --batch 64 --head 5 \
	--freeze 'conv*' -o "$work/high.heft" -q
at_least "$(accuracy "$work/high.heft" "$work/t10k-high.npz")" 0.92 "five others, from a tenth of the data"
