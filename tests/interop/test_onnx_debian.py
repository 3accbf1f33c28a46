# SPDX-License-Identifier: Apache-2.0
"""Debian's libonnx-testdata: every model of the operator tests opens, and survives ONNX -> heft -> ONNX."""

import pathlib
from concurrent.futures import ThreadPoolExecutor

import pytest

onnx = pytest.importorskip("onnx")

from onnx_peer import logical, open_model, tensors_of_model, type_name  # noqa: E402
from peers import heft, in_words, told  # noqa: E402

ROOT = pathlib.Path("/usr/share/libonnx-testdata")
FOLDERS = sorted({path.parents[1] for path in ROOT.rglob("*.onnx")})

pytestmark = pytest.mark.skipif(not FOLDERS, reason="libonnx-testdata is not installed")


def is_raw(model):
    """No weight is in a typed field: the model comes back byte for byte."""
    graph = model.graph
    tensors = [*graph.initializer, *(a.t for node in graph.node for a in node.attribute if a.HasField("t"))]
    return all(t.HasField("raw_data") or 0 in t.dims or type_name(t) == "STRING" for t in tensors) and not any(
        a.HasField("g") or a.graphs or a.HasField("sparse_tensor") or a.name == "value_floats"
        for node in graph.node
        for a in node.attribute
    )


def accepted(path):
    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError:
        return False
    return True


def tried(path, tmp_path):
    made = open_model(path)
    tensors = tensors_of_model(made)
    assert told(path) == in_words(tensors), path
    kept, back = tmp_path / "kept.heft", tmp_path / "back.onnx"
    heft("convert", "-f", "--no-sync", path, kept)
    heft("convert", "-f", "--no-sync", kept, back)
    again = open_model(back)
    assert tensors_of_model(again) == tensors, path
    if is_raw(made):
        assert back.read_bytes() == path.read_bytes(), path
    assert accepted(back) == accepted(path), path
    for was, now in zip(made.graph.node, again.graph.node, strict=True):
        assert (was.op_type, was.name, was.input, was.output) == (now.op_type, now.name, now.input, now.output)
        for a, b in zip(was.attribute, now.attribute, strict=True):
            if a.HasField("t") and type_name(a.t) not in ("STRING", "UNDEFINED"):
                assert logical(a.t) == logical(b.t), path
    for field in ("input", "output", "value_info", "doc_string", "name"):
        assert getattr(made.graph, field) == getattr(again.graph, field), path


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_model_of_a_folder(tmp_path, folder):
    paths = sorted(folder.glob("*/*.onnx"))
    places = [tmp_path / str(i) for i in range(len(paths))]
    for place in places:
        place.mkdir()
    with ThreadPoolExecutor() as pool:
        assert len(list(pool.map(tried, paths, places))) == len(paths) > 0
