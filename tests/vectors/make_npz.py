# SPDX-License-Identifier: Apache-2.0
"""Makes the .npz files of fixtures/valid and fixtures/invalid, and what a reader says of each.

    python3 tests/vectors/make_npz.py [FOLDER]

FOLDER is fixtures/ by default. Beside NAME.npz stands NAME.expect: "ok", and the weights digest by spec/digest.md; or
the status and the offset of the fault. Needs nothing but Python.
"""
import hashlib
import struct
import zlib

from fixture_checks import write
from make_safetensors import tree

# By NumPy's name of it: the number of spec/ids.md, and the bytes of an element.
DTYPES = {"|b1": (0x01, 1), "|u1": (0x02, 1), "<i2": (0x05, 2), "<i8": (0x09, 8), "<f2": (0x10, 2), "<f4": (0x12, 4),
          "<f8": (0x13, 8), "<c8": (0x18, 8), "<c16": (0x19, 16), ">f4": (0x12, 4), ">i8": (0x09, 8)}  # fmt: skip
UTF8 = 0x0800
DESCRIPTOR = 0x0008
ONES = 0xFFFFFFFF


def product(shape):
    n = 1
    for d in shape:
        n *= d
    return n


def header(descr, shape, fortran=False):
    """As numpy.save writes it."""
    text = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}"
    if shape:
        text += " " * (21 - len(repr(shape[-1 if fortran else 0])))
    text += " " * (64 - (10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def elements(descr, shape):
    return bytes((7 * i + 1) % 251 if descr != "|b1" else i % 2 for i in range(product(shape) * DTYPES[descr][1]))


class Array:
    """One in the file, and the tensor that it is."""

    def __init__(self, descr, shape, fortran=False):
        size = DTYPES[descr][1]
        logical = elements(descr, shape)
        items = [logical[i : i + size] for i in range(0, len(logical), size)]
        if fortran:
            rows, columns = shape
            items = [items[r * columns + c] for c in range(columns) for r in range(rows)]
        if descr[0] == ">":
            items = [item[::-1] for item in items]
        self.dtype, self.shape, self.logical = DTYPES[descr][0], shape, logical
        self.bytes = header(descr, shape, fortran) + b"".join(items)


class Raw:
    """Bytes that are no array."""

    def __init__(self, content):
        self.dtype, self.shape, self.logical, self.bytes = 0x02, (len(content),), content, content


class Member:
    """All that its two headers say; whatever is given stands in the file instead of the truth."""

    def __init__(self, name, content, deflated=False, flags=0, **stated):
        self.name, self.content, self.deflated, self.flags, self.stated = name, content, deflated, flags, stated
        self.raw_name = name.encode() if isinstance(name, str) else name
        if not self.raw_name.isascii():
            self.flags |= UTF8

    def packed(self):
        if not self.deflated:
            return self.content.bytes
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return self.stated.get("prefix", b"") + packer.compress(self.content.bytes) + packer.flush()

    def common(self, local):
        def say(what, truth):
            return self.stated.get(("local_" if local else "entry_") + what, self.stated.get(what, truth))

        name, extra = say("name", self.raw_name), say("extra", b"")
        size, stored = len(self.content.bytes), len(self.packed())
        return struct.pack("<HHHIIIIHH", 20, say("flags", self.flags), say("method", 8 if self.deflated else 0), 0x210000,
                           say("crc", zlib.crc32(self.content.bytes)), say("stored", stored), say("size", size),
                           len(name), len(extra)), name + extra  # fmt: skip

    def local(self):
        fixed, rest = self.common(True)
        return b"PK\3\4" + fixed + rest + self.packed() + self.stated.get("behind", b"")

    def entry(self, offset):
        fixed, rest = self.common(False)
        where = struct.pack("<HHHII", 0, self.stated.get("disk", 0), 0, 0, self.stated.get("offset", offset))
        return b"PK\1\2" + struct.pack("<H", 20) + fixed + where + rest


def archive(members, *, front=b"", comment=b"", order=None, end64=False, **stated):
    """The file, and where in it things are."""
    body, places = b"", {}
    for i, m in enumerate(members):
        places[f"local{i}"] = len(front) + len(body)
        body += m.local()
        behind = len(m.packed()) + len(m.stated.get("behind", b""))
        places[f"data{i}"] = len(front) + len(body) - behind
    directory = b""
    for i in order or range(len(members)):
        places[f"entry{i}"] = len(front) + len(body) + len(directory)
        directory += members[i].entry(places[f"local{i}"] - len(front))
    n, size, offset = len(members), len(directory), len(body)
    end = b""
    if end64:
        end = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, n, n, size, offset)
        end += b"PK\6\7" + struct.pack("<IQI", 0, len(body) + size, 1)
        n, size, offset = 0xFFFF, ONES, ONES
    places["end"] = len(front) + len(body) + len(directory) + len(end)
    end += b"PK\5\6" + struct.pack("<HHHHIIH", stated.get("disk", 0), 0, n, n, stated.get("dir_size", size), offset,
                                   len(comment))  # fmt: skip
    whole = front + body + directory + end + comment
    places["file"] = len(whole)
    return whole, places


def zip64(size, stored):
    return struct.pack("<HHQQ", 1, 16, size, stored)


F4 = Array("<f4", (3, 5))
NAMES = [("w", F4), ("layer/0/k", Array("<f8", (2, 2, 2))), ("", Array("<i8", ())), ("e", Array("<f2", (0, 4))),
         ("ü", Array("|b1", (9,))), ("c", Array("<c16", (2,))), ("c64", Array("<c8", (1, 1)))]  # fmt: skip
PLAIN = [Member(f"{name}.npy", a) for name, a in NAMES]
SIZE = len(F4.bytes)
A = Member("a.npy", F4)
B = Member("b.npy", Array("|u1", (100,)), deflated=True)
KERAS = Raw(b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(117) + b"\n\x80\x04.")

# Name: members, and what else is said of the archive.
VALID = {
    "npz-stored": (PLAIN, {}),
    "npz-deflated": ([Member(m.name, m.content, deflated=True) for m in PLAIN], {}),
    "npz-empty": ([], {}),
    "npz-other-orders": ([Member("f.npy", Array("<f4", (3, 4), True)), Member("g.npy", Array(">f4", (3, 4), True)),
                          Member("h.npy", Array(">i8", (7,))), Member("i.npy", Array("<i2", (3, 4), True), True)],
                         {}),  # fmt: skip
    "npz-bytes": ([A, Member("config.json", Raw(b'{"k": 1}')), Member("folder/", Raw(b"")), Member("plain", F4),
                   Member("none", Raw(b""))], {}),  # fmt: skip
    "zip-local-zip64": ([Member("a.npy", F4, local_size=ONES, local_stored=ONES, local_extra=zip64(SIZE, SIZE))], {}),
    "zip-local-both": ([Member("a.npy", F4, local_extra=zip64(SIZE, SIZE))], {}),
    "zip-descriptors": ([Member("a.npy", F4, flags=DESCRIPTOR, local_size=0, local_stored=0, local_crc=0,
                                behind=b"PK\7\x08" + bytes(12)), B], {}),  # fmt: skip
    "zip-in-front": ([A, B], {"front": b"#!/bin/sh\n"}),
    "zip-comment": ([A, B], {"comment": b"a comment"}),
    "zip-zip64-end": ([A, B], {"end64": True}),
    "zip-zip64-end-in-front": ([A, B], {"end64": True, "front": bytes(100)}),
    "zip-another-order": ([A, B, Member("c.npy", F4)], {"order": [2, 0, 1]}),
    "zip-padding": ([Member("a.npy", F4, local_extra=b"FB\2\0ZZ\0\0\0"), B], {}),
}
# Name: members, what else is said, status, the place that is told.
INVALID = {
    "npz-no-arrays": ([Member("archive/data.pkl", Raw(b"\x80\x02}."))], {}, "not the format", "local0"),
    "npz-object-array": ([A, Member("model.npy", KERAS)], {}, "unsupported", None),
    "npz-bytes-behind-an-array": ([Member("a.npy", Raw(F4.bytes + b"x"))], {}, "unsupported", "data0"),
    "npz-two-of-a-name": ([A, Member("a", F4)], {}, "unsupported", None),
    "npz-bytes-of-a-name": ([A, Member("a", Raw(b"x"))], {}, "unsupported", "data1"),
    "zip-encrypted": ([Member("a.npy", F4, flags=1)], {}, "unsupported", "entry0"),
    "zip-strongly-encrypted": ([Member("a.npy", F4, flags=0x41)], {}, "unsupported", "entry0"),
    "zip-aes": ([Member("a.npy", F4, method=99)], {}, "unsupported", "entry0"),
    "zip-bzip2": ([Member("a.npy", F4, method=12)], {}, "unsupported", "entry0"),
    "zip-disk-of-a-member": ([Member("a.npy", F4, disk=1)], {}, "unsupported", "entry0"),
    "zip-two-disks": ([A], {"disk": 1}, "unsupported", "end"),
    "zip-overlap": ([A, Member("b.npy", F4, offset=8)], {}, "corrupt", 8),
    "zip-same-place": ([A, Member("a2npy", F4, offset=0)], {}, "corrupt", 0),
    "zip-name-twice": ([A, B, A], {}, "corrupt", "entry2"),
    "zip-name-not-utf8": ([Member(b"\xff.npy", F4)], {}, "corrupt", "entry0"),
    "zip-name-unknown": ([Member(b"\x81.npy", F4, entry_flags=0, local_flags=0)], {}, "unsupported", "entry0"),
    "zip-name-with-nul": ([Member(b"a\0.npy", F4)], {}, "unsupported", "entry0"),
    "zip-second-name": ([Member("a.npy", F4, entry_extra=struct.pack("<HHBI", 0x7075, 10, 1, 0) + b"b.npy")], {},
                        "corrupt", "entry0"),  # fmt: skip
    "zip-local-name": ([Member("a.npy", F4, local_name=b"b.npy")], {}, "corrupt", "local0"),
    "zip-local-method": ([Member("a.npy", F4, local_method=8)], {}, "corrupt", "local0"),
    "zip-local-flags": ([Member("a.npy", F4, local_flags=1)], {}, "corrupt", "local0"),
    "zip-local-size": ([Member("a.npy", F4, local_size=SIZE - 1)], {}, "corrupt", "local0"),
    "zip-local-zip64-size": ([Member("a.npy", F4, local_size=ONES, local_stored=ONES, local_extra=zip64(SIZE, 1))], {},
                             "corrupt", "local0"),  # fmt: skip
    "zip-local-crc": ([Member("a.npy", F4, local_crc=1)], {}, "corrupt", "local0"),
    "zip-sizes-differ": ([Member("a.npy", F4, size=SIZE - 4)], {}, "corrupt", "entry0"),
    "zip-past-the-directory": ([Member("a.npy", F4, size=SIZE + 999, stored=SIZE + 999)], {}, "corrupt", "local0"),
    "zip-bomb": ([A, Member("b.npy", F4, deflated=True, size=0x7FFFFFFF)], {}, "corrupt", "entry1"),
    "zip-zip64-missing": ([Member("a.npy", F4, size=ONES, stored=ONES)], {}, "corrupt", "entry0"),
    "zip-extra-cut-short": ([Member("a.npy", F4, entry_extra=b"\5\0\3\0x")], {}, "corrupt", "entry0"),
    "zip-directory-too-long": ([A], {"dir_size": 9999}, "corrupt", "end"),
    "zip-crc": ([B, Member("a.npy", F4, crc=1)], {}, "corrupt", "data1"),
    "zip-crc-deflated": ([Member("b.npy", B.content, deflated=True, crc=1)], {}, "corrupt", "data0"),
    "zip-unpacks-to-less": ([Member("b.npy", Raw(B.content.bytes[:-1]), deflated=True, size=len(B.content.bytes))], {},
                            "corrupt", "data0"),  # fmt: skip
    "zip-unpacks-to-more": ([Member("b.npy", Raw(B.content.bytes + b"x"), deflated=True, size=len(B.content.bytes))],
                            {}, "corrupt", "data0"),  # fmt: skip
    "zip-no-deflate-stream": ([Member("b.npy", B.content, deflated=True, prefix=b"\7")], {}, "corrupt", "data0"),
}


def digest(members, order):
    """The weights digest, of tensors of at most one chunk."""
    leaves = []
    tensors = {}
    for i in order or range(len(members)):
        name, content = members[i].name, members[i].content
        if not name.endswith("/"):
            tensors[name.removesuffix(".npy").encode()] = content
    for name, t in sorted(tensors.items()):
        shape, logical = t.shape, t.logical
        root = hashlib.sha256(b"\x00" + logical).digest()
        head = b"\x02" + struct.pack("<H", t.dtype) + struct.pack(f"<B{len(shape)}Q", len(shape), *shape)
        tensor = hashlib.sha256(head + struct.pack("<Q", len(logical)) + root).digest()
        leaves.append(hashlib.sha256(b"\x03" + struct.pack("<I", len(name)) + name + tensor).digest())
    return (tree(leaves, b"\x04") if leaves else hashlib.sha256(b"\x04").digest()).hex()


def made():
    """Every file: {path: bytes}."""
    files = {}
    for name, (members, more) in VALID.items():
        files[f"valid/{name}.npz"] = archive(members, **more)[0]
        files[f"valid/{name}.expect"] = f"ok {digest(members, more.get('order'))}\n".encode()
    for name, (members, more, status, place) in INVALID.items():
        whole, places = archive(members, **more)
        if place is None:  # the dtype of the last member's array
            place = places[f"data{len(members) - 1}"] + 20
        files[f"invalid/{name}.npz"] = whole
        files[f"invalid/{name}.expect"] = f"{status} {places.get(place, place)}\n".encode()
    whole, _ = archive([A, B])
    for name, cut in (("zip-cut-short", whole[:-1]), ("zip-goes-on", whole + b"\0"), ("zip-only-a-begin", whole[:200])):
        files[f"invalid/{name}.npz"] = cut
        files[f"invalid/{name}.expect"] = f"corrupt {len(cut)}\n".encode()
    at = whole.index(b"PK\5\6")
    files["invalid/zip-goes-on.expect"] = f"corrupt {at}\n".encode()
    files["invalid/zip-cut-short.expect"] = f"corrupt {len(whole) - 1}\n".encode()
    assert all(len(content) <= 65536 for content in files.values())
    return files


if __name__ == "__main__":
    write(made())
