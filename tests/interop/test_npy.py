# SPDX-License-Identifier: Apache-2.0
"""heft beside NumPy: .npy files both ways, over every dtype, byte order, order of elements and rank."""
import io
import struct
import subprocess

import ml_dtypes
import numpy
import pytest

from peers import (
    DTYPES,
    HEFT,
    PACKAGES,
    PLAIN,
    digest,
    fields,
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

SHAPES = [(), (0,), (1,), (7,), (3, 0, 5), (4, 6), (1, 9), (9, 1), (2, 3, 4), (2, 3, 4, 5), (3, 1, 2, 5, 2)]
TEXTS = ["S1", "S5", "U1", "U7", "V1", "V5", "M8[s]", "m8[25us]"]
DTYPE_NAMES = [*PLAIN, *TEXTS]


def bits(random, dtype, shape):
    """An array of random bits; of text, random characters."""
    dtype = numpy.dtype(dtype)
    n = int(numpy.prod(shape, dtype=numpy.int64))
    if dtype.kind == "U":
        codes = random.integers(1, 0xD800, (n, dtype.itemsize // 4), numpy.uint32).astype(dtype.byteorder + "u4")
        return numpy.frombuffer(codes.tobytes(), dtype).reshape(shape)
    high = 2 if dtype.kind == "b" else 256
    return numpy.frombuffer(random.integers(0, high, n * dtype.itemsize, numpy.uint8).tobytes(), dtype).reshape(shape)


def saved(array, version=None):
    """The bytes that NumPy writes; `version` (1, 0) to (3, 0) where they are to be of that one."""
    file = io.BytesIO()
    numpy.lib.format.write_array(file, array, version=version, allow_pickle=False)
    return file.getvalue()


def npy(header, data=b"", version=1):
    """A file with any text for a header."""
    text = header.encode("utf-8" if version == 3 else "latin-1")
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + data


def restored(folder, source):
    """A file through heft and back."""
    kept, back = folder / "kept.heft", folder / "back.npy"
    heft("convert", "-f", source, kept, "--compress=fast")
    heft("convert", "-f", kept, back)
    return back.read_bytes()


# --- what NumPy wrote ---


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("dtype", DTYPE_NAMES)
def test_an_array_is_seen_and_comes_back_byte_for_byte(random, tmp_path, dtype, endian, order):
    dtype = numpy.dtype(dtype).newbyteorder(endian)
    if endian == ">" and dtype == dtype.newbyteorder("<"):
        pytest.skip("this dtype has no byte order")
    path = tmp_path / "in.npy"
    for shape in SHAPES:
        array = numpy.asarray(bits(random, dtype, shape), order=order)
        numpy.save(path, array)
        want = {"arr_0": logical(array)}
        assert seen(path) == sizes(want)
        assert digest(path) == weights_digest(want), shape
        assert restored(tmp_path, path) == path.read_bytes(), shape
        assert digest(tmp_path / "kept.heft") == weights_digest(want)


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", ">c16", "|u1", "<U3"])
def test_a_large_array_in_either_order_comes_back(random, tmp_path, dtype):
    for order in "CF":
        array = numpy.asarray(bits(random, dtype, (257, 33, 129)), order=order)
        path = tmp_path / f"{order}.npy"
        numpy.save(path, array)
        assert digest(path) == weights_digest({"arr_0": logical(array)})
        for threads in (1, 3):
            heft("convert", "-f", "-j", threads, path, tmp_path / f"{order}{threads}.heft")
        assert (tmp_path / f"{order}1.heft").read_bytes() == (tmp_path / f"{order}3.heft").read_bytes()
        assert restored(tmp_path, path) == path.read_bytes()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_header_is_read(random, tmp_path, version):
    array = bits(random, "<f4", (3, 4))
    path = tmp_path / "in.npy"
    path.write_bytes(saved(array, version))
    assert digest(path) == weights_digest({"arr_0": logical(array)})
    assert restored(tmp_path, path) == path.read_bytes()


# Headers that other programs, other versions and other people wrote. NumPy reads them all.
ODD_HEADERS = {
    "old-padding": "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n",
    "no-padding": "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
    "no-newline": "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
    "no-comma": "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}\n",
    "double-quotes": '{"descr": "<f4", "fortran_order": False, "shape": (2, 3)}\n',
    "another-order": "{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}\n",
    "no-blanks": "{'descr':'<f4','fortran_order':False,'shape':(2,3)}\n",
    "many-blanks": "{  'descr' :\t'<f4' , 'fortran_order' : False , 'shape' : ( 2 , 3 , ) , }\n",
    "python-2": "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }\n",
    "native-order": "{'descr': '=f4', 'fortran_order': False, 'shape': (2, 3), }\n",
    "no-order": "{'descr': 'f4', 'fortran_order': False, 'shape': (2, 3), }\n",
}


@pytest.mark.parametrize("name", ODD_HEADERS)
def test_an_odd_header_is_read_as_numpy_reads_it(random, tmp_path, name):
    array = bits(random, "<f4", (2, 3))
    path = tmp_path / "in.npy"
    path.write_bytes(npy(ODD_HEADERS[name], array.tobytes()))
    assert numpy.load(path).tobytes() == array.tobytes()
    assert digest(path) == weights_digest({"arr_0": logical(array)})
    assert restored(tmp_path, path) == path.read_bytes()


BAD_FILES = {
    "empty": b"",
    "magic-alone": b"\x93NUMPY",
    "version-0": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", b"1234", version=0),
    "version-4": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", b"1234", version=4),
    "header-cut": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", b"1234")[:40],
    "data-cut": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", b"12345678"),
    "no-data": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }\n"),
    "overflow": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4), }\n", b"1234"),
    "negative": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n", b"1234"),
    "float-shape": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,), }\n", b"1234"),
    "string-shape": npy("{'descr': '<f4', 'fortran_order': False, 'shape': '1', }\n", b"1234"),
    "no-shape": npy("{'descr': '<f4', 'fortran_order': False, }\n", b"1234"),
    "no-descr": npy("{'fortran_order': False, 'shape': (), }\n", b"1234"),
    "another-key": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}\n", b"1234"),
    "order-is-a-number": npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (), }\n", b"1234"),
    "a-list": npy("['descr', '<f4']\n", b"1234"),
    "a-call": npy("__import__('os').system('true')\n", b"1234"),
    "a-comprehension": npy("{k: k for k in ('descr', 'fortran_order', 'shape')}\n", b"1234"),
    "an-expression": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1+1,), }\n", b"12345678"),
    "text-behind": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), } x\n", b"1234"),
    "unknown-kind": npy("{'descr': '<q4', 'fortran_order': False, 'shape': (), }\n", b"1234"),
    "unclosed": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (\n", b"1234"),
    "nested": npy("(" * 1000 + "\n", b"1234"),
    "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94.",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_as_numpy_refuses_it(tmp_path, name):
    path = tmp_path / "in.npy"
    path.write_bytes(BAD_FILES[name])
    with pytest.raises(Exception):  # noqa: B017 - of Python's parser, tokenizer, and of NumPy itself
        numpy.load(path)
    refused("inspect", path, status=3)
    refused("convert", path, tmp_path / "out.heft", status=3)
    assert not (tmp_path / "out.heft").exists()


def test_a_header_that_promises_terabytes_costs_nothing(tmp_path):
    path = tmp_path / "in.npy"
    path.write_bytes(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (1099511627776, 3), }\n", b"12345678"))
    limited = ["prlimit", "--as=268435456", HEFT, "inspect", path]
    done = subprocess.run(limited, capture_output=True, text=True)
    assert done.returncode == 3 and "(at byte" in done.stderr


def test_objects_are_refused_by_name(tmp_path):
    path = tmp_path / "in.npy"
    numpy.save(path, numpy.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    refused("inspect", path, status=3, words=["object"])
    numpy.save(path, numpy.zeros(2, [("a", "f4"), ("b", "O")]), allow_pickle=True)
    refused("inspect", path, status=3, words=["object"])


def test_bytes_behind_the_array_come_back(random, tmp_path):
    array = bits(random, "<i4", (5,))
    path = tmp_path / "in.npy"
    path.write_bytes(saved(array) + b"more")
    assert numpy.load(path).tobytes() == array.tobytes()
    assert digest(path) == weights_digest({"arr_0": logical(array)})
    assert restored(tmp_path, path) == path.read_bytes()


# --- records: every field is a tensor ---


RECORDS = {
    "plain": [("w", "<f4"), ("b", "<i2"), ("flag", "?")],
    "both-byte-orders": [("w", ">f4"), ("x", "<f8"), ("c", ">c8")],
    "sub-arrays": [("w", "<f4", (2, 3)), ("v", "u1", (4,)), ("n", "<i8")],
    "nested": [("outer", [("a", "<f4"), ("b", "<u2", (3,))]), ("last", "i1")],
    "texts": [("name", "<U5"), ("tag", "S3"), ("raw", "V7"), ("big", ">U2")],
    "names": [("a.b", "<f4"), ("with space", "<f8"), ("'quoted\"", "u1"), ("back\\slash", "u1")],
    "not-latin": [("gewicht_\u00df", "<f4"), ("\u65e5\u672c", "<f8")],
}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", RECORDS)
def test_every_field_of_a_record_is_a_tensor(random, tmp_path, name, order):
    dtype = numpy.dtype(RECORDS[name])
    path = tmp_path / "in.npy"
    for shape in [(), (5,), (3, 4), (0, 2)]:
        array = numpy.zeros(shape, dtype, order=order)
        for field in dtype.names:
            if dtype[field].names is None:
                array[field] = bits(random, dtype[field].base, array[field].shape)
        numpy.save(path, array)
        want = fields(array, "arr_0")
        assert seen(path) == sizes(want)
        assert digest(path) == weights_digest(want)
        heft("convert", "-f", path, tmp_path / "kept.heft")
        assert digest(tmp_path / "kept.heft") == weights_digest(want)


def test_padding_between_fields_is_no_tensor(random, tmp_path):
    array = numpy.zeros(4, numpy.dtype([("a", "u1"), ("b", "<f8"), ("c", "<i2")], align=True))
    array["b"] = random.standard_normal(4)
    numpy.save(tmp_path / "in.npy", array)
    assert array.dtype.itemsize == 24
    assert digest(tmp_path / "in.npy") == weights_digest(fields(array, "arr_0"))


def test_a_header_longer_than_64_kib_is_read(random, tmp_path):
    many = [(f"field_{i:05}", "<f4") for i in range(4000)]
    array = numpy.frombuffer(random.bytes(4 * 4000 * 2), numpy.dtype(many))
    numpy.save(tmp_path / "in.npy", array)
    assert (tmp_path / "in.npy").read_bytes()[6] == 2
    assert digest(tmp_path / "in.npy") == weights_digest(fields(array, "arr_0"))


# --- types that NumPy lost ---


@pytest.mark.parametrize(
    "name, kind", [("BF16", "V2"), ("F8_E4M3", "V1"), ("F8_E4M3FNUZ", "V1"), ("F8_E5M2FNUZ", "V1"), ("F8_E8M0", "V1")]
)
def test_a_lost_type_is_told(random, tmp_path, name, kind):
    array = random_array(random, name, (5, 7))
    path = tmp_path / "in.npy"
    numpy.save(path, array)
    assert seen(path)["arr_0"][0] == "VOID"
    assert seen(path, "--assume", f"{kind}={name}") == {"arr_0": (name, (5, 7), array.nbytes)}
    want = weights_digest({"arr_0": (name, array.shape, array.tobytes())})
    assert heft("digest", "--assume", f"{kind}={name}", path).split()[0] == want
    heft("convert", "--assume", f"{kind}={name}", path, tmp_path / "out.safetensors")
    assert read(tmp_path / "out.safetensors") == {"arr_0": (name, array.shape, array.tobytes())}
    heft("convert", f"--assume={kind}={name}", path, tmp_path / "kept.heft")
    heft("convert", tmp_path / "kept.heft", tmp_path / "back.npy")
    assert (tmp_path / "back.npy").read_bytes() == path.read_bytes()


def test_an_assumption_that_does_not_fit_is_refused(random, tmp_path):
    numpy.save(tmp_path / "in.npy", random_array(random, "BF16", (3,)))
    refused("inspect", "--assume", "V2=F32", tmp_path / "in.npy", status=2, words=["V2"])
    refused("inspect", "--assume", "V2=Q4_K", tmp_path / "in.npy", status=2)
    refused("inspect", "--assume", "V2=NOTHING", tmp_path / "in.npy", status=2)
    refused("inspect", "--assume", "V2", tmp_path / "in.npy", status=2, words=["="])


def test_a_name_that_numpy_itself_cannot_read_needs_an_assumption(random, tmp_path):
    array = random_array(random, "F8_E5M2", (6,))
    path = tmp_path / "in.npy"
    numpy.save(path, array)
    refused("inspect", path, status=3, words=["f1", "--assume"])
    assert seen(path, "--assume", "f1=F8_E5M2") == {"arr_0": ("F8_E5M2", (6,), 6)}
    path.write_bytes(npy("{'descr': 'bfloat16', 'fortran_order': False, 'shape': (2,), }\n", b"\x80\x3f\x00\x40"))
    refused("inspect", path, status=3, words=["bfloat16", "--assume"])
    heft("convert", "--assume", "bfloat16=BF16", path, tmp_path / "out.safetensors")
    assert read(tmp_path / "out.safetensors")["arr_0"][2] == b"\x80\x3f\x00\x40"


# --- what heft writes ---


@pytest.mark.parametrize("dtype", PLAIN)
def test_heft_writes_the_bytes_that_numpy_writes(random, tmp_path, dtype):
    for shape in SHAPES:
        for order in "CF":
            array = numpy.asarray(bits(random, numpy.dtype(dtype).newbyteorder(">"), shape), order=order)
            numpy.save(tmp_path / "in.npy", array)
            heft("convert", "-f", tmp_path / "in.npy", tmp_path / "x.heft", "--rename", "arr_0=x")
            heft("convert", "-f", tmp_path / "x.heft", tmp_path / "out.npy")
            plain = numpy.ascontiguousarray(array, dtype).reshape(shape)
            assert (tmp_path / "out.npy").read_bytes() == saved(plain), shape


def test_standard_output_takes_the_same_bytes(random, tmp_path):
    array = bits(random, "<f8", (3, 4))
    write(tmp_path / "in.safetensors", {"w": ("F64", array)})
    command = [HEFT, "convert", tmp_path / "in.safetensors", "-", "--to", "npy"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == saved(array)


def test_a_shape_of_many_digits_is_written_as_numpy_writes_it(tmp_path):
    shape = (0, *[2**40 + i for i in range(1)], *[1] * 28)
    array = numpy.zeros(shape, "<f4")
    numpy.save(tmp_path / "in.npy", array)
    heft("convert", tmp_path / "in.npy", tmp_path / "x.heft", "--rename", "arr_0=x")
    heft("convert", tmp_path / "x.heft", tmp_path / "out.npy")
    assert (tmp_path / "out.npy").read_bytes() == saved(array)


@pytest.mark.parametrize("name", [name for name in DTYPES if name not in PLAIN.values()])
def test_what_numpy_has_no_name_for_is_refused_with_the_option_that_helps(random, tmp_path, name):
    array = random_array(random, name, (4, 5))
    write(tmp_path / "in.safetensors", {"w": (name, array)})
    for extension in ("npy", "npz"):
        out = tmp_path / f"out.{extension}"
        refused("convert", tmp_path / "in.safetensors", out, status=2, words=[name, "--dtype"])
        assert not out.exists()
    heft("convert", tmp_path / "in.safetensors", tmp_path / "out.npy", "--dtype", "F32")
    assert numpy.array_equal(numpy.load(tmp_path / "out.npy"), array.astype(numpy.float32), equal_nan=True)


def test_one_file_holds_one_array(random, tmp_path):
    arrays = {name: ("F32", random_array(random, "F32", (3,))) for name in "ab"}
    write(tmp_path / "in.safetensors", arrays)
    refused("convert", tmp_path / "in.safetensors", tmp_path / "out.npy", status=2, words=["2", "npz"])
    heft("convert", tmp_path / "in.safetensors", tmp_path / "out.npy", "--include", "b")
    assert numpy.load(tmp_path / "out.npy").tobytes() == arrays["b"][1].tobytes()
    write(tmp_path / "none.safetensors", {})
    refused("convert", tmp_path / "none.safetensors", tmp_path / "none.npy", status=2)


def test_metadata_has_no_place(random, tmp_path):
    write(tmp_path / "in.safetensors", {"a": ("F32", random_array(random, "F32", (3,)))}, {"format": "pt"})
    refused("convert", tmp_path / "in.safetensors", tmp_path / "out.npy", status=2, words=["--no-metadata"])
    heft("convert", "--no-metadata", tmp_path / "in.safetensors", tmp_path / "out.npy")
    numpy.load(tmp_path / "out.npy")


def test_texts_are_listed_and_copied_and_never_cast(random, tmp_path):
    array = numpy.array([["one", "two"], ["three", ""]])
    numpy.save(tmp_path / "in.npy", array)
    assert seen(tmp_path / "in.npy") == {"arr_0": ("UCS4", (2, 2), 4 * 5 * 4)}
    refused("convert", tmp_path / "in.npy", tmp_path / "a.heft", "--dtype-of", "*=F32", status=2)
    refused("convert", tmp_path / "in.npy", tmp_path / "a.safetensors", status=2, words=["UCS4"])
    heft("inspect", tmp_path / "in.npy")


# --- NumPy's own odd files, and those of other packages ---

ODD_FILES = sorted(PACKAGES.rglob("*.npy"))


def loaded(path):
    """What numpy.load makes of a file without unpickling; None when it refuses."""
    try:
        return numpy.load(path, allow_pickle=False)
    except (ValueError, EOFError, UnicodeDecodeError):
        return None


@pytest.mark.skipif(not ODD_FILES, reason="neither python3-numpy nor python3-skimage is installed")
@pytest.mark.parametrize("path", ODD_FILES, ids=lambda path: path.name)
def test_files_of_debian_packages_are_read_or_refused_as_numpy_does(tmp_path, path):
    array = loaded(path)
    if array is None:
        refused("inspect", path, status=3)
        return
    want = tensors_of({"arr_0": array})
    assert seen(path) == sizes(want)
    assert digest(path) == weights_digest(want)
    if array.dtype.names is None:
        assert restored(tmp_path, path) == path.read_bytes()
