# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/digits.onnx, a small convolutional network for fixtures/digits.npz with first values.

    make_digits_model.py FIXTURES
"""
import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

LAYERS = {"conv1": (8, 1, 3, 3), "conv2": (16, 8, 3, 3), "fc1": (32, 256), "fc2": (10, 32)}


def main():
    rng = numpy.random.default_rng(8)
    weights = []
    for name, shape in LAYERS.items():
        fan_in = numpy.prod(shape[1:])
        values = (rng.standard_normal(shape) * numpy.sqrt(2 / fan_in)).astype("<f4")
        weights.append(numpy_helper.from_array(values, f"{name}.weight"))
        weights.append(numpy_helper.from_array(numpy.zeros(shape[0], "<f4"), f"{name}.bias"))

    def layer(op, name, x, y, **attributes):
        return helper.make_node(op, [x, f"{name}.weight", f"{name}.bias"], [y], name, **attributes)

    nodes = [
        layer("Conv", "conv1", "x", "c1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        layer("Conv", "conv2", "r1", "c2", pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("Flatten", ["r2"], ["f"]),
        layer("Gemm", "fc1", "f", "g1", transB=1),
        helper.make_node("Relu", ["g1"], ["r3"]),
        layer("Gemm", "fc2", "r3", "scores", transB=1),
        helper.make_node("Softmax", ["scores"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="heft")
    onnx.checker.check_model(model)
    (pathlib.Path(sys.argv[1]) / "digits.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
