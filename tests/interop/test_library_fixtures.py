# SPDX-License-Identifier: Apache-2.0
"""Files that torch and onnx wrote, kept as fixtures: read by heft where those libraries are not installed.

Beside each stands what the library says of it; tests/vectors/library_fixtures.py tells how.
"""

import pathlib

import pytest

from peers import digest, heft, told

FILES = sorted((pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "valid").glob("by-*.[op][nt]*"))
# A module whose class has tensors as attributes, and TorchScript, whose order is its own: the rest is compared in order.
UNORDERED = ("module", "ultralytics", "scripted", "traced")


def expectation(path):
    lines = path.with_suffix(".expect").read_text().splitlines()
    rows = [line.split(" ", 4) for line in lines[1:]]
    shapes = [() if row[2] == "-" else tuple(map(int, row[2].split(","))) for row in rows]
    return lines[0].split()[1], [(row[0], row[4], row[1], shape, row[3]) for row, shape in zip(rows, shapes)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_another_library_has_the_tensors_that_it_says(path):
    want, tensors = expectation(path)
    found = told(path)
    if any(word in path.stem for word in UNORDERED):
        found, tensors = sorted(found), sorted(tensors)
    assert found == tensors
    assert digest(path) == want
    heft("verify", path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_goes_to_heft_and_stays_the_same(tmp_path, path):
    heft("convert", path, tmp_path / "kept.heft", "--compress=fast")
    heft("verify", tmp_path / "kept.heft")
    assert told(tmp_path / "kept.heft") == told(path)


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".onnx"], ids=lambda path: path.stem)
def test_an_onnx_model_comes_back(tmp_path, path):
    heft("convert", path, tmp_path / "kept.heft")
    heft("convert", tmp_path / "kept.heft", tmp_path / "back.onnx")
    assert told(tmp_path / "back.onnx") == told(path)
    if not any(word in path.stem for word in ("typed", "unpacked", "runs", "constants", "sparse")):
        assert (tmp_path / "back.onnx").read_bytes() == path.read_bytes()
