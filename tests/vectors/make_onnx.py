# SPDX-License-Identifier: Apache-2.0
"""Makes the .onnx files of fixtures/valid and fixtures/invalid, and what a reader says of each.

    python3 tests/vectors/make_onnx.py [FOLDER]

FOLDER is fixtures/ by default. Beside onnx-NAME.onnx stands onnx-NAME.expect: "ok", and the weights digest by
spec/digest.md; or the status and the offset of the fault. Needs nothing but Python: the messages are put together
field by field, with the numbers that onnx.proto gives.
"""
import hashlib
import struct

from fixture_checks import write
from make_safetensors import tree


class Bytes:
    """Bytes, and where in them the fault is, if it is there."""

    def __init__(self, data=b"", at=None):
        self.data, self.at = data, at

    def __add__(self, other):
        at = self.at if other.at is None else len(self.data) + other.at
        return Bytes(self.data + other.data, at)


def here(part):
    return Bytes(part.data, 0)


def within(part, n):
    return Bytes(part.data, n)


def varint(v):
    out = b""
    v &= (1 << 64) - 1
    while v >= 0x80:
        out, v = out + bytes([v & 0x7F | 0x80]), v >> 7
    return out + bytes([v])


def uint(number, v):
    return Bytes(varint(number << 3) + varint(v))


def uints(number, values):
    return joined(uint(number, v) for v in values)


def f32(number, v):
    return Bytes(varint(number << 3 | 5) + struct.pack("<f", v))


def text(number, content):
    """A string, bytes, or a message."""
    if not isinstance(content, Bytes):
        content = Bytes(content.encode() if isinstance(content, str) else content)
    return Bytes(varint(number << 3 | 2) + varint(len(content.data))) + content


def packed(number, values):
    return text(number, b"".join(varint(v) for v in values))


def joined(parts):
    out = Bytes()
    for part in parts:
        out += part
    return out


# --- messages ---


def dims(shape):
    return uints(1, shape)


def tensor(name, kind, shape, *payload):
    return dims(shape) + uint(2, kind) + (text(8, name) if name else Bytes()) + joined(payload)


def raw(data):
    return text(9, data)


def attribute(name, *parts):
    return text(5, text(1, name) + joined(parts))


def node(*parts, name="", op="Op", outputs=("y",)):
    named = text(3, name) if name else Bytes()
    return text(1, joined(text(2, o) for o in outputs) + named + text(4, op) + joined(parts))


def constant(value, name="value", outputs=("c",), label="", field=5):
    return node(attribute(name, text(field, value)), name=label, op="Constant", outputs=outputs)


def model(*graph, after=(), before=None):
    start = uint(1, 8) + text(2, "heft") if before is None else before
    return start + text(7, joined(graph)) + joined(after)


def data(n):
    return bytes((7 * i + 1) % 251 for i in range(n))


def initializer(name, *payload, kind=1, shape=(2,)):
    return text(5, tensor(name, kind, shape, *payload))


A = initializer("a", raw(data(8)))

# By the number of the data type: that of spec/ids.md, bits of an element, typed field, bits that a number holds.
TYPES = {
    1: (0x12, 32, 4, 32), 2: (0x02, 8, 5, 8), 3: (0x03, 8, 5, 8), 4: (0x04, 16, 5, 16), 5: (0x05, 16, 5, 16), 6: (0x07, 32, 5, 32),
    7: (0x09, 64, 7, 64), 9: (0x01, 8, 5, 8), 10: (0x10, 16, 5, 16), 11: (0x13, 64, 10, 64), 12: (0x06, 32, 11, 32), 13: (0x08, 64, 11, 64),
    14: (0x18, 64, 4, 32), 15: (0x19, 128, 10, 64), 16: (0x11, 16, 5, 16), 17: (0x20, 8, 5, 8), 18: (0x22, 8, 5, 8), 19: (0x21, 8, 5, 8),
    20: (0x23, 8, 5, 8), 21: (0x30, 4, 5, 8), 22: (0x31, 4, 5, 8), 23: (0x2A, 4, 5, 8), 24: (0x24, 8, 5, 8), 25: (0x32, 2, 5, 8),
    26: (0x33, 2, 5, 8), 27: (0x28, 6, 5, 6), 28: (0x29, 6, 5, 6),
}  # fmt: skip


def product(shape):
    n = 1
    for d in shape:
        n *= d
    return n


def logical(kind, shape):
    """Bytes of a tensor of this type, whose last byte has no bits behind the last element."""
    bits = product(shape) * TYPES[kind][1]
    out = bytearray(b & 1 for b in data(bits // 8)) if kind == 9 else bytearray(data((bits + 7) // 8))
    if bits % 8:
        out[-1] &= (1 << bits % 8) - 1
    return bytes(out)


def numbers(kind, content, n_elements):
    """What the typed field has for these bytes. Signed ones are sign-extended to 64 bits, as protobuf does."""
    _, _, field, bits = TYPES[kind]
    if bits == 6:
        whole = int.from_bytes(content, "little")
        return [whole >> 6 * i & 63 for i in range(n_elements)]
    size = bits // 8
    signed = kind in (3, 5, 6, 7)
    return [int.from_bytes(content[i : i + size], "little", signed=signed) for i in range(0, len(content), size)]


def typed(kind, shape):
    """The field that holds them: packed."""
    field, content = TYPES[kind][2], logical(kind, shape)
    if field in (4, 10):
        return text(field, content)
    return packed(field, numbers(kind, content, product(shape)))


def spelled(kind, shape):
    """Not packed, a field each."""
    field, content = TYPES[kind][2], logical(kind, shape)
    if field in (4, 10):
        n = 4 if field == 4 else 8
        tag = varint(field << 3 | (5 if field == 4 else 1))
        return Bytes(b"".join(tag + content[i : i + n] for i in range(0, len(content), n)))
    return uints(field, numbers(kind, content, product(shape)))


def mixed(kind, shape):
    """Two packed runs, with single numbers and another field between them."""
    field = TYPES[kind][2]
    n = 4 if field == 4 else 8
    content = logical(kind, shape)
    if field in (4, 10):
        one = lambda i: Bytes(varint(field << 3 | (5 if field == 4 else 1)) + content[n * i : n * i + n])
        run = lambda i, j: text(field, content[n * i : n * j])
        last = len(content) // n
    else:
        values = numbers(kind, content, product(shape))
        one = lambda i: uint(field, values[i])
        run = lambda i, j: packed(field, values[i:j])
        last = len(values)
    return run(0, 2) + text(12, "a note") + one(2) + one(3) + text(field, b"") + run(4, last)


def digest(tensors):
    """Of (name, type, shape, logical bytes), each of at most one chunk."""
    leaves = []
    for name, kind, shape, content in sorted((t[0].encode(), *t[1:]) for t in tensors):
        if content:
            root = hashlib.sha256(b"\x00" + content).digest()
        else:
            root = hashlib.sha256(b"\x00").digest()
        start = b"\x02" + struct.pack("<H", TYPES[kind][0]) + struct.pack(f"<B{len(shape)}Q", len(shape), *shape)
        told = hashlib.sha256(start + struct.pack("<Q", len(content)) + root).digest()
        leaves.append(hashlib.sha256(b"\x03" + struct.pack("<I", len(name)) + name + told).digest())
    return (tree(leaves, b"\x04") if leaves else hashlib.sha256(b"\x04").digest()).hex()


# --- files that are whole ---

ONE = ("a", 1, (2,), data(8))


def every_type(how, shapes):
    """A model of a tensor of each type in each shape, and what it has."""
    parts, told = [], []
    for kind in TYPES:
        for shape in shapes:
            name = f"{kind}.{'x'.join(map(str, shape))}"
            parts.append(text(5, tensor(name, kind, shape, how(kind, shape))))
            told.append((name, kind, shape, logical(kind, shape)))
    return model(*parts), told


def nested(depth, part):
    """A graph's content with `part` that many subgraphs below it."""
    for i in range(depth):
        part = node(attribute("b", text(6, part)), name=f"n{i}")
    return part


def names_of_nested(depth):
    return "".join(f"n{i}.b." for i in reversed(range(depth)))


def other_order():
    """Fields from the last to the first, unknown ones between them, and lengths longer than they need be."""
    unknown = uint(1000, 7) + text(999, "unknown") + Bytes(varint(998 << 3 | 5) + b"1234") + Bytes(varint(997 << 3 | 1) + b"12345678")
    t = raw(data(8)) + unknown + text(8, "a") + uint(2, 1) + uint(1, 2)
    inner = text(5, t) + unknown
    branch = text(5, unknown + text(6, inner) + text(1, "then"))
    whole = text(1, branch + text(7, "") + text(4, "If") + unknown + text(3, "if") + text(2, "o"))
    size = varint(len(whole.data))
    graph = Bytes(varint(7 << 3 | 2) + size[:-1] + bytes([size[-1] | 0x80, 0x80, 0])) + whole
    return graph + unknown + text(2, "heft") + uint(1, 8) + uint(1, 8), [("if.then.a", 1, (2,), data(8))]


FLOATS = struct.pack("<3f", 1, -2, 0.5)
INT8 = tensor("", 3, (4,), raw(data(4)))


def constants():
    parts = [
        constant(tensor("", 1, (2,), raw(data(8)))),
        constant(tensor("", 1, (), raw(data(4))), outputs=("scalar",)),
        constant(tensor("", 7, (2,), raw(data(16))), outputs=("shape",)),
        constant(tensor("", 9, (2,), raw(b"\0\1")), outputs=("flags",)),
        constant(tensor("", 8, (1,), text(6, "words")), outputs=("words",)),
        constant(INT8, outputs=("quantised",)),
        constant(tensor("its own name", 10, (1, 1), raw(data(2))), outputs=("",), label="by label"),
        node(attribute("value_floats", *(f32(7, v) for v in (1, -2, 0.5))), op="Constant", outputs=("floats",)),
        node(attribute("value_floats", text(7, FLOATS)), op="Constant", outputs=("packed",)),
        node(attribute("value_float", f32(2, 1)), op="Constant", outputs=("float",)),
        node(attribute("value_ints", uints(8, (1, 2))), op="Constant", outputs=("ints",)),
        node(attribute("value_floats", text(21, "of the function")), op="Constant", outputs=("ref",)),
        node(attribute("value", text(5, tensor("", 1, (2,), raw(data(8))))), op="ConstantOfShape", outputs=("none",)),
        text(1, text(2, "other") + text(4, "Constant") + text(7, "my.domain") + attribute("value", text(5, INT8))),
        text(1, text(2, "same") + text(4, "Constant") + text(7, "ai.onnx") + attribute("value", text(5, INT8))),
    ]
    told = [
        ("c", 1, (2,), data(8)), ("quantised", 3, (4,), data(4)), ("by label", 10, (1, 1), data(2)), ("floats", 1, (3,), FLOATS),
        ("packed", 1, (3,), FLOATS), ("same", 3, (4,), data(4)),
    ]  # fmt: skip
    return model(*parts), told


def sparse_tensor(values, indices):
    return text(1, values) + text(2, indices) + uint(3, 9)


def sparse():
    values = lambda name: tensor(name, 1, (2,), raw(data(8)))
    indices = tensor("", 7, (2,), raw(data(16)))
    parts = [
        text(15, sparse_tensor(values("s"), indices)),
        text(15, text(2, indices) + text(1, values("turned"))),
        constant(sparse_tensor(values("x"), indices), "sparse_value", ("k",), field=22),
        constant(sparse_tensor(tensor("", 7, (2,), raw(data(16))), indices), "sparse_value", ("ints",), field=22),
        text(15, sparse_tensor(tensor("words", 8, (1,), text(6, "w")), indices)),
    ]
    told = []
    for name in ("s", "turned", "k"):
        told += [(name + ".values", 1, (2,), data(8)), (name + ".indices", 7, (2,), data(16))]
    return model(*parts), told


def qualified():
    a = A
    parts = [
        node(attribute("body", text(6, a)), name="labelled"),
        node(attribute("body", text(6, a)), outputs=("", "second")),
        node(attribute("body", text(6, a)), op="Loop", outputs=()),
        node(attribute("cases", text(11, a), text(11, Bytes()), text(11, a + constant(INT8))), name="sw"),
        node(attribute("t", text(6, node(attribute("e", text(6, a)), name="in"))), name="out"),
    ]
    function = lambda name, domain, *more: text(
        25, text(7, constant(INT8).data[2:]) + text(7, node(attribute("g", text(6, a)), name="n").data[2:]) + text(1, name) + text(10, domain) + joined(more)
    )
    after = (function("F", "my.domain"), function("F", "my.domain", text(13, "fast")), function("G", ""))
    told = [(name, *ONE[1:]) for name in ("labelled.body.a", "second.body.a", "Loop.body.a", "sw.cases.0.a", "sw.cases.2.a", "out.t.in.e.a")]
    told.append(("sw.cases.2.c", 3, (4,), data(4)))
    for name in ("my.domain::F", "my.domain::F:fast", "::G"):
        told += [(name + ".c", 3, (4,), data(4)), (name + ".n.g.a", *ONE[1:])]
    return model(*parts, after=after), told


def training():
    graph = A + node(attribute("g", text(6, A)), name="n")
    return model(A, after=(text(20, text(1, graph) + text(2, A)), text(20, text(2, A)))), [ONE]


def same_names():
    parts = [A, A, initializer("a#2", raw(data(8))), A, constant(INT8, outputs=("a",)), initializer("a#2", raw(data(8)))]
    told = [(name, *ONE[1:]) for name in ("a", "a#2", "a#2#2", "a#3", "a#2#3")] + [("a#4", 3, (4,), data(4))]
    return model(*parts), told


def empties():
    """Without elements, as a scalar, packed dims, an empty field beside the one that holds the bytes."""
    parts = [
        initializer("none", shape=(0, 3)),
        initializer("raw", raw(b""), shape=(2, 0)),
        initializer("scalar", raw(data(4)), shape=()),
        text(5, packed(1, (2, 1)) + uint(2, 1) + text(8, "packed dims") + raw(data(8))),
        initializer("beside", raw(b""), text(4, data(8))),
        initializer("32", raw(data(4)), shape=(1,) * 32),
        text(5, tensor("words", 8, (2,), text(6, ""), text(6, "b"))),
    ]
    told = [
        ("none", 1, (0, 3), b""), ("raw", 1, (2, 0), b""), ("scalar", 1, (), data(4)), ("packed dims", 1, (2, 1), data(8)),
        ("beside", 1, (2,), data(8)), ("32", 1, (1,) * 32, data(4)),
    ]  # fmt: skip
    return model(*parts), told


def entry(key, value):
    return text(13, text(1, key) + text(2, value))


BESIDE = data(100)


def external_tensor(name, *entries, shape=(2,)):
    return text(5, tensor(name, 1, shape, *(entry(k, v) for k, v in entries), uint(14, 1)))


def external():
    checksum = hashlib.sha1(BESIDE).hexdigest()
    place = ("location", "onnx-external.data")
    parts = [
        A,
        external_tensor("whole", place, ("offset", "12"), ("length", "8"), ("checksum", checksum), ("basepath", "unknown")),
        external_tensor("rest", place, ("offset", "92")),
        external_tensor("from the beginning", ("checksum", checksum.upper()), place, shape=(25,)),
    ]
    told = [ONE, ("whole", 1, (2,), BESIDE[12:20]), ("rest", 1, (2,), BESIDE[92:]), ("from the beginning", 1, (25,), BESIDE)]
    return model(*parts), told


def metadata():
    entries = [("k", "first"), ("\u00e9 \"\n", "b"), ("", ""), ("k", "last")]
    return model(A, after=[text(14, text(1, k) + text(2, v)) for k, v in entries]), [ONE]


VALID = {
    "types-raw": every_type(lambda kind, shape: raw(logical(kind, shape)), [(), (7,), (3, 4)]),
    "types-packed": every_type(typed, [(), (7,), (3, 4)]),
    "types-not-packed": every_type(spelled, [(5,)]),
    "types-in-several-runs": every_type(mixed, [(24,)]),
    "fields-in-another-order": other_order(),
    "subgraphs-64-deep": (model(nested(64, A)), [(names_of_nested(64) + "a", *ONE[1:])]),
    "constants": constants(),
    "sparse": sparse(),
    "qualified-names": qualified(),
    "training": training(),
    "same-names": same_names(),
    "empties": empties(),
    "external": external(),
    "metadata": metadata(),
    "no-tensors": (model(text(2, "empty")), []),
}


# --- files that are refused ---


def bad(*payload, kind=1, shape=(2,), name="b"):
    """The fault is told where the tensor begins."""
    return model(A, here(initializer(name, *payload, kind=kind, shape=shape)))


def bad_in(*payload, kind=1, shape=(2,)):
    """The fault is told where it is marked."""
    return model(A, initializer("b", *payload, kind=kind, shape=shape))


def bad_external(*entries, shape=(2,), more=()):
    return model(A, here(text(5, tensor("b", 1, shape, *(entry(k, v) for k, v in entries), uint(14, 1), *more))))


def bad_entry(key, value, *entries):
    """The fault is told where the value begins."""
    marked = text(2, value)
    marked = within(marked, len(marked.data) - len(value.encode()))
    return model(A, text(5, tensor("b", 1, (2,), *(entry(k, v) for k, v in entries), text(13, text(1, key) + marked), uint(14, 1))))


AT = ("location", "onnx-external.data")
GRAPH = text(7, A)

# Name: the file with its fault marked, status.
INVALID = {
    "no-graph": (uint(1, 8) + here(Bytes()), "corrupt"),
    "graph-twice": (model(A, after=[here(GRAPH)]), "unsupported"),
    "graph-is-a-number": (uint(1, 8) + here(uint(7, 1)), "corrupt"),
    "field-past-the-model": (model(A, after=[here(Bytes(b"\x72\x05abc"))]), "corrupt"),
    "field-past-its-message": (model(A, text(5, here(Bytes(b"\x4a\x7f") + Bytes(data(8))))), "corrupt"),
    "field-number-0": (model(A, here(Bytes(b"\x02\x00"))), "corrupt"),
    "group": (model(A, here(Bytes(b"\x0b\x0c"))), "corrupt"),
    "varint-of-11-bytes": (model(A, Bytes(b"\x60") + here(Bytes(b"\xff" * 10 + b"\x01"))), "corrupt"),
    "dims-cut-short": (bad_in(text(1, within(Bytes(b"\x80"), 0))), "corrupt"),
    "value-twice": (model(node(attribute("value", text(5, INT8), here(text(5, INT8))), op="Constant")), "unsupported"),
    "body-twice": (model(node(attribute("body", text(6, A), here(text(6, A))))), "unsupported"),
    "sparse-values-twice": (model(text(15, text(1, INT8) + here(text(1, INT8)) + text(2, INT8))), "unsupported"),
    "initialization-twice": (model(A, after=[text(20, text(1, A) + here(text(1, A)))]), "unsupported"),
    "subgraphs-65-deep": (model(nested(64, node(attribute("b", here(text(6, A)))))), "limit"),
    "metadata-is-no-utf8": (model(A, after=[text(14, text(1, "k") + text(2, within(Bytes(b"ab\xff"), 2)))]), "corrupt"),
    "sparse-without-indices": (model(here(text(15, text(1, tensor("s", 1, (2,), raw(data(8))))))), "corrupt"),
    "name-missing": (bad(raw(data(8)), name=""), "corrupt"),
    "name-is-no-utf8": (bad(raw(data(8)), name=b"\xff"), "corrupt"),
    "name-too-long": (bad(raw(data(8)), name="n" * 4097), "limit"),
    "qualified-name-too-long": (model(node(attribute("b", text(6, here(A))), name="n" * 4094)), "limit"),
    "type-unknown": (bad(raw(data(8)), kind=29), "unsupported"),
    "type-missing": (bad(raw(data(8)), kind=0), "unsupported"),
    "constant-type-unknown": (model(node(attribute("value", here(text(5, tensor("", 29, (2,))))), op="Constant")), "unsupported"),
    "constant-outside": (
        model(node(attribute("value", here(text(5, tensor("", 7, (2,), entry(*AT), uint(14, 1))))), op="Constant")),
        "unsupported",
    ),
    "dimension-negative": (bad_in(here(uint(1, -1)), raw(data(8))), "corrupt"),
    "rank-33": (bad_in(here(uint(1, 1)), raw(data(4)), shape=(1,) * 32), "limit"),
    "elements-past-63-bits": (bad(raw(data(8)), shape=(1 << 40, 1 << 40)), "corrupt"),
    "no-bytes": (bad(), "corrupt"),
    "two-places": (bad(raw(data(8)), text(4, data(8))), "corrupt"),
    "raw-twice": (bad_in(raw(data(8)), here(raw(data(8)))), "corrupt"),
    "segment": (bad_in(here(text(3, uint(1, 0))), raw(data(8))), "unsupported"),
    "raw-too-short": (bad_in(here(raw(data(7)))), "corrupt"),
    "raw-too-long": (bad_in(here(raw(data(9)))), "corrupt"),
    "field-of-another-type": (bad_in(here(packed(5, (1, 2)))), "corrupt"),
    "two-typed-fields": (bad_in(here(text(4, data(8))), text(10, data(8))), "corrupt"),
    "floats-too-many": (bad_in(here(text(4, data(12)))), "corrupt"),
    "floats-cut-short": (bad_in(here(text(4, data(6)))), "corrupt"),
    "numbers-too-few": (bad_in(here(packed(5, (1,))), kind=6), "corrupt"),
    "numbers-too-many-for-the-shape": (bad_in(here(packed(5, (-1,) * 3)), kind=6), "corrupt"),
    "numbers-not-packed-too-many": (bad_in(here(uints(5, (1, 2, 3))), kind=6), "corrupt"),
    "numbers-fewer-than-bytes": (bad_in(here(packed(5, (300, 300))), kind=6, shape=(3,)), "corrupt"),
    "numbers-more-than-the-shape": (bad_in(here(packed(5, (1, 2, 3))), kind=6), "corrupt"),
    "many-numbers-fewer-than-bytes": (bad_in(within(packed(5, (300,) * 2049), 3), kind=6, shape=(2050,)), "corrupt"),
    "many-numbers-more-than-the-shape": (bad_in(within(packed(5, (1,) * 4097), 3), kind=6, shape=(4096,)), "corrupt"),
    "location-of-bytes-unknown": (bad(raw(data(8)), uint(14, 2)), "corrupt"),
    "external-and-not": (bad(raw(data(8)), entry(*AT)), "corrupt"),
    "external-and-raw": (bad_external(AT, more=[raw(data(8))]), "corrupt"),
    "external-without-location": (bad_external(("offset", "0")), "corrupt"),
    "external-missing": (bad_external(("location", "onnx-not-there.data")), "corrupt"),
    "external-above": (bad_entry("location", "../onnx-external.data"), "corrupt"),
    "external-past-the-end": (bad_external(AT, ("offset", "93"), ("length", "8")), "corrupt"),
    "external-rest-too-long": (bad_external(AT, ("offset", "91")), "corrupt"),
    "external-two-checksums": (
        model(
            external_tensor("a", AT, ("length", "8"), ("checksum", "0" * 40)),
            here(external_tensor("b", AT, ("length", "8"), ("checksum", "1" * 40))),
        ),
        "corrupt",
    ),
    "external-absolute": (bad_entry("location", "/etc/passwd"), "corrupt"),
    "external-parent": (bad_entry("location", "a/../onnx-external.data"), "corrupt"),
    "external-dot": (bad_entry("location", "./onnx-external.data"), "corrupt"),
    "external-empty-part": (bad_entry("location", "a//b"), "corrupt"),
    "external-empty": (bad_entry("location", ""), "corrupt"),
    "external-backslash": (bad_entry("location", "..\\x"), "corrupt"),
    "external-nul": (bad_entry("location", "a\0b"), "corrupt"),
    "external-memory": (bad_entry("location", "x/_ORT_MEM_ADDR_/y"), "corrupt"),
    "external-memory-absolute": (bad_entry("location", "/_ORT_MEM_ADDR_/"), "corrupt"),
    "external-location-too-long": (bad_entry("location", "n" * 4097), "limit"),
    "external-offset-negative": (bad_entry("offset", "-1", AT), "corrupt"),
    "external-offset-hexadecimal": (bad_entry("offset", "0x10", AT), "corrupt"),
    "external-offset-empty": (bad_entry("offset", "", AT), "corrupt"),
    "external-offset-past-63-bits": (bad_entry("offset", "9223372036854775808", AT), "corrupt"),
    "external-length-not-the-tensors": (bad_entry("length", "9", AT), "corrupt"),
    "external-checksum-too-short": (bad_entry("checksum", "0" * 39, AT), "corrupt"),
    "external-checksum-no-digits": (bad_entry("checksum", "g" * 40, AT), "corrupt"),
}


def made():
    """Every file: {path: bytes}."""
    files = {"valid/onnx-external.data": BESIDE, "invalid/onnx-external.data": BESIDE}
    for name, (whole, told) in VALID.items():
        files[f"valid/onnx-{name}.onnx"] = whole.data
        files[f"valid/onnx-{name}.expect"] = f"ok {digest(told)}\n".encode()
    for name, (whole, status) in INVALID.items():
        files[f"invalid/onnx-{name}.onnx"] = whole.data
        files[f"invalid/onnx-{name}.expect"] = f"{status} {whole.at}\n".encode()
    return files


if __name__ == "__main__":
    write(made())
