# SPDX-License-Identifier: Apache-2.0
"""The heft command, and files as the safetensors library writes and reads them."""
import hashlib
import json
import os
import pathlib
import struct
import subprocess

import ml_dtypes
import numpy
import pytest
import safetensors

HEFT = os.environ.get("HEFT", "heft")

# What the safetensors library can write, by the name that stands in the file: its own name, and an array's dtype.
DTYPES = {
    "BOOL": ("bool", numpy.bool_),
    "U8": ("uint8", numpy.uint8),
    "I8": ("int8", numpy.int8),
    "U16": ("uint16", numpy.uint16),
    "I16": ("int16", numpy.int16),
    "U32": ("uint32", numpy.uint32),
    "I32": ("int32", numpy.int32),
    "U64": ("uint64", numpy.uint64),
    "I64": ("int64", numpy.int64),
    "F16": ("float16", numpy.float16),
    "BF16": ("bfloat16", ml_dtypes.bfloat16),
    "F32": ("float32", numpy.float32),
    "F64": ("float64", numpy.float64),
    "C64": ("complex64", numpy.complex64),
    "F8_E4M3": ("float8_e4m3fn", ml_dtypes.float8_e4m3fn),
    "F8_E5M2": ("float8_e5m2", ml_dtypes.float8_e5m2),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz),
    "F8_E8M0": ("float8_e8m0fnu", ml_dtypes.float8_e8m0fnu),
}
# The numbers of spec/ids.md.
IDS = {
    "BOOL": 0x01, "U8": 0x02, "I8": 0x03, "U16": 0x04, "I16": 0x05, "U32": 0x06, "I32": 0x07, "U64": 0x08,
    "I64": 0x09, "F16": 0x10, "BF16": 0x11, "F32": 0x12, "F64": 0x13, "C64": 0x18, "F8_E4M3": 0x20, "F8_E5M2": 0x21,
    "F8_E4M3FNUZ": 0x22, "F8_E5M2FNUZ": 0x23, "F8_E8M0": 0x24, "F4": 0x2A, "C128": 0x19, "STR": 0x40, "UCS4": 0x41,
    "VOID": 0x42, "U4": 0x30, "I4": 0x31, "U2": 0x32, "I2": 0x33,
    "F6_E2M3": 0x28, "F6_E3M2": 0x29,
}  # fmt: skip
# Whole elements fill so many bytes, of dtypes that are narrower than one.
NARROW = {"F4": 1, "U4": 1, "I4": 1, "U2": 1, "I2": 1, "F6_E2M3": 3, "F6_E3M2": 3}


def heft(*arguments, status=0):
    """Runs the command; gives its standard output."""
    done = subprocess.run([HEFT, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done.stdout


def inspect(path):
    return json.loads(heft("inspect", "--json", path))


def digest(path):
    return heft("digest", path).split()[0]


def write(path, arrays, metadata=None):
    """As the safetensors library writes it. arrays: {name: (dtype name, array)}."""
    arrays = {name: (dtype, numpy.ascontiguousarray(a).reshape(a.shape)) for name, (dtype, a) in arrays.items()}
    specs = {
        name: safetensors.TensorSpec(
            dtype=DTYPES[dtype][0], shape=list(a.shape), data_ptr=a.ctypes.data, data_len=a.nbytes
        )
        for name, (dtype, a) in arrays.items()
    }
    path.write_bytes(bytes(safetensors.serialize(specs, metadata=metadata)))


def read(path):
    """As the safetensors library reads it: {name: (dtype name, shape, bytes)}."""
    found = safetensors.deserialize(path.read_bytes())
    return {name: (t["dtype"], tuple(t["shape"]), bytes(t["data"])) for name, t in found}


def expected(arrays):
    return {name: (dtype, a.shape, a.tobytes()) for name, (dtype, a) in arrays.items()}


def random_array(random, dtype, shape):
    """Random bits; every byte is a value of BOOL's only when it is 0 or 1."""
    dtype = numpy.dtype(DTYPES[dtype][1])
    n = int(numpy.prod(shape, dtype=numpy.int64)) * dtype.itemsize
    high = 2 if dtype == numpy.bool_ else 256
    return numpy.frombuffer(random.integers(0, high, n, numpy.uint8).tobytes(), dtype).reshape(shape)


# What NumPy's own dtypes are to heft, by kind and size.
PLAIN = {"c16": "C128"} | {
    numpy.dtype(kind).str[1:]: name for name, (_, kind) in DTYPES.items() if kind.__module__ == "numpy"
}
OF_ANY_SIZE = {"S": "STR", "U": "UCS4", "V": "VOID", "M": "VOID", "m": "VOID"}


def logical(array):
    """A tensor as heft sees an array: (dtype name, shape, little-endian row-major bytes)."""
    dtype = array.dtype
    # Times, and numbers wider than a double, are kept as bytes.
    name = OF_ANY_SIZE.get(dtype.kind) or PLAIN.get(dtype.str[1:], "VOID")
    if name != "VOID":
        array = array.astype(dtype.newbyteorder("<"))
    return name, array.shape, array.tobytes()


def fields(array, prefix):
    """{name: tensor} of a structured array, NumPy's padding left out."""
    found = {}
    for name in array.dtype.names:
        field = array[name]
        if field.dtype.names is None:
            found[f"{prefix}.{name}"] = logical(field)
        else:
            found |= fields(field, f"{prefix}.{name}")
    return found


def tensors_of(arrays):
    """{name: tensor} of NumPy's arrays, of any kind: what heft should see in an .npz of them."""
    found = {}
    for name, array in arrays.items():
        found |= {name: logical(array)} if array.dtype.names is None else fields(array, name)
    return found


# Real weights, where they lie beside the checkout.
REAL = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
# Where Debian keeps the modules of its packages, and with them files of every age.
PACKAGES = pathlib.Path("/usr/lib/python3/dist-packages")


def seen(path, *options):
    """{name: (dtype name, shape, number of bytes)} of inspect."""
    tensors = json.loads(heft("inspect", "--json", *options, path))["tensors"]
    return {t["name"]: (t["dtype"], tuple(t["shape"]), t["n_bytes"]) for t in tensors}


def sizes(tensors):
    """What `seen` gives for such tensors."""
    return {name: (dtype, shape, len(data)) for name, (dtype, shape, data) in tensors.items()}


def refused(*arguments, status, words=(), begins="heft"):
    """Runs the command, which must fail with a line of words; gives standard error."""
    done = subprocess.run([HEFT, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == "" and done.stderr.startswith(begins)
    for word in words:
        assert word in done.stderr, done.stderr
    return done.stderr


def tree(leaves, domain):
    """The root of a hash tree of spec/digest.md."""
    if not leaves:
        return hashlib.sha256(domain if domain == b"\x04" else b"\x00").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(domain + tree(leaves[:half], domain) + tree(leaves[half:], domain)).digest()


def unit(dtype, shape, data):
    """The bytes of an element, as far as they matter to the digest."""
    if dtype in DTYPES:
        return numpy.dtype(DTYPES[dtype][1]).itemsize
    if dtype in NARROW:
        return NARROW[dtype]
    n_elements = int(numpy.prod(shape, dtype=numpy.int64))
    return max(1, len(data) // n_elements) if n_elements and dtype in IDS else 1


def tensor_digest(dtype, shape, data):
    """Of one tensor, from the specification alone."""
    size = unit(dtype, shape, data)
    chunk = (1 << 20) - (1 << 20) % size
    chunks = [hashlib.sha256(b"\x00" + data[i : i + chunk]).digest() for i in range(0, len(data), chunk)]
    head = struct.pack("<HB", IDS[dtype], len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
    return hashlib.sha256(b"\x02" + head + struct.pack("<Q", len(data)) + tree(chunks, b"\x01")).digest()


def weights_digest(tensors):
    """From the specification alone. tensors: {name: (dtype name, shape, bytes)}."""
    leaves = []
    for name, tensor in sorted(tensors.items(), key=lambda item: item[0].encode()):
        name = name.encode()
        leaves.append(hashlib.sha256(b"\x03" + struct.pack("<I", len(name)) + name + tensor_digest(*tensor)).digest())
    return tree(leaves, b"\x04").hex()


def told(path):
    """What the command says of every tensor, in the file's order: (space, name, dtype name, shape, tensor digest)."""
    tensors = inspect(path)["tensors"]
    lines = heft("digest", "--tensors", path).split("\n")[1:-1]
    assert len(lines) == len(tensors)
    return [
        (t["space"], t["name"], t["dtype"], tuple(t["shape"]), line.removeprefix("\\")[:64])
        for t, line in zip(tensors, lines)
    ]


def in_words(tensors):
    """What `told` gives for tensors: (space, name, dtype name, shape, bytes)."""
    return [(s, name, dtype, tuple(shape), tensor_digest(dtype, shape, data).hex()) for s, name, dtype, shape, data in tensors]


@pytest.fixture
def random():
    return numpy.random.Generator(numpy.random.PCG64(7))
