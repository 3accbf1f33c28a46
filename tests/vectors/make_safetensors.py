# SPDX-License-Identifier: Apache-2.0
"""Makes the safetensors files of fixtures/valid and fixtures/invalid, and what a reader says of each.

    python3 tests/vectors/make_safetensors.py [FOLDER]

FOLDER is fixtures/ by default. Beside NAME.safetensors stands NAME.expect: "ok", and the weights digest by
spec/digest.md; or the status and the offset of the fault. Needs nothing but Python.
"""
import hashlib
import json
import re
import struct

from fixture_checks import write

# By dtype: the number of spec/ids.md, and how many bits an element has.
DTYPES = {
    "BOOL": (0x01, 8), "U8": (0x02, 8), "I8": (0x03, 8), "U16": (0x04, 16), "I16": (0x05, 16), "U32": (0x06, 32),
    "I32": (0x07, 32), "U64": (0x08, 64), "I64": (0x09, 64), "F16": (0x10, 16), "BF16": (0x11, 16), "F32": (0x12, 32),
    "F64": (0x13, 64), "C64": (0x18, 64), "F8_E4M3": (0x20, 8), "F8_E5M2": (0x21, 8), "F8_E4M3FNUZ": (0x22, 8),
    "F8_E5M2FNUZ": (0x23, 8), "F8_E8M0": (0x24, 8), "F6_E2M3": (0x28, 6), "F6_E3M2": (0x29, 6), "F4": (0x2A, 4),
}  # fmt: skip


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def every_dtype():
    """Each one as a scalar where it fills bytes, as a matrix, and empty."""
    header, at = {}, 0
    for dtype, (_, bits) in DTYPES.items():
        for name, shape in (("scalar", []), ("matrix", [3, 8]), ("empty", [2, 0])):
            n = bits
            for d in shape:
                n *= d
            if n % 8 == 0:
                header[f"{dtype}.{name}"] = entry(dtype, shape, at, at + n // 8)
                at += n // 8
    return json.dumps(header), at


def many():
    """Tensors whose data lies in another order than their entries."""
    n = 64
    places = [(i * 37 + 11) % n for i in range(n)]
    return json.dumps({f"layer.{i}.bias": entry("F32", [1], 4 * at, 4 * at + 4) for i, at in enumerate(places)}), 4 * n


A = json.dumps(entry("F32", [1], 0, 4))
# Name: header, bytes of data.
VALID = {
    "no-tensors": ("{}      ", 0),
    "one-tensor": ('{"attn.0":' + json.dumps(entry("F32", [1, 2, 3], 0, 24)) + "}", 24),
    "every-dtype": every_dtype(),
    "data-in-another-order": many(),
    "metadata": ('{"__metadata__":{"format":"pt","note":"\\u00e9 \\ud83d\\ude00 \\"\\\\\\n"},"a":' + A + "}", 4),
    "metadata-last": ('{"a":' + A + ',"__metadata__":{"k":"v"}}', 4),
    "metadata-null": ('{"__metadata__":null,"a":' + A + "}", 4),
    "empty-name": ('{"":' + A + "}", 4),
    "escaped-name": ('{"\\u0061\\/\\"\\n\\u0001":' + A + "}", 4),
    "white-space-inside": ('{ "a" :\n\t' + A + "\r\n}   ", 4),
    "unknown-member": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":[{"y":null}]}}', 4),
    "odd-size-of-header": ('{"a":' + A + "} ", 4),
}
# Name: header, bytes of data, status. '^' stands before the byte whose offset is told.
INVALID = {
    "header-begins-with-space": ('^ {"a":' + A + "}", 4, "corrupt"),
    "header-is-an-array": ("^[]", 0, "corrupt"),
    "header-ends-with-newline": ('{"a":' + A + "}^\n", 4, "corrupt"),
    "garbage-behind-the-object": ('{"a":' + A + "} ^x", 4, "corrupt"),
    "not-utf8": (b'{"^\xff\xff":1}', 0, "corrupt"),
    "object-not-closed": ('{"a":' + A + "^", 4, "corrupt"),
    "nested-too-deep": ('{"a":{"x":' + "[" * 62 + "^[" + "]" * 63 + "}}", 0, "limit"),
    "name-twice": ('{"a":' + A + ',^"a":' + A + "}", 4, "corrupt"),
    "name-twice-escaped": ('{"a":' + A + ',^"\\u0061":' + A + "}", 4, "corrupt"),
    "member-twice": ('{"a":{"dtype":"F32",^"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4, "corrupt"),
    "metadata-key-twice": ('{"__metadata__":{"k":"1",^"k":"1"}}', 0, "corrupt"),
    "metadata-integer": ('{"__metadata__":{"k":^1}}', 0, "corrupt"),
    "metadata-null-value": ('{"__metadata__":{"k":^null}}', 0, "corrupt"),
    "metadata-nested": ('{"__metadata__":{"k":^{}}}', 0, "corrupt"),
    "metadata-string": ('{"__metadata__":^"x"}', 0, "corrupt"),
    "tensor-called-metadata": (
        '{"__metadata__":{"dtype":"F32","shape":^[1],"data_offsets":[0,4]}}',
        4,
        "corrupt",
    ),
    "entry-is-an-array": ('{"a":^["F32",[1],[0,4]]}', 4, "corrupt"),
    "dtype-missing": ('{"a":{"shape":[1],"data_offsets":[0,4]^}}', 4, "corrupt"),
    "shape-missing": ('{"a":{"dtype":"F32","data_offsets":[0,4]^}}', 4, "corrupt"),
    "offsets-missing": ('{"a":{"dtype":"F32","shape":[1]^}}', 4, "corrupt"),
    "dtype-unknown": ('{"a":{"dtype":^"F31","shape":[1],"data_offsets":[0,4]}}', 4, "unsupported"),
    "dtype-lower-case": ('{"a":{"dtype":^"f32","shape":[1],"data_offsets":[0,4]}}', 4, "unsupported"),
    "shape-negative": ('{"a":{"dtype":"F32","shape":[^-1],"data_offsets":[0,4]}}', 4, "corrupt"),
    "shape-float": ('{"a":{"dtype":"F32","shape":[^1.0],"data_offsets":[0,4]}}', 4, "corrupt"),
    "shape-above-64-bits": ('{"a":{"dtype":"F32","shape":[^18446744073709551616],"data_offsets":[0,4]}}', 4, "corrupt"),
    "shape-product-wraps": (
        '{"a":{"dtype":"F32","shape":^[4294967296,4294967296,4],"data_offsets":[0,4]}}',
        4,
        "corrupt",
    ),
    "shape-beside-zero-wraps": (
        '{"a":{"dtype":"F32","shape":^[0,9223372036854775808,4],"data_offsets":[0,0]}}',
        0,
        "corrupt",
    ),
    "rank-33": ('{"a":{"dtype":"U8","shape":[' + "1," * 32 + '^1],"data_offsets":[0,1]}}', 1, "limit"),
    "elements-within-a-byte": ('{"a":{"dtype":"F4","shape":^[7],"data_offsets":[0,4]}}', 4, "corrupt"),
    "offsets-one": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0^]}}', 4, "corrupt"),
    "offsets-three": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,^4]}}', 4, "corrupt"),
    "offsets-negative": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[^-4,0]}}', 4, "corrupt"),
    "offsets-float": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,^4.0]}}', 4, "corrupt"),
    "offsets-backwards": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":^[4,0]}}', 4, "corrupt"),
    "offsets-of-another-size": ('{"a":{"dtype":"F32","shape":[2],"data_offsets":^[0,4]}}', 4, "corrupt"),
    "offsets-past-64-bits": (
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,^18446744073709551616]}}',
        4,
        "corrupt",
    ),
    "file-too-short": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":^[0,4]}}', 3, "corrupt"),
    "file-too-long": ('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}^', 1, "corrupt"),
    "hole-at-the-begin": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":^[4,8]}}', 8, "corrupt"),
    "hole": ('{"a":' + A + ',"b":{"dtype":"U8","shape":[1],"data_offsets":^[5,6]}}', 6, "corrupt"),
    "overlap": ('{"a":' + A + ',"b":{"dtype":"U8","shape":[2],"data_offsets":^[3,5]}}', 5, "corrupt"),
    "same-place": ('{"a":' + A + ',"b":{"dtype":"F32","shape":[1],"data_offsets":^[0,4]}}', 4, "corrupt"),
    "empty-inside": ('{"a":' + A + ',"b":{"dtype":"F32","shape":[0],"data_offsets":^[2,2]}}', 4, "corrupt"),
    "name-with-nul": ('{^"a\\u0000":' + A + "}", 4, "unsupported"),
    "name-too-long": ('{^"' + "n" * 4097 + '":' + A + "}", 4, "limit"),
}
# Name: the whole file, status, offset.
WHOLE = {
    "size-cut-short": (b"\x10\0\0\0\0\0\0", "corrupt", 7),
    "header-empty": (struct.pack("<Q", 0), "corrupt", 8),
    "header-past-the-file": (struct.pack("<Q", 3) + b"{}", "corrupt", 0),
    "size-wraps": (struct.pack("<Q", 2**64 - 1) + b"{}", "corrupt", 0),
}


def data(n):
    return bytes((7 * i + 1) % 251 for i in range(n))


def file_of(header, n_data):
    header = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(header)) + header + data(n_data)


def tree(leaves, node):
    """spec/digest.md, D1-3"""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(node + tree(leaves[:split], node) + tree(leaves[split:], node)).digest()


def digest(header, n_data):
    """The weights digest, of tensors of at most one chunk."""
    tensors = {n.encode(): t for n, t in json.loads(header).items() if n != "__metadata__"}
    leaves = []
    for name, t in sorted(tensors.items()):
        begin, end = t["data_offsets"]
        root = hashlib.sha256(b"\x00" + data(n_data)[begin:end]).digest()
        shape = struct.pack(f"<B{len(t['shape'])}Q", len(t["shape"]), *t["shape"])
        head = b"\x02" + struct.pack("<H", DTYPES[t["dtype"]][0]) + shape + struct.pack("<Q", end - begin)
        tensor = hashlib.sha256(head + root).digest()
        leaves.append(hashlib.sha256(b"\x03" + struct.pack("<I", len(name)) + name + tensor).digest())
    return (tree(leaves, b"\x04") if leaves else hashlib.sha256(b"\x04").digest()).hex()


def made():
    """Every file: {path: bytes}."""
    files = {}
    for name, (header, n) in VALID.items():
        files[f"valid/{name}.safetensors"] = file_of(header, n)
        files[f"valid/{name}.expect"] = f"ok {digest(header, n)}\n".encode()
    for name, (marked, n, status) in INVALID.items():
        marked = marked if isinstance(marked, bytes) else marked.encode()
        at = marked.index(b"^")
        files[f"invalid/{name}.safetensors"] = file_of(marked[:at] + marked[at + 1 :], n)
        files[f"invalid/{name}.expect"] = f"{status} {8 + at}\n".encode()
    for name, (whole, status, offset) in WHOLE.items():
        files[f"invalid/{name}.safetensors"] = whole
        files[f"invalid/{name}.expect"] = f"{status} {offset}\n".encode()
    assert all(re.fullmatch(r"(in)?valid/[a-z0-9-]+\.(safetensors|expect)", path) for path in files)
    return files


if __name__ == "__main__":
    write(made())
