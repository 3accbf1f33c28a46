# SPDX-License-Identifier: Apache-2.0
"""Pickles that want something run, and broken ones: each is refused, where it should be, by name (K1-3, K1-4, K2-1 to K2-5)."""
import json

import make_pickle
import pytest
from fixture_checks import check_made, invalid, run, stem, valid

VALID = valid("pickle-*.pt")
INVALID = invalid("pickle-*.pt")


def test_the_script_makes_the_fixtures(tmp_path):
    check_made("make_pickle.py", "pickle-", tmp_path)


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_every_protocol_tells_the_same(path):
    told = run("inspect", "--json", path)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["metadata"] == make_pickle.METADATA


def refused(path):
    told = run("inspect", path)
    assert told.returncode == 3 and told.stdout == "", told.stderr
    return told.stderr


@pytest.mark.parametrize("path", INVALID, ids=stem)
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
