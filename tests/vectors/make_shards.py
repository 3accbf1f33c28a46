# SPDX-License-Identifier: Apache-2.0
"""Makes the sets of fixtures/shards, and what a reader says of each.

    python3 tests/vectors/make_shards.py [FOLDER]

FOLDER is fixtures/shards by default. Each set is a folder of its own, and `expect` in it has "ok" and the weights digest
by spec/digest.md; or the status and the offset of the fault, or "-" where none is told. Needs nothing but Python.
"""
import hashlib
import json
import struct

from fixture_checks import write
from make_safetensors import DTYPES, data, entry, file_of, tree

INDEX = "model.safetensors.index.json"
ONE, TWO = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
SHARDS = {
    ONE: {"__metadata__": {"format": "pt"}, "a": entry("F32", [2, 3], 0, 24), "b": entry("BF16", [3], 24, 30)},
    TWO: {"__metadata__": {"format": "pt"}, "c": entry("I64", [], 0, 8), "d\u00e9": entry("U8", [0], 8, 8)},
}
MAP = {"a": ONE, "b": ONE, "c": TWO, "d\u00e9": TWO}


def n_data(header):
    return max((t["data_offsets"][1] for name, t in header.items() if name != "__metadata__"), default=0)


def shard(header):
    return file_of(json.dumps(header).encode(), n_data(header))


def digest(shards):
    """The weights digest, of tensors of at most one chunk."""
    leaves = {}
    for header in shards.values():
        for name, t in header.items():
            if name == "__metadata__":
                continue
            begin, end = t["data_offsets"]
            root = hashlib.sha256(b"\x00" + data(n_data(header))[begin:end]) if end > begin else hashlib.sha256(b"\x00")
            shape = struct.pack(f"<B{len(t['shape'])}Q", len(t["shape"]), *t["shape"])
            head = b"\x02" + struct.pack("<H", DTYPES[t["dtype"]][0]) + shape + struct.pack("<Q", end - begin)
            tensor = hashlib.sha256(head + root.digest()).digest()
            key = name.encode()
            leaves[key] = hashlib.sha256(b"\x03" + struct.pack("<I", len(key)) + key + tensor).digest()
    return tree([leaf for _, leaf in sorted(leaves.items())], b"\x04").hex()


def index(weight_map, **metadata):
    return json.dumps({"metadata": metadata, "weight_map": weight_map}, indent=2, sort_keys=True) + "\n"


# Name: index, shards beside it.
VALID = {
    "valid-hugging-face": (index(MAP, total_size=38), SHARDS),
    "valid-size-of-files": (index(MAP, total_size=123456, total_parameters=10, by="somebody"), SHARDS),
    "valid-map-alone": (json.dumps({"weight_map": dict(reversed(MAP.items()))}), SHARDS),
    "valid-one-shard": (index({"a": ONE, "b": ONE}), {ONE: SHARDS[ONE]}),
}
# Name: index with '^' before the byte whose offset is told ('-': none), shards, status.
INVALID = {
    "missing-tensor": (index({**MAP, "x": TWO}).replace('"x"', '^"x"'), SHARDS),
    "extra-tensor": (index({name: file for name, file in MAP.items() if name != "b"}) + "-", SHARDS),
    "tensor-in-two-shards": (index(MAP) + "-", {**SHARDS, TWO: {**SHARDS[TWO], "a": entry("U8", [0], 8, 8)}}),
    "wrong-shard": (index({**MAP, "c": ONE}).replace('"c"', '^"c"'), SHARDS),
    "name-twice": (index(MAP).replace('"b"', '^"a"'), SHARDS),
    "name-leads-out": (index({**MAP, "c": "../" + TWO}).replace('"../', '^"../'), SHARDS),
    "name-with-a-backslash": (index({**MAP, "c": "..\\" + TWO}).replace('"..', '^"..'), SHARDS),
    "name-empty": (index({**MAP, "c": ""}).replace('""', '^""'), SHARDS),
    "missing-shard": (index(MAP) + "-", {ONE: SHARDS[ONE]}),
    "no-map": ('{"metadata":{"total_size":38}^}', SHARDS),
    "text-behind": (index(MAP) + "^{}", SHARDS),
}  # fmt: skip


def made():
    """Every file: {path: bytes}."""
    files = {}
    for name, (text, shards) in VALID.items():
        files[f"{name}/{INDEX}"] = text.encode()
        files[f"{name}/expect"] = f"ok {digest(shards)}\n".encode()
        files.update({f"{name}/{file}": shard(header) for file, header in shards.items()})
    for name, (marked, shards) in INVALID.items():
        has_offset = not marked.endswith("-")
        text = marked.replace("^", "", 1) if has_offset else marked[:-1]
        at = str(len(marked[: marked.index("^")].encode())) if has_offset else "-"
        files[f"{name}/{INDEX}"] = text.encode()
        files[f"{name}/expect"] = f"corrupt {at}\n".encode()
        files.update({f"{name}/{file}": shard(header) for file, header in shards.items()})
    return files


if __name__ == "__main__":
    write(made())
