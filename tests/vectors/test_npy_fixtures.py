# SPDX-License-Identifier: Apache-2.0
"""The .npy fixtures: that the script makes them, and what heft says of them."""
import pytest
from fixture_checks import check_digest, check_made, check_refused, invalid, run, stem, valid

VALID = valid("npy-*.npy")
INVALID = invalid("npy-*.npy")
# Their data is not the bytes of one tensor: spec/foreign/npy.md, N6-3.
WITHOUT_RECIPE = {"npy-record", "npy-record-version-3"}


def test_the_script_makes_the_fixtures(tmp_path):
    check_made("make_npy.py", "npy-", tmp_path)


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_has_the_expected_digest(path):
    check_digest(path)


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
    check_refused(path)
