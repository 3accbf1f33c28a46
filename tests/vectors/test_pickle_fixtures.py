# SPDX-License-Identifier: Apache-2.0
"""Pickles that want something run, and broken ones: each is refused, where it should be, by name (K1-3, K1-4, K2-1 to K2-5)."""
import json
import os
import pathlib
import subprocess
import sys

import make_pickle
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
HEFT = os.environ.get("HEFT", "heft")
VALID = sorted((FIXTURES / "valid").glob("pickle-*.pt"))
INVALID = sorted((FIXTURES / "invalid").glob("pickle-*.pt"))


def test_the_script_makes_the_fixtures(tmp_path):
    subprocess.run([sys.executable, ROOT / "tests" / "vectors" / "make_pickle.py", tmp_path], check=True)
    made = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    there = {p.relative_to(FIXTURES) for p in FIXTURES.rglob("pickle-*")}
    assert set(made) == there
    for path, content in made.items():
        assert (FIXTURES / path).read_bytes() == content, path


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_every_protocol_tells_the_same(path):
    told = subprocess.run([HEFT, "inspect", "--json", path], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["metadata"] == make_pickle.METADATA


def refused(path):
    told = subprocess.run([HEFT, "inspect", path], capture_output=True, text=True, check=False)
    assert told.returncode == 3 and told.stdout == "", told.stderr
    return told.stderr


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_a_pickle_is_refused_and_what_it_wants_is_named(path):
    _, offset, name = path.with_suffix(".expect").read_text().rstrip("\n").split(" ", 2)
    told = refused(path)
    assert f"(at byte {offset})" in told
    assert name == "-" or (f"'{name}'" in told and "nothing was run" in told)


@pytest.mark.parametrize("full, whole, offset", list(make_pickle.listed()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_call_is_refused_and_named(tmp_path, full, whole, offset):
    (tmp_path / "a.pt").write_bytes(whole)
    told = refused(tmp_path / "a.pt")
    assert f"'{full}'" in told and "nothing was run" in told and f"(at byte {offset})" in told
