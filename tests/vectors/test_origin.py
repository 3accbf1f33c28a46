# SPDX-License-Identifier: Apache-2.0
"""When a recipe writes the file, and when the ordinary writer does."""
import os
import struct
import subprocess

import pytest

HEFT = os.environ.get("HEFT", "heft")
HEADER = b'{ "a": {"dtype":"F32","shape":[2],"data_offsets":[0,8]} }   '
SOURCE = struct.pack("<Q", len(HEADER)) + HEADER + struct.pack("<2f", 1, 2)


def convert(folder, origin):
    (folder / "x.text").write_text(f"""heft-text 1
tensor "a" F32 [2]
  values 1 2
origin {origin}
file "m.safetensors"
literal hex {SOURCE[:-8].hex()}
piece 0 0 8
""")
    subprocess.run([HEFT, "pack", folder / "x.text", folder / "x.heft"], check=True)
    subprocess.run([HEFT, "convert", "-q", folder / "x.heft", folder / "m.safetensors"], check=True)
    return (folder / "m.safetensors").read_bytes()


def test_a_recipe_gives_the_source_back(tmp_path):
    """No writer puts white space where this header has it."""
    assert convert(tmp_path, '"safetensors"') == SOURCE


@pytest.mark.parametrize("origin", ['"pytorch"', '"pickle"', '"onnx"', '"Safetensors"', '""',
                                    '"safetensors" list=' + 64 * "0", '"safetensors" meta=' + 64 * "1"])
def test_another_format_or_digest_leaves_the_recipe_unused(origin, tmp_path):
    """R7.2-2, R7.2-4: a recipe is used for the format that it names, and of those that carry no code."""
    written = convert(tmp_path, origin)
    assert written != SOURCE and written.endswith(SOURCE[-8:])
