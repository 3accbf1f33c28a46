# SPDX-License-Identifier: Apache-2.0
"""The worked examples of spec/digest.md, computed from its table of preimages and nothing else.

    worked_examples.py      prints the section "Worked examples"; test_worked_examples.py compares it with the page
"""
import hashlib
import struct


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf(data):
    return sha256(b"\x00", data)


def node(left, right, domain):
    return sha256(domain, left, right)


def tensor(dtype, dims, n_bytes, root):
    return sha256(b"\x02", struct.pack("<HB", dtype, len(dims)), *[struct.pack("<Q", d) for d in dims],
                  struct.pack("<Q", n_bytes), root)


def weights_leaf(name, tensor_digest):
    return sha256(b"\x03", struct.pack("<I", len(name)), name, tensor_digest)


def listed(space, tie, name, tensor_digest):
    return struct.pack("<BII", space, tie, len(name)) + name + tensor_digest


def page():
    """The text of the section, without its heading."""
    lines = []

    def say(text=""):
        lines.append(text)

    def show(name, digest):
        lines.append(f"    {name:<10} {digest.hex()}")

    data = struct.pack("<2f", 1.0, 2.0)
    a_root = leaf(data)
    a = tensor(0x12, [2], 8, a_root)
    say("**A tensor of one chunk.** F32, shape [2], values 1 and 2: the bytes 00 00 80 3F 00 00 00 40. Its root is the only leaf,")
    say("H(00 ‖ bytes); its digest is H(02 ‖ 12 00 ‖ 01 ‖ 02 00 00 00 00 00 00 00 ‖ 08 00 00 00 00 00 00 00 ‖ root).")
    say()
    show("root", a_root)
    show("digest", a)

    empty_root = sha256(b"\x00")
    b = tensor(0x11, [0, 4], 0, empty_root)
    say()
    say("**An empty tensor.** BF16, shape [0, 4]. There is no chunk: the root is H(00).")
    say()
    show("root", empty_root)
    show("digest", b)

    unit, n = 3, 2 * ((1 << 20) - 1) + 3
    chunk = (1 << 20) - (1 << 20) % unit
    leaves = [leaf(bytes(min(chunk, n - at))) for at in range(0, n, chunk)]
    left = node(leaves[0], leaves[1], b"\x01")
    c_root = node(left, leaves[2], b"\x01")
    c = tensor(0x28, [n // 3 * 4], n, c_root)
    assert len(leaves) == 3
    say()
    say(f"**A tensor of three chunks.** F6_E2M3, shape [{n // 3 * 4}], all zeros: {n} bytes. The unit is 3, so C = {chunk},")
    say("and the chunks have 1048575, 1048575 and 3 bytes. The tree splits at two: root = H(01 ‖ H(01 ‖ L0 ‖ L1) ‖ L2).")
    say()
    for i, one in enumerate(leaves):
        show(f"L{i}", one)
    show("H(L0, L1)", left)
    show("root", c_root)
    show("digest", c)

    leaf_a, leaf_b = weights_leaf(b"a", a), weights_leaf(b"b", b)
    weights = node(leaf_a, leaf_b, b"\x04")
    say()
    say("**Weights.** The first two tensors, named `a` and `b`: H(04 ‖ leaf of a ‖ leaf of b), where the leaf of a is")
    say("H(03 ‖ 01 00 00 00 ‖ 61 ‖ its digest). The source's order does not matter.")
    say()
    show("leaf of a", leaf_a)
    show("leaf of b", leaf_b)
    show("weights", weights)
    show("no tensors", sha256(b"\x04"))

    tensors = sha256(b"\x07", struct.pack("<Q", 2), listed(0, 1, b"b", b), listed(0, 0, b"a", a))
    meta = b'{"format":"pt"}'
    section = sha256(b"\x06", struct.pack("<I", 0x10), meta)
    artifact = sha256(b"\x05", struct.pack("<H", 1), weights, tensors, struct.pack("<I", 1),
                      struct.pack("<IQ", 0x10, len(meta)), section)
    say()
    say('**An artifact.** The same weights, in the source\'s order `b`, `a`, with the metadata {"format":"pt"}. Neither is tied, so')
    say("each gives its own row, 1 and 0. The list is H(07 ‖ 02 00 00 00 00 00 00 00 ‖ 00 ‖ 01 00 00 00 ‖ 01 00 00 00 ‖ 62 ‖")
    say("digest of b ‖ 00 ‖ 00 00 00 00 ‖ 01 00 00 00 ‖ 61 ‖ digest of a); the artifact digest is H(05 ‖ 01 00 ‖ weights ‖ list ‖")
    say("01 00 00 00 ‖ 10 00 00 00 ‖ 0F 00 00 00 00 00 00 00 ‖ META's digest).")
    say()
    show("list", tensors)
    show("META", section)
    show("artifact", artifact)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
