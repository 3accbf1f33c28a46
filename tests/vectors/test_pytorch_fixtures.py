# SPDX-License-Identifier: Apache-2.0
"""The PyTorch fixtures: that the script makes them, and what heft says of them."""
import pytest
from fixture_checks import check_digest, check_made, check_refused, invalid, run, stem, valid

VALID = valid("pytorch-*.pt")
INVALID = invalid("pytorch-*.pt")


def test_the_script_makes_the_fixtures(tmp_path):
    check_made("make_pytorch.py", "pytorch-", tmp_path)


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_has_the_expected_digest(path):
    check_digest(path)
    assert run("verify", path).returncode == 0


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_a_valid_file_keeps_its_digest_in_a_heft_file(tmp_path, path):
    kept = tmp_path / "kept.heft"
    assert run("convert", path, kept, "--compress=fast").returncode == 0
    assert run("digest", kept).stdout.split()[0] == run("digest", path).stdout.split()[0]


@pytest.mark.parametrize("path", INVALID, ids=stem)
def test_an_invalid_file_is_refused_at_its_offset(path):
    check_refused(path)
