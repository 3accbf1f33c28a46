# SPDX-License-Identifier: Apache-2.0
"""The ONNX fixtures: that the script makes them, and what heft says of them."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
HEFT = os.environ.get("HEFT", "heft")
VALID = sorted((FIXTURES / "valid").glob("onnx-*.onnx"))
INVALID = sorted((FIXTURES / "invalid").glob("onnx-*.onnx"))
# Their first fields tell no model: O1-1.
NOT_TOLD = {"onnx-graph-is-a-number", "onnx-no-graph"}


def stem(path):
    return path.stem


def run(*words):
    return subprocess.run([HEFT, *words], capture_output=True, text=True, check=False)


def test_the_script_makes_the_fixtures(tmp_path):
    subprocess.run([sys.executable, ROOT / "tests" / "vectors" / "make_onnx.py", tmp_path], check=True)
    made = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    there = {p.relative_to(FIXTURES) for p in FIXTURES.rglob("onnx-*")}
    assert set(made) == there
    for path, content in made.items():
        assert (FIXTURES / path).read_bytes() == content, path


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_has_the_expected_digest(path):
    told = run("digest", path)
    assert told.returncode == 0, told.stderr
    assert ["ok", told.stdout.split()[0]] == path.with_suffix(".expect").read_text().split()


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_keeps_its_digest_through_a_heft_file(tmp_path, path):
    kept, back = tmp_path / "kept.heft", tmp_path / "back.onnx"
    for a, b in ((path, kept), (kept, back)):
        told = run("convert", a, b)
        assert told.returncode == 0, told.stderr
    assert run("digest", back).stdout.split()[0] == path.with_suffix(".expect").read_text().split()[1]


@pytest.mark.parametrize("path", INVALID, ids=stem)
def test_an_invalid_file_is_refused_at_its_offset(path):
    told = run("digest", path)
    status, offset = path.with_suffix(".expect").read_text().split()
    assert told.returncode == 3 and told.stdout == ""
    assert f"(at byte {0 if path.stem in NOT_TOLD else offset})" in told.stderr
