# SPDX-License-Identifier: Apache-2.0
"""Data sets that NumPy, safetensors, gzip and Python's csv wrote: every value, and the digest, which is that of the weights."""
import csv
import gzip
import pathlib
import struct
import subprocess

import numpy
import pytest
from safetensors.numpy import save_file

from peers import HEFT, digest, random, tensors_of, weights_digest

SHOW = pathlib.Path(HEFT).resolve().parent.parent / "tests" / "interop" / "show_data"
FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
IDX_TYPES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
DTYPES = {"U8": "u1", "I8": "i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "F32": "<f4", "F64": "<f8", "F16": "<f2", "BOOL": "?"}


def show(path, *options):
    """(kind, digest, {name: array}, names of classes)"""
    done = subprocess.run([SHOW, path, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.split("\n")
    kind, n, digest_ = first.split()
    arrays = {}
    while lines and len(lines) > 1 and len(lines[0].split()) > 1 and lines[0].split()[1] in DTYPES:
        name, dtype, *dims = lines.pop(0).split()
        shape = [int(n), *map(int, dims)]
        arrays[name] = numpy.frombuffer(bytes.fromhex(lines.pop(0)), DTYPES[dtype]).reshape(shape)[::-1]
    return kind, digest_, arrays, lines[:-1]


def same(found, wanted):
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        assert found[name].dtype.newbyteorder("=") == array.dtype.newbyteorder("="), name
        assert found[name].shape == array.shape and found[name].tobytes() == array.astype(found[name].dtype).tobytes(), name


@pytest.fixture
def arrays(random):
    return {
        "image": random.integers(0, 256, (37, 3, 5, 5), numpy.uint8),
        "ids": random.integers(-(2**62), 2**62, (37, 9)),
        "weight": random.standard_normal(37),
        "x16": random.standard_normal((37, 4)).astype(numpy.float16),
        "y": random.integers(0, 5, 37),
    }


@pytest.mark.parametrize("how", ["savez", "savez_compressed", "safetensors", "npy", "foreign"])
def test_arrays(tmp_path, arrays, how):
    path = tmp_path / f"data.{'safetensors' if how == 'safetensors' else 'npz'}"
    written = dict(arrays)
    if how == "safetensors":
        save_file(arrays, path)
    elif how == "npy":
        path = tmp_path / "folder"
        path.mkdir()
        for name, array in arrays.items():
            numpy.save(path / name, array)
    elif how == "foreign":  # column-major, and big-endian
        written["image"] = numpy.asfortranarray(arrays["image"])
        written["ids"] = arrays["ids"].astype(">i8")
        numpy.savez(path, **written)
    else:
        getattr(numpy, how)(path, **arrays)
    kind, found_digest, found, names = show(path)
    assert kind == ("npy_folder" if how == "npy" else "file") and names == []
    same({name: found[name] for name in arrays}, arrays)
    assert found_digest == weights_digest(tensors_of(arrays))
    if how != "npy":
        assert found_digest == digest(path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", IDX_TYPES)
def test_idx(tmp_path, random, dtype, packed):
    x = numpy.frombuffer(random.integers(0, 256, 3 * 4 * 5 * numpy.dtype(dtype).itemsize, numpy.uint8).tobytes(), dtype)
    x = x.reshape(3, 4, 5)
    y = random.integers(0, 9, 3, numpy.uint8)
    opened = gzip.open if packed else open
    for kind, array in ("images", x), ("labels", y):
        header = struct.pack(f">BBBB{array.ndim}I", 0, 0, IDX_TYPES[array.dtype.str[1:]], array.ndim, *array.shape)
        with opened(tmp_path / f"train-{kind}-idx{array.ndim}-ubyte{'.gz' if packed else ''}", "wb") as file:
            file.write(header + array.astype(array.dtype.newbyteorder(">")).tobytes())
    kind, found_digest, found, _ = show(tmp_path)
    assert kind == "idx"
    same(found, {"x": x, "y": y})
    assert found_digest == weights_digest(tensors_of({"x": x, "y": y}))


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("packed", [False, True])
def test_csv(tmp_path, random, quoting, packed):
    x = (random.standard_normal((200, 6)) * 10.0 ** random.integers(-40, 38, (200, 6))).astype(numpy.float32)
    names = ["plain", 'with "quotes"', "a, comma", "two\nlines", "Übung"]
    classes = random.integers(0, len(names), 200)
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    with (gzip.open if packed else open)(path, "wt", newline="", encoding="utf-8") as file:
        out = csv.writer(file, quoting=quoting)
        out.writerow(["a", "b", "kind, of", "c", "d", "e", "f"])
        for row, k in zip(x, classes):
            out.writerow([*map(repr, map(float, row[:2])), names[k], *map(repr, map(float, row[2:]))])
    kind, _, found, shown = show(path, "kind, of")
    order = list(dict.fromkeys(classes.tolist()))
    assert kind == "csv" and "\n".join(shown) == "\n".join(names[k] for k in order)
    same(found, {"x": x, "y": numpy.array([order.index(k) for k in classes], numpy.int64)})


def test_csv_numbers_are_those_of_python(tmp_path, random):
    words = [
        f"{sign}{digits[:point]}.{digits[point:]}{power}"
        for sign in ["", "-"]
        for digits in ("".join(map(str, random.integers(0, 10, n))) for n in (1, 7, 15, 17, 25, 60))
        for point in range(0, len(digits) + 1, 5)
        for power in ["", "e-30", "E12", "e+3"]
        if len(digits) > 1 or point
    ]
    (tmp_path / "n.csv").write_text("v,y\n" + "".join(f"{word},{i}\n" for i, word in enumerate(words)))
    with numpy.errstate(over="ignore"):
        wanted = numpy.array([float(word) for word in words]).astype(numpy.float32)
    keep = numpy.isfinite(wanted)
    if not keep.all():
        (tmp_path / "n.csv").write_text("v,y\n" + "".join(f"{word},{i}\n" for i, word in enumerate(words) if keep[i]))
    assert show(tmp_path / "n.csv")[2]["x"][:, 0].tobytes() == wanted[keep].tobytes()


def test_the_digits_that_come_along():
    path = FIXTURES / "digits.npz"
    kind, found_digest, found, _ = show(path)
    with numpy.load(path) as file:
        same(found, dict(file))
    assert found["x"].shape == (1797, 8, 8) and found["x"].max() == 16 and found_digest == digest(path)


@pytest.mark.skipif(not FASHION.is_dir(), reason="without Debian's dataset-fashion-mnist")
@pytest.mark.parametrize("prefix,n", [("", 60000), ("train", 60000), ("t10k", 10000)])
def test_fashion_mnist_as_it_lies(prefix, n):
    _, found_digest, found, _ = show(FASHION / prefix if prefix else FASHION)
    wanted = {}
    for name, kind, skip, shape in ("x", "images-idx3", 16, (n, 28, 28)), ("y", "labels-idx1", 8, (n,)):
        data = gzip.decompress((FASHION / f"{prefix or 'train'}-{kind}-ubyte.gz").read_bytes())
        wanted[name] = numpy.frombuffer(data, numpy.uint8, offset=skip).reshape(shape)
    same(found, wanted)
    assert found_digest == weights_digest(tensors_of(wanted))
