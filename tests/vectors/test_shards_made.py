# SPDX-License-Identifier: Apache-2.0
"""fixtures/shards is what make_shards.py makes."""
import pathlib

import make_shards

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "shards"


def test_the_sets_are_what_the_script_makes():
    there = {str(path.relative_to(FOLDER)): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    assert there == make_shards.made()
