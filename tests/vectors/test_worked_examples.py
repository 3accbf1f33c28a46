# SPDX-License-Identifier: Apache-2.0
"""spec/digest.md shows what its own rules give, and so does the library (D1-1 to D1-5)."""
import os
import re
import subprocess

import worked_examples
from expect import ROOT

TEXT = """heft-text 1
tensor "b" BF16 [0,4]
tensor "a" F32 [2]
  values 1 2
meta {"format":"pt"}
"""


def test_the_page_shows_what_the_script_computes():
    page = (ROOT / "spec" / "digest.md").read_text()
    assert page.split("## Worked examples\n", 1)[1].lstrip("\n") == worked_examples.page()


def test_the_command_computes_the_same(tmp_path):
    heft = os.environ.get("HEFT", "heft")
    (tmp_path / "x.text").write_text(TEXT)
    subprocess.run([heft, "pack", tmp_path / "x.text", tmp_path / "x.heft"], check=True)
    shown = dict(re.findall(r"^    (weights|artifact) +([0-9a-f]{64})$", worked_examples.page(), re.M))
    out = subprocess.run([heft, "verify", tmp_path / "x.heft"], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert dict(re.findall(r"(weights|artifact) +([0-9a-f]{64})", out)) == shown
