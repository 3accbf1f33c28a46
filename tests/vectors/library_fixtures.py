# SPDX-License-Identifier: Apache-2.0
"""What make_by_torch.py and make_by_onnx.py share: files that those libraries wrote, and what each holds.

Beside NAME.EXTENSION stands NAME.expect: "ok" and the weights digest by spec/digest.md, then a line a tensor in the
file's order: space, dtype, shape, tensor digest, name.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import peers  # noqa: E402


def put(folder, name, data, tensors):
    """tensors: [(space, name, dtype name, shape, bytes)], from the library and the specification alone."""
    assert len(data) <= 1 << 16, f"{name} has {len(data)} bytes"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    weights = {name: (dtype, shape, data) for space, name, dtype, shape, data in tensors if space == "weights"}
    lines = [f"ok {peers.weights_digest(weights)}"]
    for space, name, dtype, shape, told in peers.in_words(tensors):
        lines.append(f"{space} {dtype} {','.join(map(str, shape)) or '-'} {told} {name}")
    path.with_suffix(".expect").write_text("\n".join(lines) + "\n")


def out_folder():
    return pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "fixtures") / "valid"
