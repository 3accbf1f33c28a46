# SPDX-License-Identifier: Apache-2.0
"""heft beside the safetensors library, both ways, over every dtype that it knows."""
import json
import pathlib
import shutil
import struct
import subprocess

import ml_dtypes
import numpy
import pytest

import peers
from peers import DTYPES, HEFT, digest, expected, heft, inspect, random, random_array, read, weights_digest, write

SHAPES = [(), (0,), (1,), (7,), (3, 0, 5), (4, 6), (2, 3, 4, 5), (300, 1001)]


def every_shape(random, dtype):
    return {f"t.{i}": (dtype, random_array(random, dtype, shape)) for i, shape in enumerate(SHAPES)}


@pytest.mark.parametrize("dtype", DTYPES)
def test_heft_sees_what_the_library_wrote(random, tmp_path, dtype):
    arrays = every_shape(random, dtype)
    write(tmp_path / "in.safetensors", arrays, {"note": 'quotes " and ünïcode'})
    seen = inspect(tmp_path / "in.safetensors")
    assert seen["format"] == "safetensors"
    assert seen["metadata"] == {"note": 'quotes " and ünïcode'}
    assert seen["n_tensors"] == len(arrays)
    assert {t["name"]: (t["dtype"], tuple(t["shape"]), t["n_bytes"]) for t in seen["tensors"]} == {
        name: (dtype, a.shape, a.nbytes) for name, (dtype, a) in arrays.items()
    }


@pytest.mark.parametrize("compress", ["none", "fast", "best"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_file_of_the_library_comes_back_byte_for_byte(random, tmp_path, dtype, compress):
    source, kept, back = (tmp_path / name for name in ("in.safetensors", "kept.heft", "back.safetensors"))
    arrays = every_shape(random, dtype)
    write(source, arrays, {"b": "2", "a": "1"})
    heft("convert", source, kept, f"--compress={compress}")
    heft("verify", kept)
    heft("convert", kept, back)
    assert back.read_bytes() == source.read_bytes()
    assert digest(source) == digest(kept) == digest(back) == weights_digest(expected(arrays))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_library_reads_what_heft_wrote_itself(random, tmp_path, dtype):
    arrays = every_shape(random, dtype)
    write(tmp_path / "in.safetensors", arrays)
    heft("convert", tmp_path / "in.safetensors", tmp_path / "out.safetensors", "--rename", "t.*=model.*")
    assert read(tmp_path / "out.safetensors") == {
        name.replace("t.", "model."): tensor for name, tensor in expected(arrays).items()
    }


def test_heft_writes_the_bytes_that_the_library_writes(random, tmp_path):
    arrays = {
        f"{dtype}.{i}": (dtype, random_array(random, dtype, shape)) for dtype in DTYPES for i, shape in enumerate(SHAPES)
    }
    write(tmp_path / "in.safetensors", arrays, {"format": "pt"})
    write(tmp_path / "want.safetensors", {f"model.{name}": a for name, a in arrays.items()}, {"format": "pt"})
    want = (tmp_path / "want.safetensors").read_bytes()
    # Other names, so that the file is not restored but written anew.
    heft("convert", tmp_path / "in.safetensors", tmp_path / "out.safetensors", "--rename", "*=model.*")
    assert (tmp_path / "out.safetensors").read_bytes() == want
    command = [HEFT, "convert", tmp_path / "in.safetensors", "-", "--to", "safetensors", "--rename", "*=model.*"]
    assert subprocess.run(command, capture_output=True).stdout == want


def test_every_tensor_lies_at_a_multiple_of_its_element(random, tmp_path):
    order = ["U8", "F64", "BF16", "F32", "BOOL", "C64", "F16"]
    arrays = {dtype: (dtype, random_array(random, dtype, (3,))) for dtype in order}
    header, at = {}, 0
    for name, (dtype, a) in arrays.items():
        header[name] = {"dtype": dtype, "shape": [3], "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
    text = json.dumps(header).encode()
    data = b"".join(a.tobytes() for _, a in arrays.values())
    (tmp_path / "in.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    heft("convert", tmp_path / "in.safetensors", tmp_path / "out.safetensors", "--rename", "*=x.*")
    written = (tmp_path / "out.safetensors").read_bytes()
    n = struct.unpack("<Q", written[:8])[0]
    entries = json.loads(written[8 : 8 + n])
    assert list(entries) == [f"x.{name}" for name in order]
    for entry in entries.values():
        assert (8 + n + entry["data_offsets"][0]) % numpy.dtype(DTYPES[entry["dtype"]][1]).itemsize == 0
    command = [HEFT, "convert", tmp_path / "in.safetensors", "-", "--to", "safetensors", "--rename", "*=x.*"]
    assert subprocess.run(command, capture_output=True).stdout == written
    assert read(tmp_path / "out.safetensors") == {f"x.{name}": t for name, t in expected(arrays).items()}


def test_every_dtype_in_one_file_has_the_digest_of_the_specification(random, tmp_path):
    arrays = {f"{dtype}.weight": (dtype, random_array(random, dtype, (5, 8))) for dtype in DTYPES}
    write(tmp_path / "in.safetensors", arrays)
    heft("convert", tmp_path / "in.safetensors", tmp_path / "kept.heft", "--compress=fast")
    want = weights_digest(expected(arrays))
    assert digest(tmp_path / "in.safetensors") == want
    assert digest(tmp_path / "kept.heft") == want


def test_a_model_without_tensors_goes_both_ways(tmp_path):
    write(tmp_path / "in.safetensors", {}, {"empty": "yes"})
    heft("convert", tmp_path / "in.safetensors", tmp_path / "kept.heft")
    heft("convert", tmp_path / "kept.heft", tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == (tmp_path / "in.safetensors").read_bytes()
    assert digest(tmp_path / "kept.heft") == weights_digest({})


def test_names_of_every_kind_survive(random, tmp_path):
    names = ["a", "", "Ünïcode/日本", "with space", 'quo"te', "back\\slash", "new\nline", "tab\t", "\x7f", "x" * 1000]
    arrays = {name: ("F32", random_array(random, "F32", (3,))) for name in names if name}
    write(tmp_path / "in.safetensors", arrays)
    heft("convert", tmp_path / "in.safetensors", tmp_path / "kept.heft")
    assert [t["name"] for t in inspect(tmp_path / "kept.heft")["tensors"]] == [
        t["name"] for t in inspect(tmp_path / "in.safetensors")["tensors"]
    ]
    assert digest(tmp_path / "kept.heft") == weights_digest(expected(arrays))
    # Written anew, and not restored.
    heft("convert", tmp_path / "kept.heft", tmp_path / "out.safetensors", "--exclude", "a")
    del arrays["a"]
    assert read(tmp_path / "out.safetensors") == expected(arrays)


def test_a_tensor_of_several_chunks_goes_both_ways(random, tmp_path):
    arrays = {
        "large": ("F32", random_array(random, "F32", (3, 1 << 18))),
        "odd": ("U8", random_array(random, "U8", ((1 << 20) + 1,))),
        "zeros": ("BF16", numpy.zeros((1 << 20) + 7, ml_dtypes.bfloat16)),
    }
    write(tmp_path / "in.safetensors", arrays)
    for threads in (1, 3):
        heft("convert", "-j", threads, tmp_path / "in.safetensors", tmp_path / f"{threads}.heft", "--compress=fast")
    assert (tmp_path / "1.heft").read_bytes() == (tmp_path / "3.heft").read_bytes()
    heft("convert", tmp_path / "1.heft", tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == (tmp_path / "in.safetensors").read_bytes()
    assert digest(tmp_path / "1.heft") == weights_digest(expected(arrays))


def test_packed_four_bit_floats_go_both_ways(tmp_path):
    header = json.dumps({"w": {"dtype": "F4", "shape": [3, 4], "data_offsets": [0, 6]}}).encode()
    source = tmp_path / "in.safetensors"
    source.write_bytes(struct.pack("<Q", len(header)) + header + bytes([0x10, 0x32, 0x54, 0x76, 0x98, 0xBA]))
    assert read(source)["w"][0] == "F4"
    heft("convert", source, tmp_path / "kept.heft")
    heft("convert", tmp_path / "kept.heft", tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == source.read_bytes()
    assert digest(source) == digest(tmp_path / "kept.heft") == weights_digest(read(source))


def test_metadata_edited_in_a_heft_file_reaches_the_library(random, tmp_path):
    arrays = {"w": ("F32", random_array(random, "F32", (4,)))}
    write(tmp_path / "in.safetensors", arrays, {"format": "pt"})
    heft("convert", tmp_path / "in.safetensors", tmp_path / "kept.heft")
    heft("edit", tmp_path / "kept.heft", "--set", "license=MIT")
    heft("convert", tmp_path / "kept.heft", tmp_path / "out.safetensors")
    with peers.safetensors.safe_open(tmp_path / "out.safetensors", framework="numpy") as file:
        assert file.metadata() == {"format": "pt", "license": "MIT"}
    assert read(tmp_path / "out.safetensors") == expected(arrays)


def test_the_demo_file_is_what_its_script_makes(tmp_path):
    root = pathlib.Path(__file__).resolve().parents[2]
    shutil.copy(root / "tests" / "interop" / "make_demo.py", tmp_path)
    import sys

    subprocess.run([sys.executable, str(tmp_path / "make_demo.py"), str(tmp_path / "demo.safetensors")], check=True)
    assert read(tmp_path / "demo.safetensors") == read(root / "fixtures" / "demo.safetensors")
    assert HEFT and digest(tmp_path / "demo.safetensors") == digest(root / "fixtures" / "demo.safetensors")
