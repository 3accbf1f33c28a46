# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/digits.onnx, a small convolutional network for fixtures/digits.npz with first values; with --fashion
a larger one for images of 28 x 28, fashion.onnx.

    make_digits_model.py [--fashion] FOLDER
"""
import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

# The first convolution has a stride of 1, the others of 2.
DIGITS = 8, {"conv1": (8, 1, 3, 3), "conv2": (16, 8, 3, 3), "fc1": (32, 256), "fc2": (10, 32)}
FASHION = 28, {
    "conv1": (16, 1, 3, 3),
    "conv2": (32, 16, 3, 3),
    "conv3": (64, 32, 3, 3),
    "fc1": (128, 3136),
    "fc2": (10, 128),
}


def weights_of(layers):
    rng = numpy.random.default_rng(8)
    weights = []
    for name, shape in layers.items():
        fan_in = numpy.prod(shape[1:])
        values = (rng.standard_normal(shape) * numpy.sqrt(2 / fan_in)).astype("<f4")
        weights.append(numpy_helper.from_array(values, f"{name}.weight"))
        weights.append(numpy_helper.from_array(numpy.zeros(shape[0], "<f4"), f"{name}.bias"))
    return weights


def nodes_of(layers):
    nodes, x = [], "x"
    names = list(layers)
    for name in names:
        is_dense, is_first = name.startswith("fc"), name == "conv1"
        if name == "fc1":
            nodes.append(helper.make_node("Flatten", [x], ["f"]))
            x = "f"
        y = "scores" if name == names[-1] else name.replace("conv", "c").replace("fc", "g")
        attributes = {"transB": 1} if is_dense else {"pads": [1, 1, 1, 1]} | ({} if is_first else {"strides": [2, 2]})
        inputs = [x, f"{name}.weight", f"{name}.bias"]
        nodes.append(helper.make_node("Gemm" if is_dense else "Conv", inputs, [y], name, **attributes))
        x = y
        if name != names[-1]:
            x = f"r{1 + names.index(name)}"
            nodes.append(helper.make_node("Relu", [y], [x]))
    return [*nodes, helper.make_node("Softmax", [x], ["y"])]


def main():
    is_fashion = "--fashion" in sys.argv
    size, layers = FASHION if is_fashion else DIGITS
    graph = helper.make_graph(
        nodes_of(layers),
        "fashion" if is_fashion else "digits",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])],
        weights_of(layers),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="heft")
    onnx.checker.check_model(model)
    path = pathlib.Path(sys.argv[-1]) / ("fashion.onnx" if is_fashion else "digits.onnx")
    path.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
