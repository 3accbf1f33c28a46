# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/run.onnx: a small model that runs, for the tests of `heft run`.

    python3 tests/vectors/make_run_model.py [FILE]

Bytes of an image, a factor that may be pinned, a convolution, five classes, and a branch that makes probabilities of
their scores. All weights are multiples of 1/64.
"""
import pathlib
import struct
import sys

from make_onnx import attribute, initializer, joined, product, raw, text, uint
from make_onnx_graph import FLOAT, constant, integer, ints, node, subgraph, value

UINT8, BOOL = 2, 9


def weight(name, shape, step):
    numbers = [((i * i * step + 40) % 63 - 31) / 64 for i in range(product(shape))]
    return initializer(name, raw(struct.pack(f"<{len(numbers)}f", *numbers)), kind=FLOAT, shape=shape)


def branch(name, op, output, *attributes):
    return subgraph(name, node(op, ["logits"], [output], *attributes), text(2, name), value(12, output, FLOAT, "N", 5))


def main_graph():
    return [
        node("Cast", ["image"], ["wide"], integer("to", FLOAT)),
        constant("most", FLOAT, (), [255.0]),
        node("Div", ["wide", "most"], ["scaled"]),
        node("Mul", ["scaled", "gain"], ["bright"]),
        node("Conv", ["bright", "conv.weight", "conv.bias"], ["conv"], ints("kernel_shape", 3, 3), ints("pads", 1, 1, 1, 1), name="conv"),
        node("Relu", ["conv"], ["active"], name="relu"),
        node("MaxPool", ["active"], ["features"], ints("kernel_shape", 2, 2), ints("strides", 2, 2), name="pool"),
        node("Flatten", ["features"], ["flat"], name="flatten"),
        node("Gemm", ["flat", "fc.weight", "fc.bias"], ["logits"], integer("transB", 1), name="fc"),
        node("If", ["is_soft"], ["scores"], branch("then_branch", "Softmax", "soft", integer("axis", 1)),
             branch("else_branch", "Identity", "plain"), name="choose"),
        text(2, "classifier"),
        weight("conv.weight", (4, 1, 3, 3), 17),
        weight("conv.bias", (4,), 5),
        weight("fc.weight", (5, 64), 29),
        weight("fc.bias", (5,), 11),
        value(11, "image", UINT8, "N", 1, 8, 8),
        value(11, "gain", FLOAT),
        value(11, "is_soft", BOOL),
        value(12, "scores", FLOAT, "N", 5),
        value(12, "features", FLOAT, "N", 4, 4, 4),
    ]  # fmt: skip


def made():
    head = uint(1, 8) + text(2, "example")
    return (head + text(7, joined(main_graph())) + text(8, text(1, "") + uint(2, 17))).data


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "fixtures" / "run.onnx"
    path.write_bytes(made())


if __name__ == "__main__":
    main()
