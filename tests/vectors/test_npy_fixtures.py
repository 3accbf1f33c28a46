# SPDX-License-Identifier: Apache-2.0
"""The .npy fixtures: that the script makes them, and what heft says of them."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
HEFT = os.environ.get("HEFT", "heft")
VALID = sorted((FIXTURES / "valid").glob("npy-*.npy"))
INVALID = sorted((FIXTURES / "invalid").glob("npy-*.npy"))
# Their data is not the bytes of one tensor: spec/foreign/npy.md, N6-3.
WITHOUT_RECIPE = {"npy-record", "npy-record-version-3"}


def stem(path):
    return path.stem


def run(*words):
    return subprocess.run([HEFT, *words], capture_output=True, text=True, check=False)


def test_the_script_makes_the_fixtures(tmp_path):
    subprocess.run([sys.executable, ROOT / "tests" / "vectors" / "make_npy.py", tmp_path], check=True)
    made = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    there = {p.relative_to(FIXTURES) for p in FIXTURES.rglob("npy-*")}
    assert set(made) == there
    for path, content in made.items():
        assert (FIXTURES / path).read_bytes() == content, path


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_has_the_expected_digest(path):
    told = run("digest", path)
    assert told.returncode == 0, told.stderr
    assert ["ok", told.stdout.split()[0]] == path.with_suffix(".expect").read_text().split()


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_comes_back_byte_for_byte(tmp_path, path):
    kept, back = tmp_path / "kept.heft", tmp_path / "back.npy"
    assert run("convert", path, kept, "--compress=fast").returncode == 0
    told = run("convert", kept, back)
    if path.stem in WITHOUT_RECIPE:
        assert told.returncode == 2 and "--to npz" in told.stderr
    elif told.returncode != 0:
        assert "there are 0" in told.stderr  # a record without fields
    else:
        assert back.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", INVALID, ids=stem)
def test_an_invalid_file_is_refused_at_its_offset(path):
    told = run("digest", path)
    status, offset = path.with_suffix(".expect").read_text().split()
    assert told.returncode == 3 and told.stdout == ""
    assert f"(at byte {offset})" in told.stderr
