# SPDX-License-Identifier: Apache-2.0
"""The safetensors fixtures: that the script makes them, what heft says of them, and what the library says."""
import pathlib
import subprocess
import sys

import pytest
import safetensors

from peers import HEFT, IDS, digest, heft, read, weights_digest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
VALID = sorted((FIXTURES / "valid").glob("*.safetensors"))
INVALID = sorted((FIXTURES / "invalid").glob("*.safetensors"))

# What the library takes and heft does not: spec/foreign/safetensors.md, section 8, and what a heft file cannot hold.
STRICTER = {
    "entry-is-an-array": True,
    "header-begins-with-space": True,
    "header-ends-with-newline": True,
    "metadata-key-twice": True,
    "name-too-long": True,
    "name-twice": True,
    "name-twice-escaped": True,
    "name-with-nul": True,
    "rank-33": True,
    "shape-beside-zero-wraps": True,
}


def stem(path):
    return path.stem


def test_the_script_makes_the_fixtures(tmp_path):
    subprocess.run([sys.executable, ROOT / "tests" / "vectors" / "make_safetensors.py", tmp_path], check=True)
    made = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert made
    for path, content in made.items():
        assert (FIXTURES / path).read_bytes() == content, path


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_has_the_expected_digest_and_comes_back(tmp_path, path):
    want = path.with_suffix(".expect").read_text().split()
    assert want[0] == "ok" and digest(path) == want[1]
    heft("convert", path, tmp_path / "kept.heft", "--compress=fast")
    heft("convert", tmp_path / "kept.heft", tmp_path / "back.safetensors")
    assert digest(tmp_path / "kept.heft") == want[1]
    assert (tmp_path / "back.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_the_library_takes_a_valid_file_too(tmp_path, path):
    seen = read(path)
    if seen:
        # Other names, so that heft does not restore the file but writes it anew.
        heft("convert", path, tmp_path / "anew.safetensors", "--rename", "*=x.*")
        assert read(tmp_path / "anew.safetensors") == {f"x.{name}": t for name, t in seen.items()}
    if all(dtype in IDS for dtype, _, _ in seen.values()):
        assert weights_digest(seen) == path.with_suffix(".expect").read_text().split()[1]


@pytest.mark.parametrize("path", INVALID, ids=stem)
def test_an_invalid_file_is_refused_with_a_word(path):
    done = subprocess.run([HEFT, "inspect", path], capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stdout == "" and done.stderr.count("\n") >= 1


@pytest.mark.parametrize("path", INVALID, ids=stem)
def test_the_library_refuses_it_too_but_for_what_is_told(path):
    try:
        safetensors.deserialize(path.read_bytes())
        takes = True
    except safetensors.SafetensorError:
        takes = False
    assert takes == STRICTER.get(path.stem, False)
