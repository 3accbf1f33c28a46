# SPDX-License-Identifier: Apache-2.0
"""D1-4, D1-7: what the digests depend on, and what they do not."""
import json
import os
import subprocess

import pytest

HEFT = os.environ.get("HEFT", "heft")
MODEL = """heft-text 1
tensor "b" U8 [64]
  fill aa x64
tensor "a" F32 [2]
  values 1 2
tensor "c" F32 [2]
  values 1 2
meta {"format":"pt"}
section 0x00000abc hex 01
"""
A = 'tensor "a" F32 [2]\n  values 1 2\n'
B = 'tensor "b" U8 [64]\n  fill aa x64\n'
# Changed text: whether the weights digest, and whether the artifact digest stays.
CHANGES = {
    "alignment": ("heft-text 1", "heft-text 1\nalign 4096", True, True),
    "coded": ("[64]\n  fill aa x64\n", "[64] coded\n  fill aa x64\n  chunk zstd\n", True, True),
    "sharing": ('"c" F32 [2]\n  values 1 2\n', '"c" F32 [2] share="a"\n', True, True),
    "layout section": ("section 0x00000abc hex 01", "section 0x00000abc hex 01\nsection 0x40000abc hex 02", True, True),
    "a later generation": ("section 0x00000abc hex 01", "section 0x00000abc hex 02\ngeneration\nsection 0x00000abc hex 01",
                           True, True),
    "order": (B + A, A + B, True, False),
    "tie": ('"c" F32 [2]\n  values 1 2\n', '"c" F32 [2] tie="a"\n', True, False),
    "metadata": ('"pt"', '"np"', True, False),
    "white space of the metadata": ('{"format":', '{ "format":', True, False),
    "content section": ("hex 01", "hex 02", True, False),
    "another space": ('"c" F32 [2]', '"c" F32 [2] space=state', False, False),
    "value": ("values 1 2", "values 1 3", False, False),
    "sign of zero": ("values 1 2", "values 1 -0", False, False),
    "name": ('"c"', '"d"', False, False),
    "dtype": ('"a" F32 [2]\n  values 1 2', '"a" I32 [2]\n  hex 0000803f 00000040', False, False),
    "shape": ('"a" F32 [2]', '"a" F32 [2,1]', False, False),
}


def digests(folder, text):
    (folder / "x.text").write_text(text)
    subprocess.run([HEFT, "pack", "-f", folder / "x.text", folder / "x.heft"], check=True)
    run = subprocess.run([HEFT, "verify", "--json", folder / "x.heft"], stdout=subprocess.PIPE, check=True)
    found = json.loads(run.stdout)
    return found["weights_digest"], found["artifact_digest"]


@pytest.mark.parametrize("change", CHANGES)
def test_digests_change_with_what_means_something(change, tmp_path):
    old, new, same_weights, same_artifact = CHANGES[change]
    assert old in MODEL
    before = digests(tmp_path, MODEL)
    after = digests(tmp_path, MODEL.replace(old, new, 1))
    assert (before[0] == after[0], before[1] == after[1]) == (same_weights, same_artifact)
