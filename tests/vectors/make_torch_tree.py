# SPDX-License-Identifier: Apache-2.0
"""Makes the files of fixtures/valid and fixtures/invalid that show how tensors lie in PyTorch's values.

    python3 tests/vectors/make_torch_tree.py [FOLDER]

FOLDER is fixtures/ by default. Beside torch-tree-NAME.pt stands torch-tree-NAME.expect: "ok", and the weights digest by
spec/digest.md; or the status and the offset of the fault. make_pytorch.py makes the archives around them.
"""

from fixture_checks import write
from make_npz import archive
from make_pytorch import (
    SMALL,
    Storage,
    Tensor,
    call,
    dict_of,
    digest,
    list_of,
    named,
    number,
    ordered,
    text,
    tuple_of,
    zipped,
)

NONE, NO, YES = b"N", b"\x89", b"\x88"
HOOKS = named("collections", "OrderedDict") + b")R"
A, B = SMALL[0][1], SMALL[1][1]
C = Tensor(Storage("Float", "3", 4), (4,))
I = Tensor(Storage("Long", "4", 4), (2, 2))


def parameter(tensor):
    return call("torch._utils", "_rebuild_parameter", tensor.pickle(), YES, HOOKS)


def module(name, parameters=(), buffers=(), modules=(), more=()):
    state = dict_of([("training", NO), ("_parameters", dict_of(parameters)), ("_buffers", dict_of(buffers)),
                     ("_backward_hooks", HOOKS), ("_modules", dict_of(modules)), *more])  # fmt: skip
    return named("own.net", name) + b")\x81" + state + b"b"


def adam(tensor):
    state = b"}(" + number(0) + dict_of([("step", number(3)), ("exp_avg", tensor.pickle())]) + b"u"
    return dict_of([("state", state), ("param_groups", list_of(dict_of([("params", list_of(number(0)))])))])


def quantised(storage, *params):
    return call("torch._utils", "_rebuild_qtensor", storage.id(), number(0), tuple_of(number(storage.n)),
                tuple_of(number(1)), tuple_of(*params), NO, HOOKS)  # fmt: skip


def typed(kind, name, storage_class, dtype, size):
    """A storage of another class, and the way that heft sees it."""
    storage = Storage(kind, name, size)
    storage.kind = storage_class
    storage.dtype = dtype
    return storage


def sparse(layout, *parts, size=(4, 5)):
    which = call("torch.serialization", "_get_layout", text("torch." + layout))
    return call("torch._utils", "_rebuild_sparse_tensor", which,
                tuple_of(*(p.pickle() for p in parts), call("torch", "Size", tuple_of(*map(number, size)))))  # fmt: skip


def v2(storage, offset, size, strides, *more):
    return call("torch._utils", "_rebuild_tensor_v2", storage.id(), number(offset), tuple_of(*map(number, size)),
                tuple_of(*map(number, strides)), NO, HOOKS, *more)  # fmt: skip


def v3(storage, dtype, n):
    return call("torch._utils", "_rebuild_tensor_v3", storage.id(), number(0), tuple_of(number(n)), tuple_of(number(1)), NO,
                HOOKS, named("torch", dtype))  # fmt: skip


INNER = module("Inner", [("weight", parameter(B)), ("bias", NONE)])
NET = module("Net", [("w", parameter(A))], [("mean", C.pickle()), ("step", I.pickle())], [("inner", INNER)],
             [("_non_persistent_buffers_set", call("__builtin__", "set", list_of(text("step")))), ("lr", number(3))])
NET_WEIGHTS = [("w", A), ("mean", C), ("inner.weight", B)]
Q = typed("Char", "5", "QInt8", 0x03, 4)
W = typed("Byte", "6", "Untyped", 0x04, 8)
WORDS = Tensor(W, (4,))
WORDS.logical = lambda: W.bytes
ALL = [("a", A), ("b", B), ("c", C), ("i", I)]

# Name: the value, the tensors whose storages there are, those of space `weights`.
VALID = {
    "module": (NET, ALL, NET_WEIGHTS),
    "module-in-a-checkpoint": (dict_of([("epoch", number(7)), ("model", NET), ("ema", NONE), ("optimizer", adam(C))]), ALL,
                               NET_WEIGHTS),
    "module-twice": (module("Twin", modules=[("one", INNER + b"q\x01"), ("two", b"h\x01")]), ALL,
                     [("one.weight", B), ("two.weight", B)]),
    "two-models": (dict_of([("model", ordered([("a", A.pickle())])), ("ema", ordered([("a", B.pickle())]))]), ALL,
                   [("model.a", A), ("ema.a", B)]),
    "lightning": (dict_of([("epoch", number(1)), ("callbacks", dict_of([("best", C.pickle())])),
                           ("state_dict", ordered([("model.a", A.pickle()), ("b", B.pickle())])),
                           ("optimizer_states", list_of(adam(C))), ("score", I.pickle())]), ALL,
                  [("model.a", A), ("b", B)]),
    "lists": (list_of(A.pickle(), tuple_of(B.pickle(), dict_of([("x", C.pickle())])), number(5)), ALL,
              [("0", A), ("1.0", B), ("1.1.x", C)]),
    "name-twice": (b"}(" + number(1) + A.pickle() + text("1") + B.pickle() + b"u", ALL, [("1", A), ("1#2", B)]),
    "lone-tensor": (A.pickle(), [("a", A)], [("tensor", A)]),
    "quantised": (dict_of([("q", quantised(Q, named("torch", "per_tensor_affine"), b"G?\xb9\x99\x99\x99\x99\x99\x9a",
                                           number(3)))]), [("q", Tensor(Q, (4,)))], [("q", Tensor(Q, (4,)))]),
    "quantised-by-channel": (dict_of([("q", quantised(Q, named("torch", "per_channel_affine"), C.pickle(), I.pickle(),
                                                      number(0)))]), [*ALL, ("q", Tensor(Q, (4,)))],
                             [("q", Tensor(Q, (4,))), ("q.scales", C), ("q.zero_points", I)]),
    "sparse-coo": (dict_of([("s", sparse("sparse_coo", I, C))]), ALL, [("s.indices", I), ("s.values", C)]),
    "sparse-csc": (dict_of([("s", sparse("sparse_csc", I, I, C))]), ALL,
                   [("s.ccol_indices", I), ("s.row_indices", I), ("s.values", C)]),
    "untyped": (dict_of([("u", v3(W, "uint16", 4))]), [("u", WORDS)], [("u", WORDS)]),
    "cycle": (b"]q\x01(" + A.pickle() + b"h\x01e", ALL, [("0", A)]),
}  # fmt: skip
F = A.storage
# Name: the value, the status, and the value whose end is the place that is told.
INVALID = {
    "outside": (dict_of([("x", v2(F, 0, (7,), (1,)))]), "corrupt", v2(F, 0, (7,), (1,))),
    "outside-by-strides": (dict_of([("x", v2(F, 1, (2, 3), (3, 1)))]), "corrupt", v2(F, 1, (2, 3), (3, 1))),
    "overflow": (dict_of([("x", v2(F, 1, (5,), (2**62,)))]), "corrupt", v2(F, 1, (5,), (2**62,))),
    "overflow-by-offset": (dict_of([("x", v2(F, 2**62, (), ()))]), "corrupt", v2(F, 2**62, (), ())),
    "negative-stride": (dict_of([("x", v2(F, 5, (2,), (-1,)))]), "corrupt", tuple_of(number(-1))),
    "conjugated": (dict_of([("x", v2(F, 0, (6,), (1,), dict_of([("conj", YES)])))]), "unsupported",
                   v2(F, 0, (6,), (1,), dict_of([("conj", YES)]))),
    "meta": (dict_of([("x", call("torch._utils", "_rebuild_meta_tensor_no_storage", named("torch", "float32"),
                                 tuple_of(number(3)), tuple_of(number(1)), NO))]), "unsupported",
             call("torch._utils", "_rebuild_meta_tensor_no_storage", named("torch", "float32"), tuple_of(number(3)),
                  tuple_of(number(1)), NO)),
    "dtype": (dict_of([("x", v3(W, "complex32", 1))]), "unsupported", v3(W, "complex32", 1)),
    "two-sizes": (list_of(A.pickle(), Tensor(Storage("Float", "10", 5), (5,)).pickle()), "corrupt",
                  Storage("Float", "10", 5).id()),
    "two-classes": (list_of(A.pickle(), Tensor(Storage("Int", "10", 6), (6,)).pickle()), "corrupt",
                    Storage("Int", "10", 6).id()),
    "paths": (tuple_of(A.pickle()) + b"2\x86" * 40, "limit", A.pickle()),
}  # fmt: skip


def place(whole, value):
    """Of the opcode that makes it, which is its last."""
    return whole.index(value) + len(value) - 1


def made():
    """Every file: {path: bytes}."""
    files = {}
    for name, (value, tensors, weights) in VALID.items():
        files[f"valid/torch-tree-{name}.pt"] = archive(zipped(tensors, value=value))[0]
        files[f"valid/torch-tree-{name}.expect"] = f"ok {digest(weights)}\n".encode()
    for name, (value, status, at) in INVALID.items():
        whole = archive(zipped([*ALL, ("u", WORDS)], value=value))[0]
        files[f"invalid/torch-tree-{name}.pt"] = whole
        at = place(whole, at)
        files[f"invalid/torch-tree-{name}.expect"] = f"{status} {at}\n".encode()
    assert all(len(content) <= 65536 for content in files.values())
    return files


if __name__ == "__main__":
    write(made())
