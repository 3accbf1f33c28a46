# SPDX-License-Identifier: Apache-2.0
"""Makes the PyTorch files of fixtures/valid and fixtures/invalid, and what a reader says of each.

    python3 tests/vectors/make_pytorch.py [FOLDER]

FOLDER is fixtures/ by default. Beside NAME.pt stands NAME.expect: "ok", and the weights digest by spec/digest.md; or
the status and the offset of the fault. Needs nothing but Python: pickles are put together opcode by opcode.
"""
import hashlib
import struct

from fixture_checks import write
from make_npz import DESCRIPTOR, Member, Raw, archive, product
from make_safetensors import tree

# By the class of a storage: the number of spec/ids.md, the bytes of an element, and how many are one number.
CLASSES = {"Float": (0x12, 4, 4), "Double": (0x13, 8, 8), "Half": (0x10, 2, 2), "BFloat16": (0x11, 2, 2),
           "Long": (0x09, 8, 8), "Int": (0x07, 4, 4), "Short": (0x05, 2, 2), "Char": (0x03, 1, 1), "Byte": (0x02, 1, 1),
           "Bool": (0x01, 1, 1), "ComplexFloat": (0x18, 8, 4), "ComplexDouble": (0x19, 16, 8)}  # fmt: skip
MAGIC = 0x1950A86A20F9469CFC6C

# --- pickles: an expression is the bytes of the opcodes that leave its value on the stack ---


def number(n):
    if 0 <= n < 256:
        return b"K" + struct.pack("<B", n)
    if -(2**31) <= n < 2**31:
        return b"J" + struct.pack("<i", n)
    size = n.bit_length() // 8 + 1
    return b"\x8a" + struct.pack("<B", size) + n.to_bytes(size, "little", signed=True)


def text(s):
    return b"X" + struct.pack("<I", len(s.encode())) + s.encode()


def tuple_of(*items):
    return b"(" + b"".join(items) + b"t"


def list_of(*items):
    return b"](" + b"".join(items) + b"e"


def named(module, name):
    return f"c{module}\n{name}\n".encode()


def call(module, name, *arguments):
    return named(module, name) + tuple_of(*arguments) + b"R"


def ordered(items):
    return named("collections", "OrderedDict") + b")R(" + b"".join(text(k) + v for k, v in items) + b"u"


def dict_of(items):
    return b"}(" + b"".join(text(k) + v for k, v in items) + b"u"


def pickled(value, protocol=2):
    return b"\x80" + bytes([protocol]) + value + b"."


# --- storages and tensors ---


class Storage:
    def __init__(self, kind, key, n, place="cpu"):
        self.kind, self.key, self.n, self.place = kind, key, n, place
        self.dtype, self.size, self.number = CLASSES[kind]
        seed = sum(key.encode())
        self.bytes = bytes((7 * i + seed) % 251 if kind != "Bool" else i % 2 for i in range(n * self.size))

    def id(self, legacy=False):
        items = [text("storage"), named("torch", self.kind + "Storage"), text(self.key), text(self.place), number(self.n)]
        return tuple_of(*items, *([b"N"] if legacy else [])) + b"Q"

    def big_endian(self):
        n = self.number
        return b"".join(self.bytes[i : i + n][::-1] for i in range(0, len(self.bytes), n))


class Tensor:
    """A view into a storage; `strides` None: row-major."""

    def __init__(self, storage, shape, strides=None, offset=0):
        self.storage, self.shape, self.offset = storage, shape, offset
        self.strides = strides or tuple(product(shape[d + 1 :]) for d in range(len(shape)))
        self.dtype = storage.dtype

    def logical(self):
        places = [self.offset]
        for dim, stride in zip(self.shape, self.strides):
            places = [p + i * stride for p in places for i in range(dim)]
        size = self.storage.size
        return b"".join(self.storage.bytes[p * size : (p + 1) * size] for p in places)

    def pickle(self, legacy=False):
        return call("torch._utils", "_rebuild_tensor_v2", self.storage.id(legacy), number(self.offset),
                    tuple_of(*map(number, self.shape)), tuple_of(*map(number, self.strides)), b"\x89",
                    named("collections", "OrderedDict") + b")R")  # fmt: skip


def state_dict(tensors, legacy=False):
    return ordered([(name, t.pickle(legacy)) for name, t in tensors])


def storages_of(tensors):
    return list({t.storage.key: t.storage for _, t in tensors}.values())


def digest(tensors):
    """The weights digest, of tensors of at most one chunk."""
    leaves = []
    for name, t in sorted((name.encode(), t) for name, t in tensors):
        logical = t.logical()
        root = hashlib.sha256(b"\x00" + logical if logical else b"\x00").digest()
        head = b"\x02" + struct.pack("<H", t.dtype) + struct.pack(f"<B{len(t.shape)}Q", len(t.shape), *t.shape)
        tensor = hashlib.sha256(head + struct.pack("<Q", len(logical)) + root).digest()
        leaves.append(hashlib.sha256(b"\x03" + struct.pack("<I", len(name)) + name + tensor).digest())
    return (tree(leaves, b"\x04") if leaves else hashlib.sha256(b"\x04").digest()).hex()


# --- files ---


def padded(name, content, **more):
    """As PyTorch writes a record: its sizes and CRC behind it, and an extra field that moves it to a multiple of 64."""
    return Member(name, Raw(content), flags=DESCRIPTOR | 0x0800, local_size=0, local_stored=0, local_crc=0,
                  **{"local_extra": b"FB\x08\x00ZZZZZZZZ", "behind": b"PK\7\x08" + bytes(12), **more})  # fmt: skip


def past_4_gib(members, lie=0):
    """Each local header has a zip64 field with nothing but its own offset, as PyTorch's have past 4 GiB."""
    placed, at = [], 0
    for m in members:
        extra = struct.pack("<HHQ", 1, 8, at + (lie if at else 0)) + b"FB\x08\x00ZZZZZZZZ"
        placed.append(padded(m.name, m.content.bytes, local_extra=extra))
        at += len(placed[-1].local())
    return placed


def zipped(tensors, *, order="little", folder="archive", deflated=False, front=(), behind=(), records=None, value=None):
    """The members of an archive, the pickle first."""
    def member(name, content):
        if deflated:
            return Member(f"{folder}/{name}", Raw(content), deflated=True)
        return padded(f"{folder}/{name}", content)

    members = [member("data.pkl", pickled(value or state_dict(tensors)))]
    if order:
        members.append(member("byteorder", order.encode()))
    for s in storages_of(tensors):
        content = (records or {}).get(s.key, s.big_endian() if order == "big" else s.bytes)
        if content is not None:
            members.append(member(f"data/{s.key}", content))
    return [*front, *members, member("version", b"3\n"), *behind]


def legacy(tensors, *, storages=None, keys=None, protocol=1001, little=True, version=2, value=None):
    """The file; where its storages begin."""
    storages = storages_of(tensors) if storages is None else storages
    keys = sorted(s.key for s in storages) if keys is None else keys
    sys_info = dict_of([("protocol_version", number(1001)), ("little_endian", b"\x88" if little else b"\x89")])
    value = value or state_dict(tensors, True)
    parts = [number(MAGIC), number(protocol), sys_info, value, list_of(*map(text, keys))]
    whole = b"".join(pickled(part, version) for part in parts)
    at = len(whole)
    for s in sorted(storages, key=lambda s: s.key):
        whole += struct.pack("<Q", s.n) + s.bytes
    return whole, at


def tar(name):
    head = name.encode().ljust(100, b"\0") + b"0000644\0" * 3 + b"00000000000\0" * 2 + b" " * 8 + b"0"
    head = head.ljust(257, b"\0") + b"ustar\x0000"
    head = head.ljust(512, b"\0")
    return head[:148] + b"%06o\0 " % sum(head) + head[156:] + bytes(1024)


EVERY = [(kind.lower(), Tensor(Storage(kind, str(i), 6), (2, 3))) for i, kind in enumerate(CLASSES)]
F = Storage("Float", "0", 60, "cuda:0")
VIEWS = [("whole", Tensor(F, (5, 12))), ("again", Tensor(F, (5, 12))), ("transposed", Tensor(F, (12, 5), (1, 12))),
         ("slice", Tensor(F, (5, 4), (12, 1), 3)), ("every.other", Tensor(F, (30,), (2,))),
         ("expanded", Tensor(F, (4, 3), (0, 1), 7)), ("one", Tensor(F, (), (), 59)),
         ("permuted", Tensor(F, (3, 5, 4), (4, 12, 1))), ("none", Tensor(F, (0, 7), (7, 1), 60)),
         ("other", Tensor(Storage("Long", "1", 9), (3, 3), (1, 3)))]  # fmt: skip
SMALL = [("a", Tensor(Storage("Float", "10", 6), (2, 3))), ("b", Tensor(Storage("Half", "9", 4), (2, 2), (1, 2)))]
EVIL = pickled(named("os", "system") + tuple_of(text("true")) + b"R")
SCRIPT = [("weight", Tensor(Storage("Float", "0", 6), (2, 3))), ("bias", Tensor(Storage("Float", "1", 2), (2,)))]
CONSTANTS = [("constants.0", Tensor(Storage("Double", "0", 4), (2, 2)))]


def module(tensors):
    """As TorchScript writes one: a class of its own, and the state."""
    state = dict_of([("training", b"\x89"), *((name, t.pickle()) for name, t in tensors)])
    return named("__torch__.torch.nn.modules.linear", "Linear") + b")\x81" + state + b"b"


# Name: members of an archive, and the tensors.
VALID = {
    "pytorch-dtypes": (zipped(EVERY), EVERY),
    "pytorch-big-endian": (zipped(EVERY, order="big"), EVERY),
    "pytorch-views": (zipped(VIEWS), VIEWS),
    "pytorch-views-big-endian": (zipped(VIEWS, order="big"), VIEWS),
    "pytorch-deflated": (zipped(VIEWS, deflated=True), VIEWS),
    "pytorch-no-byteorder": (zipped(SMALL, order=None, folder="ü"), SMALL),
    "pytorch-no-tensors": (zipped([]), []),
    "pytorch-longer-record": (zipped(SMALL, records={"9": SMALL[1][1].storage.bytes + b"more"}), SMALL),
    "pytorch-unknown-members": (zipped(SMALL, front=[Member("archive/", Raw(b""))],
                                       behind=[padded("archive/evil.pkl", EVIL), padded("evil/data/9", b"x"),
                                               padded("archive/data/77", b"x")]), SMALL),
    "pytorch-no-crc": ([padded(m.name, m.content.bytes, entry_crc=0) for m in zipped(SMALL)], SMALL),
    "pytorch-past-4-gib": (past_4_gib(zipped(SMALL)), SMALL),
    "pytorch-script": (zipped(SCRIPT, value=module(SCRIPT), behind=[
        padded("archive/constants/0", CONSTANTS[0][1].storage.bytes),
        padded("archive/constants.pkl", pickled(tuple_of(CONSTANTS[0][1].pickle())))]), SCRIPT + CONSTANTS),
}  # fmt: skip
# Name: what `legacy` is given; the tensors.
VALID_LEGACY = {
    "pytorch-legacy": ({}, VIEWS),
    "pytorch-legacy-dtypes": ({}, EVERY),
    "pytorch-legacy-other-machine": ({"little": False}, SMALL),
    "pytorch-legacy-protocol-4": ({"version": 4}, SMALL),
}
A, B = SMALL[0][1].storage, SMALL[1][1].storage


def opcode(whole, key, legacy=False):
    """Where the persistent id of a storage is: the place of its opcode."""
    name = {"9": B, "10": A}[key].id(legacy)
    return whole.index(name) + len(name) - 1


# Name: members of an archive, status, the place that is told.
INVALID = {
    "pytorch-two-folders": (zipped(SMALL) + [padded("b/data.pkl", pickled(b"}"))], "corrupt", "local5"),
    "pytorch-past-4-gib-elsewhere": (past_4_gib(zipped(SMALL), 1), "corrupt", "local1"),
    "pytorch-no-pickle": ([padded("archive/data/0", b"1234")], "not the format", 0),
    "pytorch-byteorder": (zipped(SMALL, order="middle"), "unsupported", "data1"),
    "pytorch-byteorder-long": (zipped(SMALL, order="little-endian"), "unsupported", "data1"),
    "pytorch-short-record": (zipped(SMALL, records={"9": B.bytes[:-1]}), "corrupt", lambda w: opcode(w, "9")),
    "pytorch-no-record": (zipped(SMALL, records={"10": None}), "corrupt", lambda w: opcode(w, "10")),
}  # fmt: skip
WHOLE, AT = legacy(SMALL)
AT_KEYS = WHOLE.rindex(text("10"), 0, AT)
LEGACY_9 = AT + 8 + len(A.bytes)  # where the storage of key 9 begins
INVALID_LEGACY = {
    "pytorch-tar": (tar("storages"), "unsupported", 0),
    "pytorch-lone-pickle": (pickled(dict_of([("lr", number(1))])), "unsupported", 0),
    "pytorch-legacy-protocol": (legacy(SMALL, protocol=1002)[0], "unsupported", 17),
    "pytorch-legacy-cut-short": (WHOLE[:-1], "corrupt", LEGACY_9),
    "pytorch-legacy-cut-at-size": (WHOLE[: LEGACY_9 + 7], "corrupt", LEGACY_9 + 7),
    "pytorch-legacy-goes-on": (WHOLE + b"\0", "corrupt", len(WHOLE)),
    "pytorch-legacy-huge": (WHOLE[:AT] + b"\xff" * 8 + WHOLE[AT + 8 :], "corrupt", AT),
    "pytorch-legacy-short": (WHOLE[:LEGACY_9] + struct.pack("<Q", 3) + B.bytes[:-2], "corrupt",
                             opcode(WHOLE, "9", True)),
    "pytorch-legacy-key-twice": (legacy(SMALL, keys=["10", "10"])[0], "corrupt", AT_KEYS + 7),
    "pytorch-legacy-unknown-key": (legacy(SMALL, keys=["10", "x"])[0], "corrupt", AT_KEYS + 7),
    "pytorch-legacy-key-missing": (legacy(SMALL, keys=["10"], storages=[A])[0], "corrupt", opcode(WHOLE, "9", True)),
    "pytorch-legacy-no-value": (WHOLE[:60], "corrupt", 60),
}  # fmt: skip


def made():
    """Every file: {path: bytes}."""
    files = {}
    for name, (members, tensors) in VALID.items():
        files[f"valid/{name}.pt"] = archive(members)[0]
        files[f"valid/{name}.expect"] = f"ok {digest(tensors)}\n".encode()
    for name, (how, tensors) in VALID_LEGACY.items():
        files[f"valid/{name}.pt"] = legacy(tensors, **how)[0]
        files[f"valid/{name}.expect"] = f"ok {digest(tensors)}\n".encode()
    for name, (members, status, place) in INVALID.items():
        whole, places = archive(members)
        files[f"invalid/{name}.pt"] = whole
        at = place(whole) if callable(place) else places.get(place, place)
        files[f"invalid/{name}.expect"] = f"{status} {at}\n".encode()
    for name, (whole, status, at) in INVALID_LEGACY.items():
        files[f"invalid/{name}.pt"] = whole
        files[f"invalid/{name}.expect"] = f"{status} {at}\n".encode()
    assert all(len(content) <= 65536 for content in files.values())
    return files


if __name__ == "__main__":
    write(made())
