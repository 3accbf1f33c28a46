# SPDX-License-Identifier: Apache-2.0
"""heft beside NumPy and Python's zipfile: .npz files both ways."""
import io
import json
import os
import shutil
import struct
import subprocess
import warnings
import zipfile
import zlib

import numpy
import pytest

from peers import (
    HEFT,
    PACKAGES,
    PLAIN,
    digest,
    heft,
    logical,
    random,
    random_array,
    read,
    refused,
    seen,
    sizes,
    tensors_of,
    weights_digest,
    write,
)

SAVERS = {"stored": numpy.savez, "deflated": numpy.savez_compressed}


def every_dtype(random):
    """Arrays of every dtype, both byte orders and both orders of elements."""
    arrays = {}
    for dtype in PLAIN:
        for i, shape in enumerate([(), (0,), (7,), (4, 6), (2, 3, 4)]):
            for endian in "<>":
                for order in "CF":
                    plain = numpy.dtype(dtype).newbyteorder(endian)
                    high = 2 if plain.kind == "b" else 256
                    n = int(numpy.prod(shape, dtype=numpy.int64)) * plain.itemsize
                    array = numpy.frombuffer(random.integers(0, high, n, numpy.uint8).tobytes(), plain)
                    name = f"{dtype}/{i}.{'lb'[endian == '>']}{order}"
                    arrays[name] = numpy.asarray(array.reshape(shape), order=order)
    return arrays


def npy(array):
    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


def archive(path, members, method=zipfile.ZIP_STORED, **options):
    """members: [(name, bytes)]; a name twice is written twice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "w", method, **options) as file:
            for name, data in members:
                file.writestr(name, data)


def loaded(path):
    with numpy.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def same(arrays, others):
    """Equal to the bit, in the same order."""
    assert list(arrays) == list(others)
    for name, array in arrays.items():
        assert logical(array) == logical(others[name]), name


# --- what NumPy wrote ---


@pytest.mark.parametrize("how", SAVERS)
def test_heft_sees_what_numpy_saved(random, tmp_path, how):
    arrays = every_dtype(random)
    path = tmp_path / "in.npz"
    SAVERS[how](path, **arrays)
    want = tensors_of(arrays)
    assert list(seen(path)) == list(arrays)
    assert seen(path) == sizes(want)
    assert json.loads(heft("inspect", "--json", path))["format"] == "npz"
    assert digest(path) == weights_digest(want)
    heft("verify", path)
    for compress in ("none", "fast"):
        heft("convert", "-f", path, tmp_path / "kept.heft", f"--compress={compress}")
        assert digest(tmp_path / "kept.heft") == weights_digest(want)


def test_a_stored_archive_comes_back_byte_for_byte(random, tmp_path):
    arrays = every_dtype(random)
    numpy.savez(tmp_path / "in.npz", **arrays)
    heft("convert", tmp_path / "in.npz", tmp_path / "kept.heft", "--compress=fast")
    heft("convert", tmp_path / "kept.heft", tmp_path / "back.npz")
    assert (tmp_path / "back.npz").read_bytes() == (tmp_path / "in.npz").read_bytes()


@pytest.mark.parametrize("how", SAVERS)
def test_arrays_without_names_have_numpys_names(random, tmp_path, how):
    SAVERS[how](tmp_path / "in.npz", random.random(3), random.random((2, 2)))
    assert list(seen(tmp_path / "in.npz")) == ["arr_0", "arr_1"]


NAMES = ["a", "layer/0/kernel", "layer/1/kernel", "../up", "/absolute", "with space", "日本/ü", "dots.in.names", "x" * 200]


@pytest.mark.parametrize("how", SAVERS)
def test_names_are_those_of_the_archive_and_never_paths(random, tmp_path, how):
    arrays = {name: random.random(3) for name in NAMES}
    SAVERS[how](tmp_path / "in.npz", **arrays)
    assert list(seen(tmp_path / "in.npz")) == NAMES
    heft("convert", tmp_path / "in.npz", tmp_path / "back.npz")
    heft("convert", tmp_path / "in.npz", tmp_path / "anew.npz", "--rename", "*=*/x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["anew.npz", "back.npz", "in.npz"]
    same(loaded(tmp_path / "back.npz"), arrays)
    same(loaded(tmp_path / "anew.npz"), {f"{name}/x": array for name, array in arrays.items()})


@pytest.mark.parametrize("how", SAVERS)
def test_a_large_archive_is_read_by_several_threads(random, tmp_path, how):
    arrays = {
        "c": (random.random((1200, 1100)) * 8).astype("<u1"),
        "fortran": numpy.asfortranarray((random.random((1100, 601, 3)) * 8).astype(">f4")),
        "zeros": numpy.zeros((1 << 21) + 5, "<f8"),
    }
    path = tmp_path / "in.npz"
    SAVERS[how](path, **arrays)
    want = weights_digest(tensors_of(arrays))
    for threads in (1, 4):
        assert heft("digest", "-j", threads, path).split()[0] == want
        heft("convert", "-j", threads, path, tmp_path / f"{threads}.heft")
        heft("convert", "-j", threads, path, tmp_path / f"{threads}.npz", "--compress")
    for extension in ("heft", "npz"):
        assert (tmp_path / f"1.{extension}").read_bytes() == (tmp_path / f"4.{extension}").read_bytes()
    same(loaded(tmp_path / "1.npz"), arrays)


def test_records_and_texts_and_lost_types_stand_in_archives_too(random, tmp_path):
    record = numpy.zeros(5, [("w", ">f4", (2,)), ("n", "<i2")])
    record["w"] = random.random((5, 2))
    texts = numpy.array(["one", "three"])
    numpy.savez(tmp_path / "in.npz", record=record, texts=texts, half=random_array(random, "BF16", (4,)))
    assert {name: t[0] for name, t in seen(tmp_path / "in.npz").items()} == {
        "record.w": "F32", "record.n": "I16", "texts": "UCS4", "half": "VOID",
    }  # fmt: skip
    assert seen(tmp_path / "in.npz", "--assume", "V2=BF16")["half"] == ("BF16", (4,), 8)
    heft("convert", tmp_path / "in.npz", tmp_path / "texts.npz", "--include", "texts")
    same(loaded(tmp_path / "texts.npz"), {"texts": texts})


def test_an_array_of_objects_is_refused_by_name(random, tmp_path):
    numpy.savez(tmp_path / "in.npz", good=random.random(3), bad=numpy.array([{}], dtype=object), allow_pickle=True)
    refused("inspect", tmp_path / "in.npz", status=3, words=["bad", "object"])


# --- archives that Python's zipfile makes, and that NumPy reads ---


def test_an_archive_with_members_that_are_no_arrays_is_told_as_such(random, tmp_path):
    array = random.random(3)
    archive(tmp_path / "in.npz", [("a.npy", npy(array)), ("README", b"hello")])
    with numpy.load(tmp_path / "in.npz") as file:
        assert file.files == ["a", "README"]
    done = subprocess.run([HEFT, "inspect", "--json", tmp_path / "in.npz"], capture_output=True, text=True)
    if done.returncode == 0:
        assert [t["name"] for t in json.loads(done.stdout)["tensors"]][0] == "a"
    else:
        assert done.returncode == 3 and "README" in done.stderr


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zips_without_zip64_and_with_other_attributes_are_read(random, tmp_path, method):
    arrays = {f"a{i}": random.random((3, i)) for i in range(5)}
    with zipfile.ZipFile(tmp_path / "in.npz", "w", method) as file:
        for i, (name, array) in enumerate(arrays.items()):
            entry = zipfile.ZipInfo(f"{name}.npy", (2024, 2, 29, 12, i, 0))
            entry.compress_type = method
            entry.external_attr = 0o644 << 16
            entry.comment = b"a comment"
            file.writestr(entry, npy(array))
        file.comment = b"of the archive"
    assert digest(tmp_path / "in.npz") == weights_digest(tensors_of(arrays))


class OneWay(io.RawIOBase):
    """A stream that cannot seek: zipfile then puts sizes and CRC behind the data."""

    def __init__(self, path):
        self.file = open(path, "wb")

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)

    def close(self):
        self.file.close()
        super().close()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zips_with_descriptors_behind_the_data_are_read(random, tmp_path, method):
    arrays = {"a": random.random(100), "b": numpy.zeros((50, 50))}
    with OneWay(tmp_path / "in.npz") as stream:
        archive(stream, [(f"{name}.npy", npy(array)) for name, array in arrays.items()], method)
    assert digest(tmp_path / "in.npz") == weights_digest(tensors_of(arrays))
    same(loaded(tmp_path / "in.npz"), arrays)


def test_an_archive_without_members_is_one(tmp_path):
    numpy.savez(tmp_path / "in.npz")
    assert digest(tmp_path / "in.npz") == weights_digest({})
    assert loaded(tmp_path / "in.npz") == {}


def test_bytes_in_front_of_the_archive_are_told_or_passed_over(random, tmp_path):
    arrays = {"a": random.random(4)}
    numpy.savez(tmp_path / "plain.npz", **arrays)
    (tmp_path / "in.npz").write_bytes(b"#!/bin/sh\nexit 1\n" + (tmp_path / "plain.npz").read_bytes())
    done = subprocess.run([HEFT, "digest", tmp_path / "in.npz"], capture_output=True, text=True)
    if done.returncode == 0:
        assert done.stdout.split()[0] == weights_digest(tensors_of(arrays))
    else:
        assert done.returncode == 3


# --- what must be refused ---


def test_a_name_twice_is_refused(random, tmp_path):
    archive(tmp_path / "in.npz", [("a.npy", npy(random.random(2))), ("a.npy", npy(random.random(2)))])
    refused("inspect", tmp_path / "in.npz", status=3, words=["a.npy"])
    # Two members that would be one tensor.
    archive(tmp_path / "in.npz", [("a.npy", npy(random.random(2))), ("a", npy(random.random(2)))])
    done = subprocess.run([HEFT, "inspect", tmp_path / "in.npz"], capture_output=True, text=True)
    assert done.returncode in (0, 3)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_method_is_refused(random, tmp_path, method):
    archive(tmp_path / "in.npz", [("a.npy", npy(random.random(2)))], method)
    refused("inspect", tmp_path / "in.npz", status=3, words=["method"])


def changed(path, at, value):
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    path.write_bytes(data)


def central(path):
    """Where the first central header lies."""
    return path.read_bytes().index(b"PK\1\2")


def damage_flag(path):
    for at in (6, central(path) + 8):
        changed(path, at, b"\x01\x00")


DAMAGES = {
    "encrypted": damage_flag,
    "local-name-differs": lambda path: changed(path, 30, b"b"),
    "local-method-differs": lambda path: changed(path, 8, b"\x08\x00"),
    "central-name-differs": lambda path: changed(path, central(path) + 46, b"b"),
    "size-lies": lambda path: changed(path, central(path) + 24, b"\xf0\xff\xff\x0f"),
    "stored-size-lies": lambda path: changed(path, central(path) + 20, b"\xf0\xff\xff\x0f"),
    "offset-lies": lambda path: changed(path, central(path) + 42, b"\x01\x00\x00\x00"),
    "another-disk": lambda path: changed(path, central(path) + 34, b"\x01\x00"),
    "end-says-more-members": lambda path: changed(path, len(path.read_bytes()) - 14, b"\x09\x00\x09\x00"),
    "end-says-another-place": lambda path: changed(path, len(path.read_bytes()) - 6, b"\x01\x00\x00\x00"),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-30]),
    "no-local-header": lambda path: changed(path, 0, b"XXXX"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_archive_is_refused(random, tmp_path, name):
    path = tmp_path / "in.npz"
    archive(path, [("a.npy", npy(random.random(20)))])
    assert seen(path)
    DAMAGES[name](path)
    refused("inspect", path, status=3)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("what", ["data", "crc"])
def test_a_wrong_crc_is_found_where_the_data_is_read(random, tmp_path, method, what):
    path = tmp_path / "in.npz"
    archive(path, [("a.npy", npy(random.random(2000)))], method)
    if what == "data":
        at = 5000 if method == zipfile.ZIP_STORED else central(path) - 300
        changed(path, at, bytes([path.read_bytes()[at] ^ 1]))
    else:
        for at in (14, central(path) + 16):
            changed(path, at, b"\1\2\3\4")
    refused("digest", path, status=3)
    refused("convert", path, tmp_path / "out.heft", status=3)
    assert not (tmp_path / "out.heft").exists()
    assert subprocess.run([HEFT, "verify", path], capture_output=True).returncode == 1



def test_a_bomb_is_not_unpacked_to_be_listed(tmp_path):
    header = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,), }".ljust(117)
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packed.compress(header + b"\n" + bytes(1 << 16)) + packed.flush()
    path = tmp_path / "in.npz"
    archive(path, [("a.npy", header)])
    # Central header: deflated, its packed size, and a size of its own that nothing backs.
    n = len(data)
    name = b"a.npy"
    size = (1 << 40) + 128
    extra = struct.pack("<HHQQ", 1, 16, size, n)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 45, 0, 8, 0, 33, 0, 2**32 - 1, 2**32 - 1, 5, 20) + name + extra
    entry = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 45, 45, 0, 8, 0, 33, 0, 2**32 - 1, 2**32 - 1, 5, 20, 0, 0, 0, 0, 0
    )
    entry += name + extra
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local) + n, 0)
    path.write_bytes(local + data + entry + end)
    limited = ["prlimit", "--as=536870912", HEFT, "digest", path]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and done.stderr.startswith("heft")


# --- more than 4 GiB ---


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_archive_of_more_than_4_gib_is_read(tmp_path, order):
    if shutil.disk_usage(tmp_path).free < 6 << 30:
        pytest.skip("there is no room for an archive of more than 4 GiB")
    path = tmp_path / "in.npz"
    zeros = (1 << 32) + 4096
    header = npy(numpy.zeros((0,), "|u1"))
    # A sparse member of zeros, made by hand: NumPy and zipfile would write every one of them.
    shape = f"({zeros},)" if order == "C" else f"(2, {zeros // 2})"
    text = f"{{'descr': '|u1', 'fortran_order': {order == 'F'}, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    big = header[:8] + struct.pack("<H", 118) + text
    crc = crc_of_zeros(zlib.crc32(big), zeros)
    small = npy(numpy.arange(5.0))
    with open(path, "wb") as file:
        entries, at = [], 0
        for name, head, n_zeros, sum_ in [(b"big.npy", big, zeros, crc), (b"small.npy", small, 0, zlib.crc32(small))]:
            size = len(head) + n_zeros
            extra = struct.pack("<HHQQ", 1, 16, size, size)
            file.write(struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 45, 0, 0, 0, 33, sum_, 2**32 - 1, 2**32 - 1, len(name), 20))
            file.write(name + extra + head)
            file.seek(n_zeros, os.SEEK_CUR)
            extra = struct.pack("<HHQQQ", 1, 24, size, size, at)
            entries.append(
                struct.pack("<4sHHHHHHIII", b"PK\1\2", 45, 45, 0, 0, 0, 33, sum_, 2**32 - 1, 2**32 - 1)
                + struct.pack("<HHHHHII", len(name), 28, 0, 0, 0, 0, 2**32 - 1) + name + extra
            )  # fmt: skip
            at = file.tell()
        directory = b"".join(entries)
        file.write(directory)
        end = file.tell()
        file.write(struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, len(directory), at))
        file.write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
        file.write(struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 2, 2, 2**32 - 1, 2**32 - 1, 0))
    with zipfile.ZipFile(path) as file:
        assert [(i.filename, i.file_size) for i in file.infolist()] == [("big.npy", 128 + zeros), ("small.npy", 168)]
    dims = (zeros,) if order == "C" else (2, zeros // 2)
    assert seen(path) == {"big": ("U8", dims, zeros), "small": ("F64", (5,), 40)}
    heft("convert", path, tmp_path / "small.npy", "--include", "small")
    assert numpy.load(tmp_path / "small.npy").tolist() == [0, 1, 2, 3, 4]


def crc_of_zeros(crc, n):
    """The CRC of what has the given one, and n zeros: 2^k of them are a linear map, squared k times."""

    def apply(matrix, vector):
        out = 0
        for i in range(32):
            if vector >> i & 1:
                out ^= matrix[i]
        return out

    def plain(vector):
        return vector >> 1 ^ (0xEDB88320 if vector & 1 else 0)

    matrix = [1 << i for i in range(32)]
    for _ in range(8):
        matrix = [plain(row) for row in matrix]
    crc ^= 0xFFFFFFFF
    while n:
        if n & 1:
            crc = apply(matrix, crc)
        matrix = [apply(matrix, row) for row in matrix]
        n >>= 1
    return crc ^ 0xFFFFFFFF


def test_the_crc_of_zeros_is_right():
    for n in (0, 1, 7, 1000, 65537):
        assert crc_of_zeros(zlib.crc32(b"head"), n) == zlib.crc32(b"head" + bytes(n))


# --- what heft writes ---


@pytest.mark.parametrize("compress", ["none", "fast", "best"])
def test_numpy_and_zipfile_read_what_heft_wrote(random, tmp_path, compress):
    arrays = every_dtype(random) | {"large": random.standard_normal(700_000).astype("<f4")}
    numpy.savez(tmp_path / "in.npz", **arrays)
    out = tmp_path / "out.npz"
    heft("convert", tmp_path / "in.npz", tmp_path / "kept.heft")
    heft("convert", tmp_path / "kept.heft", out, f"--compress={compress}", "--rename", "*=model/*")
    renamed = {f"model/{name}": array for name, array in arrays.items()}
    same(loaded(out), renamed)
    with zipfile.ZipFile(out) as file:
        assert file.testzip() is None
        for entry in file.infolist():
            assert entry.filename.endswith(".npy") and entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.compress_type == zipfile.ZIP_STORED) == (compress == "none")
            if compress == "none":
                # Every member by itself is what numpy.save writes.
                array = renamed[entry.filename.removesuffix(".npy")]
                plain = array.astype(array.dtype.newbyteorder("<"), order="C")
                assert file.read(entry) == npy(plain)
    assert digest(out) == weights_digest(tensors_of(renamed))
    if compress != "none":
        assert out.stat().st_size < (tmp_path / "in.npz").stat().st_size


def test_stored_tensors_are_aligned(random, tmp_path):
    arrays = {f"{'n' * (i + 1)}": random.random((i, 3)) for i in range(1, 30)}
    numpy.savez(tmp_path / "in.npz", **arrays)
    # Other names, so that the archive is not restored but written anew.
    heft("convert", tmp_path / "in.npz", tmp_path / "out.npz", "--rename", "*=m/*")
    data = (tmp_path / "out.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "out.npz") as file:
        for entry in file.infolist():
            n_name, n_extra = struct.unpack("<HH", data[entry.header_offset + 26 : entry.header_offset + 30])
            at = entry.header_offset + 30 + n_name + n_extra
            assert data[at : at + 6] == b"\x93NUMPY"
            (n_header,) = struct.unpack("<H", data[at + 8 : at + 10])
            assert (at + 10 + n_header) % 64 == 0, entry.filename


def test_compression_that_is_asked_for_comes_before_the_old_bytes(tmp_path):
    numpy.savez(tmp_path / "in.npz", a=numpy.zeros(100_000))
    heft("convert", tmp_path / "in.npz", tmp_path / "kept.heft")
    for name in ("in.npz", "kept.heft"):
        heft("convert", "-f", tmp_path / name, tmp_path / "out.npz", "--compress")
        assert (tmp_path / "out.npz").stat().st_size < 10_000
        same(loaded(tmp_path / "out.npz"), {"a": numpy.zeros(100_000)})


def test_a_model_of_safetensors_becomes_an_archive_and_comes_back(random, tmp_path):
    arrays = {f"layer.{i}.weight": ("F32", random_array(random, "F32", (i, 5))) for i in range(12)}
    write(tmp_path / "in.safetensors", arrays)
    heft("convert", tmp_path / "in.safetensors", tmp_path / "a.npz", "--compress=best")
    heft("convert", tmp_path / "a.npz", tmp_path / "back.safetensors")
    assert digest(tmp_path / "a.npz") == digest(tmp_path / "in.safetensors")
    assert read(tmp_path / "back.safetensors") == read(tmp_path / "in.safetensors")
    wide = {"w": ("BF16", random_array(random, "BF16", (300, 7)))}
    write(tmp_path / "half.safetensors", wide)
    heft("convert", tmp_path / "half.safetensors", tmp_path / "wide.npz", "--dtype", "F32")
    found = loaded(tmp_path / "wide.npz")["w"]
    assert numpy.array_equal(found, wide["w"][1].astype(numpy.float32), equal_nan=True)


def test_a_pipe_gets_no_archive(random, tmp_path):
    write(tmp_path / "in.safetensors", {"a": ("F32", random_array(random, "F32", (3,)))})
    command = [HEFT, "convert", tmp_path / "in.safetensors", "-", "--to", "npz"]
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 2 or numpy.load(io.BytesIO(done.stdout)).files == ["a"]


# --- archives of Debian's packages ---

ODD_FILES = sorted(PACKAGES.rglob("*.npz"))


@pytest.mark.skipif(not ODD_FILES, reason="neither python3-numpy nor python3-skimage is installed")
@pytest.mark.parametrize("path", ODD_FILES, ids=lambda path: path.name)
def test_files_of_debian_packages_are_read_or_refused_as_numpy_does(tmp_path, path):
    try:
        arrays = loaded(path)
    except (ValueError, EOFError, UnicodeDecodeError):
        refused("inspect", path, status=3)
        return
    want = tensors_of(arrays)
    assert seen(path) == sizes(want)
    assert digest(path) == weights_digest(want)
    plain = {name: a for name, a in arrays.items() if a.dtype.kind in "biufc" and a.dtype.itemsize <= 16}
    if plain and len(plain) == len(arrays) and all(a.dtype.str[1:] in PLAIN for a in plain.values()):
        heft("convert", path, tmp_path / "out.npz", "--compress=fast")
        same(loaded(tmp_path / "out.npz"), arrays)
