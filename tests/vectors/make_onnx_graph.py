# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/graph.onnx: a small model with something of everything that a graph may have.

    python3 tests/vectors/make_onnx_graph.py [FILE]

Convolution and normalisation, an embedding, constants in nodes, branches that use what is outside, a function,
dimensions with names and without, inputs that are left out, a name that a terminal must not obey.
"""
import pathlib
import struct
import sys

from make_onnx import attribute, data, f32, initializer, joined, packed, product, raw, tensor, text, uint

FLOAT, INT64, FLOAT16 = 1, 7, 10
SIZES = {FLOAT: 4, INT64: 8, FLOAT16: 2}


def weight(name, shape, kind=FLOAT):
    return initializer(name, raw(data(SIZES[kind] * product(shape))), kind=kind, shape=shape)


def value(field, name, kind, *shape):
    """A ValueInfoProto; a dimension is a size, a name, or None."""
    dims = joined(text(1, uint(1, d) if isinstance(d, int) else text(2, d) if d else b"") for d in shape)
    return text(field, text(1, name) + text(2, text(1, uint(1, kind) + text(2, dims))))


def node(op, inputs, outputs, *attributes, name="", domain=""):
    parts = [text(1, i) for i in inputs] + [text(2, o) for o in outputs]
    parts += [text(3, name)] if name else []
    parts += [text(4, op), *attributes]
    parts += [text(7, domain)] if domain else []
    return text(1, joined(parts))


def ints(name, *values):
    return attribute(name, packed(8, values), uint(20, 7))


def integer(name, v):
    return attribute(name, uint(3, v), uint(20, 2))


def number(name, v):
    return attribute(name, f32(2, v), uint(20, 1))


def word(name, v):
    return attribute(name, text(4, v), uint(20, 3))


def subgraph(name, *parts):
    return attribute(name, text(6, joined(parts)), uint(20, 5))


def constant(name, kind, shape, numbers):
    content = struct.pack(f"<{len(numbers)}{'q' if kind == INT64 else 'f'}", *numbers)
    return node("Constant", [], [name], attribute("value", text(5, tensor("", kind, shape, raw(content))), uint(20, 4)))


def branches():
    then_branch = subgraph(
        "then_branch",
        node("MatMul", ["mean", "head.weight"], ["then_product"]),
        node("Add", ["then_product", "head.bias"], ["then_out"]),
        text(2, "trained"),
        value(12, "then_out", FLOAT, "N", 10),
    )
    else_branch = subgraph(
        "else_branch",
        node("Gemm", ["mean", "weight", "bias"], ["else_out"], integer("transB", 1), number("alpha", 0.5)),
        weight("weight", (10, 8)),
        weight("bias", (10,)),
        value(12, "else_out", FLOAT, "N", 10),
    )
    return node("If", ["is_trained"], ["scores"], then_branch, else_branch, name="choose")


def main_graph():
    return [
        node("Conv", ["image", "features.0.weight", "features.0.bias"], ["conv"], ints("kernel_shape", 3, 3), ints("strides", 2, 2),
             ints("pads", 1, 1, 1, 1), name="features.0"),
        node("BatchNormalization", ["conv"] + [f"features.1.{n}" for n in ("weight", "bias", "running_mean", "running_var")], ["norm"],
             number("epsilon", 1e-5)),
        constant("six", FLOAT, (), [6.0]),
        node("Clip", ["norm", "", "six"], ["clipped"]),
        node("ReduceMean", ["clipped"], ["pooled"], ints("axes", 2, 3), integer("keepdims", 0)),
        constant("shape", INT64, (2,), [-1, 8]),
        node("Reshape", ["pooled", "shape"], ["flat"]),
        node("Gather", ["labels.embedding", "label"], ["embedded"], integer("axis", 0)),
        node("Mix", ["flat", "embedded", "mix.gate"], ["mean"], word("mode", "sum"), domain="example"),
        branches(),
        node("Split", ["scores"], ["first", "rest"], integer("axis", -1)),
        node("FastGelu", ["rest", "gelu.bias"], ["odd\nname"], domain="com.microsoft"),
        text(2, "classifier"),
        weight("features.0.weight", (8, 3, 3, 3)),
        weight("features.0.bias", (8,)),
        weight("features.1.weight", (8,)),
        weight("features.1.bias", (8,)),
        weight("features.1.running_mean", (8,)),
        weight("features.1.running_var", (8,)),
        weight("labels.embedding", (4, 8), FLOAT16),
        weight("mix.gate", (8, 8)),
        weight("head.weight", (8, 10)),
        weight("head.bias", (10,)),
        weight("gelu.bias", (5,)),
        value(11, "image", FLOAT, "N", 3, 32, 32),
        value(11, "label", INT64, "N", None),
        value(11, "is_trained", 9),
        value(11, "head.bias", FLOAT, 10),
        value(12, "first", FLOAT, "N", 5),
        value(12, "odd\nname", FLOAT, "N", 5),
        value(13, "conv", FLOAT, "N", 8, 16, 16),
        value(13, "scores", FLOAT, "N", 10),
    ]  # fmt: skip


def function():
    body = lambda *args, **more: text(7, node(*args, **more).data[2:])
    return text(
        25,
        text(1, "Mix") + joined(text(4, n) for n in ("a", "b", "gate")) + text(5, "out") + text(6, "mode")
        + body("MatMul", ["b", "gate"], ["gated"])
        + body("Add", ["a", "gated"], ["out"], attribute("how", text(21, "mode"), uint(20, 3)))
        + text(10, "example"),
    )  # fmt: skip


def made():
    head = uint(1, 9) + text(2, "example") + text(3, "1.0")
    opsets = [text(8, text(1, domain) + uint(2, version)) for domain, version in (("", 17), ("example", 1), ("com.microsoft", 1))]
    return (head + text(7, joined(main_graph())) + joined(opsets) + text(14, text(1, "license") + text(2, "CC0-1.0")) + function()).data


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "fixtures" / "graph.onnx"
    path.write_bytes(made())


if __name__ == "__main__":
    main()
