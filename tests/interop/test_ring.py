# SPDX-License-Identifier: Apache-2.0
"""One model through all formats: names, shapes, dtypes, order and digest survive between any two, and around the ring."""

import itertools

import pytest

from peers import digest, expected, heft, inspect, random, random_array, refused, told, weights_digest, write

# What all of them can hold.
DTYPES = ["F32", "F16", "F64", "I64", "I32", "I16", "I8", "U8", "U16", "U32", "U64", "BOOL", "C64"]
EXTENSIONS = ["heft", "safetensors", "npz", "onnx", "pt"]


@pytest.fixture
def arrays(random):
    made = {}
    for i, (dtype, shape) in enumerate(itertools.product(DTYPES, [(), (3,), (0, 2), (4, 5), (2, 3, 4)])):
        # Names that sort otherwise than they stand.
        made[f"layer.{i * 37 % 65}.{dtype.lower()}"] = (dtype, random_array(random, dtype, shape))
    made["large"] = ("F32", random_array(random, "F32", (700, 501)))
    return made


def test_a_model_goes_around_the_ring(tmp_path, arrays):
    write(tmp_path / "0.safetensors", arrays)
    want = weights_digest(expected(arrays))
    tensors = told(tmp_path / "0.safetensors")
    before = tmp_path / "0.safetensors"
    for i, extension in enumerate(["onnx", "pt", "npz", "heft", "safetensors"], 1):
        path = tmp_path / f"{i}.{extension}"
        heft("convert", before, path)
        assert digest(path) == want, extension
        assert told(path) == tensors, extension
        before = path
    assert before.read_bytes() == (tmp_path / "0.safetensors").read_bytes()


@pytest.mark.parametrize("first", EXTENSIONS)
def test_a_model_goes_from_any_format_to_any_other(tmp_path, arrays, first):
    write(tmp_path / "in.safetensors", arrays)
    tensors = told(tmp_path / "in.safetensors")
    heft("convert", tmp_path / "in.safetensors", tmp_path / f"first.{first}")
    for second in EXTENSIONS:
        for options in [], ["--threads=3"]:
            heft("convert", "-f", *options, tmp_path / f"first.{first}", tmp_path / f"second.{second}")
            assert told(tmp_path / f"second.{second}") == tensors, second


@pytest.mark.parametrize("second", EXTENSIONS)
def test_metadata_of_texts_goes_along_or_the_command_says_that_it_cannot(tmp_path, random, second):
    for first in EXTENSIONS:
        if first == "npz":
            continue
        write(tmp_path / "in.safetensors", {"w": ("F32", random_array(random, "F32", (3,)))}, {"license": "MIT", "a b": "ü"})
        source, out = tmp_path / f"first.{first}", tmp_path / f"second.{second}"
        heft("convert", "-f", tmp_path / "in.safetensors", source)
        if second == "npz":
            out.unlink(missing_ok=True)
            refused("convert", source, out, status=2, words=["--no-metadata"])
            assert not out.exists()
            heft("convert", source, out, "--no-metadata")
        else:
            heft("convert", "-f", source, out)
            heft("convert", "-f", out, tmp_path / "back.safetensors")
            assert (
                inspect(tmp_path / "back.safetensors")["metadata"] == inspect(out)["metadata"] == {"license": "MIT", "a b": "ü"}
            )
            assert told(tmp_path / "back.safetensors") == told(tmp_path / "in.safetensors")
        assert digest(out) == digest(source)


NARROW = {"BF16": {"npz"}, "F8_E4M3": {"npz"}, "F8_E8M0": {"npz"}}


@pytest.mark.parametrize("dtype", NARROW)
def test_a_dtype_that_a_format_has_not_is_told_before_anything_is_written(tmp_path, random, dtype):
    write(tmp_path / "in.safetensors", {"weight": (dtype, random_array(random, dtype, (3,)))})
    for extension in EXTENSIONS:
        out = tmp_path / f"out.{extension}"
        if extension in NARROW[dtype]:
            assert dtype in refused("convert", tmp_path / "in.safetensors", out, status=2)
            assert not out.exists()
        else:
            heft("convert", "-f", tmp_path / "in.safetensors", out)
            assert told(out) == told(tmp_path / "in.safetensors")
