#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# onnx_past_2gib.sh - a model of more than 2 GiB, which protobuf cannot hold, gets its bytes outside without being
# asked (spec/foreign/onnx.md, O5-5), and comes back. Needs the command in $HEFT and 7 GiB of disk.
set -eu

heft=${HEFT:?the command}
work=$(mktemp -d "${TMPDIR:-/tmp}/heft-2gib.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"

# Three tensors of zeros, 2.25 GiB together, in a sparse file; one small tensor behind them.
"${PYTHON:-python3}" - <<'EOF'
import json
import struct

size, header, at = 3 << 28, {}, 0
for name, n in [("a", size), ("b", size), ("c", size), ("small", 16)]:
    header[name] = {"dtype": "U8", "shape": [n], "data_offsets": [at, at + n]}
    at += n
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open("in.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    file.seek(at - 1, 1)
    file.write(b"\7")
EOF

digest() { "$heft" digest "$1" | cut -c 1-64; }

want=$(digest in.safetensors)
"$heft" convert --no-sync -q in.safetensors out.onnx
[ -f out.onnx.data ] || { echo "nothing lies outside"; exit 1; }
[ "$(wc -c <out.onnx)" -lt 10000 ] || { echo "the model is large"; exit 1; }
[ "$(digest out.onnx)" = "$want" ] || { echo "another digest"; exit 1; }
"$heft" convert --no-sync -q out.onnx back.heft
[ "$(digest back.heft)" = "$want" ] || { echo "another digest in heft"; exit 1; }
rm back.heft
"${PYTHON:-python3}" - <<'EOF'
try:
    import onnx
except ImportError:
    print("onnx is not installed: the checker is not asked")
else:
    onnx.checker.check_model("out.onnx")
EOF

# Below 2 GiB all stays inside.
"$heft" convert --no-sync -q -f --include a --include small in.safetensors less.onnx
[ ! -e less.onnx.data ] || { echo "a small model has its bytes outside"; exit 1; }
echo "ok"
