# SPDX-License-Identifier: Apache-2.0
"""Makes the .npy files of fixtures/valid and fixtures/invalid, and what a reader says of each.

    python3 tests/vectors/make_npy.py [FOLDER]

FOLDER is fixtures/ by default. Beside npy-NAME.npy stands npy-NAME.expect: "ok", and the weights digest by
spec/digest.md; or the status and the offset of the fault. Needs nothing but Python.
"""
import hashlib
import itertools
import struct

from fixture_checks import write
from make_safetensors import tree

# By NumPy's name without the byte order: the number of spec/ids.md, the bytes of an element, those swapped together.
DTYPES = {
    "b1": (0x01, 1, 1), "u1": (0x02, 1, 1), "i1": (0x03, 1, 1), "u2": (0x04, 2, 2), "i2": (0x05, 2, 2), "u4": (0x06, 4, 4),
    "i4": (0x07, 4, 4), "u8": (0x08, 8, 8), "i8": (0x09, 8, 8), "f2": (0x10, 2, 2), "f4": (0x12, 4, 4), "f8": (0x13, 8, 8),
    "c8": (0x18, 8, 4), "c16": (0x19, 16, 8), "S3": (0x40, 3, 1), "U2": (0x41, 8, 4), "V5": (0x42, 5, 1), "V2": (0x42, 2, 1),
    "M8[ns]": (0x42, 8, 1), "f16": (0x42, 16, 1),
}  # fmt: skip


def product(shape):
    n = 1
    for d in shape:
        n *= d
    return n


def data(n):
    return bytes((7 * i + 1) % 251 for i in range(n))


def head(text, version=1, padded=True):
    """Magic to header; padded as NumPy does, so that the data begins at a multiple of 64."""
    text = text if isinstance(text, bytes) else text.encode("utf-8" if version == 3 else "latin-1")
    before = 10 if version == 1 else 12
    if padded:
        text += b" " * (64 - (before + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + struct.pack("<BB", version, 0) + struct.pack("<H" if version == 1 else "<I", len(text)) + text


def literal(descr, shape, fortran=False):
    return f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}"


def in_order(items, shape, fortran):
    """The elements row-major."""
    if not fortran:
        return items
    strides = [product(shape[:k]) for k in range(len(shape))]
    places = itertools.product(*map(range, shape))
    return [items[sum(i * s for i, s in zip(place, strides))] for place in places]


def swapped(item, descr):
    n = DTYPES[descr[1:]][2] if descr[0] == ">" else 1
    return b"".join(item[i : i + n][::-1] for i in range(0, len(item), n)) if n > 1 else item


def field(items, descr):
    return b"".join(swapped(item, descr) for item in items)


def digest(tensors):
    """Of (name, type, shape, logical bytes), each of at most one chunk."""
    leaves = []
    for name, kind, shape, logical in sorted((t[0].encode(), *t[1:]) for t in tensors):
        root = hashlib.sha256(b"\x00" + logical).digest()
        dims = struct.pack(f"<B{len(shape)}Q", len(shape), *shape)
        start = b"\x02" + struct.pack("<H", DTYPES[kind][0]) + dims + struct.pack("<Q", len(logical))
        tensor = hashlib.sha256(start + root).digest()
        leaves.append(hashlib.sha256(b"\x03" + struct.pack("<I", len(name)) + name + tensor).digest())
    return (tree(leaves, b"\x04") if leaves else hashlib.sha256(b"\x04").digest()).hex()


def plain(descr, shape, fortran=False, version=1, text=None, trailer=b"", padded=True):
    """A file of one tensor, and its digest."""
    size = DTYPES[descr[1:]][1]
    raw = data(product(shape) * size)
    items = [raw[i : i + size] for i in range(0, len(raw), size)]
    whole = head(text or literal(descr, shape, fortran), version, padded) + raw + trailer
    return whole, digest([("arr_0", descr[1:], shape, field(in_order(items, shape, fortran), descr))])


def record(version=1):
    """Records of 3 + 2 + 2 * (1 + 4) bytes, column-major."""
    shape, size = (2, 3), 15
    pair = [("c", "|i1"), ("d", ">i2", (2,))]
    descr = [("", "|V3"), (("title", "\u00e9"), ">f2"), ("b", pair, (2,))]
    raw = data(6 * size)
    items = in_order([raw[i : i + size] for i in range(0, len(raw), size)], shape, True)
    inner = [item[at : at + 5] for item in items for at in (5, 10)]
    tensors = [
        ("arr_0.\u00e9", "f2", shape, field([item[3:5] for item in items], ">f2")),
        ("arr_0.b.c", "i1", (*shape, 2), b"".join(i[:1] for i in inner)),
        ("arr_0.b.d", "i2", (*shape, 2, 2), b"".join(swapped(i[1:3], ">i2") + swapped(i[3:], ">i2") for i in inner)),
    ]
    return head(literal(descr, shape, True), version) + raw, digest(tensors)


NAMES = {"S3": "str", "U2": "ucs4", "V5": "void-5", "V2": "void-2", "M8[ns]": "time", "f16": "long-double"}
VALID = {f"type-{NAMES.get(kind, kind)}": plain("<" + kind, (2, 3)) for kind in DTYPES}
VALID |= {f"big-endian-{NAMES.get(kind, kind)}": plain(">" + kind, (3, 2)) for kind in ("i2", "f4", "i8", "c16", "U2")}
VALID |= {
    "scalar": plain("<f4", ()),
    "empty": plain("<f8", (2, 0, 3)),
    "empty-column-major": plain("<f8", (2, 0, 3), True),
    "rank-32": plain("<u2", (1,) * 31 + (2,)),
    "column-major": plain("<f4", (3, 5), True),
    "column-major-big-endian": plain(">f8", (2, 3, 4), True),
    "column-major-that-is-none": plain("<i4", (1, 4), True),
    "version-2": plain("<f4", (3,), version=2),
    "version-3": plain("<f4", (3,), version=3),
    "python-2": plain("<f4", (3, 2), text="{u'descr': '<f4', 'fortran_order': False, 'shape': (3L, 2L), }"),
    "keys-in-another-order": plain("<f4", (3,), text='{"shape":(3,),"fortran_order":False,"descr":"<f4"}', padded=False),
    "trailing-bytes": plain("<f4", (3,), trailer=b"bytes that no tensor has"),
    "record": record(),
    "record-version-3": record(3),
    "record-without-fields": (head(literal([], (3,))), digest([])),
}  # fmt: skip

DEEP = "[" + "('a',[" * 16 + "('a','<f4')" + "])" * 16 + "]"
# Name: header with '^' before the byte whose offset is told, bytes of data, status.
INVALID = {
    "not-a-literal": ("^__import__('os').getcwd()", 0, "corrupt"),
    "key-missing": ("{'descr': '<f4', 'shape': ()^}", 4, "corrupt"),
    "key-twice": ("{'descr': '<f4', ^'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4, "corrupt"),
    "key-unknown": ("{'descr': '<f4', ^'extra': 1, 'fortran_order': False, 'shape': ()}", 4, "corrupt"),
    "behind-the-literal": ("{'descr': '<f4', 'fortran_order': False, 'shape': ()} ^+ 1", 4, "corrupt"),
    "order-is-a-number": ("{'descr': '<f4', 'fortran_order': ^0, 'shape': ()}", 4, "corrupt"),
    "shape-is-a-list": ("{'descr': '<f4', 'fortran_order': False, 'shape': ^[1]}", 4, "corrupt"),
    "shape-is-a-number": ("{'descr': '<f4', 'fortran_order': False, 'shape': (1)^}", 4, "corrupt"),
    "shape-negative": ("{'descr': '<f4', 'fortran_order': False, 'shape': (^-1,)}", 4, "corrupt"),
    "shape-multiplied": ("{'descr': '<f4', 'fortran_order': False, 'shape': (1^*9,)}", 4, "corrupt"),
    "shape-past-63-bits": ("{'descr': '<f4', 'fortran_order': False, 'shape': ^(4294967296, 4294967296)}", 4, "limit"),
    "rank-33": ("{'descr': '|u1', 'fortran_order': False, 'shape': (" + "1," * 32 + "^1)}", 4, "limit"),
    "data-cut-short": ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}" + "^", 7, "corrupt"),
    "objects": ("{'descr': ^'|O', 'fortran_order': False, 'shape': (2,)}", 40, "unsupported"),
    "objects-in-a-field": ("{'descr': [('a','<f4'),('b',^'|O')], 'fortran_order': False, 'shape': ()}", 40, "unsupported"),
    "type-unknown": ("{'descr': ^'<f1', 'fortran_order': False, 'shape': (2,)}", 40, "unsupported"),
    "field-twice": ("{'descr': [('a','<f4'),('a',^'<f4')], 'fortran_order': False, 'shape': ()}", 8, "corrupt"),
    "field-without-a-name": ("{'descr': [^('','<f4')], 'fortran_order': False, 'shape': ()}", 8, "unsupported"),
    "nested-too-deep": ("{'descr': " + DEEP + ", 'fortran_order': False, 'shape': ()}", 8, "limit"),
    "surrogate": ("{'descr': [('\\ud800^','<f4')], 'fortran_order': False, 'shape': ()}", 8, "corrupt"),
    "second-array": (literal("<f4", ()) + "^", 4, "unsupported"),
}  # fmt: skip

# Whole files: bytes, status, offset.
WHOLE = {
    "header-past-the-file": (b"\x93NUMPY\x01\x00\xff\xff{", "corrupt", 8),
    "header-over-the-cap": (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{", "corrupt", 8),
    "version-4": (b"\x93NUMPY\x04\x00\x02\x00{}", "unsupported", 6),
    "cut-in-the-begin": (b"\x93NUMPY\x01\x00\x02", "corrupt", 9),
    "not-utf8": (head(b"{'descr': [('\xe9','<f4')], 'fortran_order': False, 'shape': ()}", 3) + data(4), "corrupt", 25),
}


def offset_of(name, at, n_head, n_data):
    """Of what is wrong with the data and not with the header."""
    return {"data-cut-short": n_head + n_data, "second-array": n_head + n_data}.get(name, 10 + at)


def made():
    """Every file: {path: bytes}."""
    files = {}
    for name, (whole, told) in VALID.items():
        files[f"valid/npy-{name}.npy"] = whole
        files[f"valid/npy-{name}.expect"] = f"ok {told}\n".encode()
    for name, (marked, n, status) in INVALID.items():
        at = marked.find("^")
        start = head(marked.replace("^", ""), padded=False)
        at = start[10:].index(b"'<f4'") if at < 0 else at  # the type that is nested too deep
        whole = start + data(n) + (head(literal("<f4", ())) + data(4) if name == "second-array" else b"")
        files[f"invalid/npy-{name}.npy"] = whole
        files[f"invalid/npy-{name}.expect"] = f"{status} {offset_of(name, at, len(start), n)}\n".encode()
    for name, (whole, status, offset) in WHOLE.items():
        files[f"invalid/npy-{name}.npy"] = whole
        files[f"invalid/npy-{name}.expect"] = f"{status} {offset}\n".encode()
    return files


if __name__ == "__main__":
    write(made())
