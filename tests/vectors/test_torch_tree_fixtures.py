# SPDX-License-Identifier: Apache-2.0
"""The fixtures of PyTorch's values: that the script makes them, and what heft says of them."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
HEFT = os.environ.get("HEFT", "heft")
VALID = sorted((FIXTURES / "valid").glob("torch-tree-*.pt"))
INVALID = sorted((FIXTURES / "invalid").glob("torch-tree-*.pt"))


def stem(path):
    return path.stem


def run(*words):
    return subprocess.run([HEFT, *words], capture_output=True, text=True, check=False)


def test_the_script_makes_the_fixtures(tmp_path):
    subprocess.run([sys.executable, ROOT / "tests" / "vectors" / "make_torch_tree.py", tmp_path], check=True)
    made = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    there = {p.relative_to(FIXTURES) for p in FIXTURES.rglob("torch-tree-*")}
    assert set(made) == there
    for path, content in made.items():
        assert (FIXTURES / path).read_bytes() == content, path


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_has_the_expected_digest(path):
    told = run("digest", path)
    assert told.returncode == 0, told.stderr
    assert ["ok", told.stdout.split()[0]] == path.with_suffix(".expect").read_text().split()
    assert run("verify", path).returncode == 0


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_keeps_its_metadata_in_a_heft_file(tmp_path, path):
    kept = tmp_path / "kept.heft"
    assert run("convert", path, kept, "--compress=fast").returncode == 0
    assert run("verify", kept).returncode == 0


@pytest.mark.parametrize("path", INVALID, ids=stem)
def test_an_invalid_file_is_refused_at_its_offset(path):
    told = run("digest", path)
    offset = path.with_suffix(".expect").read_text().split()[-1]
    assert told.returncode == 3 and told.stdout == ""
    assert f"(at byte {offset})" in told.stderr
