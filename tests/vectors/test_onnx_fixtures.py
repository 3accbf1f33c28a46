# SPDX-License-Identifier: Apache-2.0
"""The ONNX fixtures: that the script makes them, and what heft says of them."""
import pytest
from fixture_checks import check_digest, check_made, check_refused, invalid, run, stem, valid

VALID = valid("onnx-*.onnx")
INVALID = invalid("onnx-*.onnx")
# Their first fields tell no model: O1-1.
NOT_TOLD = {"onnx-graph-is-a-number", "onnx-no-graph"}


def test_the_script_makes_the_fixtures(tmp_path):
    check_made("make_onnx.py", "onnx-", tmp_path)


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_has_the_expected_digest(path):
    check_digest(path)


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_keeps_its_digest_through_a_heft_file(tmp_path, path):
    kept, back = tmp_path / "kept.heft", tmp_path / "back.onnx"
    for a, b in ((path, kept), (kept, back)):
        told = run("convert", a, b)
        assert told.returncode == 0, told.stderr
    assert run("digest", back).stdout.split()[0] == path.with_suffix(".expect").read_text().split()[1]


@pytest.mark.parametrize("path", INVALID, ids=stem)
def test_an_invalid_file_is_refused_at_its_offset(path):
    check_refused(path, 0 if path.stem in NOT_TOLD else None)
