# SPDX-License-Identifier: Apache-2.0
"""Operators that no model of the other tests has, against onnxruntime and ONNX's reference: com.microsoft.QAttention, Scan
of operator set 8 (spec F6-94), and Attention and RotaryEmbedding of F64."""

import numpy
import pytest

from peers import heft

onnx = pytest.importorskip("onnx")
from onnx import helper  # noqa: E402


def of_one_node(op, opset, inputs, n_out, out_dtype, domain="", **attributes):
    """A model, and what goes into it; None: left out."""
    arrays = {f"i{k}": numpy.asarray(a) for k, a in enumerate(inputs) if a is not None}
    names = [f"i{k}" if a is not None else "" for k, a in enumerate(inputs)]
    outs = [f"o{k}" for k in range(n_out)]
    node = helper.make_node(op, names, outs, domain=domain, **attributes)
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for name, a in arrays.items()
    ]
    graph = helper.make_graph(
        [node], "g", infos, [helper.make_tensor_value_info(out, out_dtype, None) for out in outs]
    )
    opsets = [helper.make_opsetid("", 17 if domain else opset)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10), arrays


def run_heft(model, arrays, folder):
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    given = []
    for name, array in arrays.items():
        numpy.save(folder / f"{name}.npy", array)
        given += ["--input", f"{name}={folder / f'{name}.npy'}"]
    heft("run", folder / "m.onnx", *given, "-o", folder / "out.npz", "-f")
    with numpy.load(folder / "out.npz") as file:
        return [file[value.name] for value in model.graph.output]


def by_onnxruntime(model, arrays):
    onnxruntime = pytest.importorskip("onnxruntime")
    onnxruntime.set_default_logger_severity(3)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, arrays)


def by_reference(model, arrays):
    reference = pytest.importorskip("onnx.reference")
    return reference.ReferenceEvaluator(model).run(None, arrays)


def check(made, folder, library, tolerance):
    model, arrays = made
    found, wanted = run_heft(model, arrays, folder), library(model, arrays)
    for got, expected in zip(found, wanted, strict=True):
        assert got.dtype == expected.dtype and got.shape == expected.shape
        assert numpy.abs(got - expected).max(initial=0) <= tolerance * numpy.abs(expected).max(initial=0)
        assert expected.size < 2 or numpy.ptp(expected) > 0


RNG = numpy.random.default_rng(3)


def f32(*shape):
    return RNG.standard_normal(shape).astype(numpy.float32)


def f64(*shape):
    return RNG.standard_normal(shape)


def i8(*shape, most=128):
    return RNG.integers(-most, most, shape).astype(numpy.int8)


def u8(*shape):
    return RNG.integers(0, 256, shape).astype(numpy.uint8)


def scale(value):
    return numpy.array(value, numpy.float32)


Q_ATTENTIONS = {
    "zero-points-and-lengths": (
        [u8(2, 5, 12), i8(12, 24), f32(24), scale(0.02), scale(0.01), numpy.array([3, 5], numpy.int32),
         numpy.uint8(130), numpy.int8(0)],
        1, {"num_heads": 2},
    ),
    "scales-of-columns-and-a-mask": (
        [u8(2, 5, 12), i8(12, 24), f32(24), scale(0.02), RNG.uniform(0.001, 0.01, 24).astype(numpy.float32),
         numpy.array([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]], numpy.int32), numpy.uint8(130), i8(24, most=4)],
        1, {"num_heads": 2},
    ),
    "a-past": (
        [u8(2, 1, 70), u8(70, 96), f32(96), scale(0.01), scale(0.005), None, numpy.uint8(3), numpy.uint8(128),
         f32(2, 2, 4, 6, 8)],
        2, {"num_heads": 4, "unidirectional": 1},
    ),
    "large": (
        [u8(2, 64, 256), i8(256, 768), f32(768), scale(0.01), scale(0.002), None, numpy.uint8(120)],
        1, {"num_heads": 8},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", Q_ATTENTIONS)
def test_q_attention(tmp_path, name):
    inputs, n_out, attributes = Q_ATTENTIONS[name]
    made = of_one_node(
        "QAttention", 1, inputs, n_out, onnx.TensorProto.FLOAT, domain="com.microsoft", **attributes
    )
    check(made, tmp_path, by_onnxruntime, 1e-5)


def scan(lengths, directions):
    """A running product of two scanned inputs, added to a state; and of the sum, what each step makes."""
    value = lambda name, shape: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)  # noqa: E731
    body = helper.make_graph(
        [
            helper.make_node("Mul", ["a", "b"], ["ab"]),
            helper.make_node("Add", ["state", "ab"], ["next"]),
            helper.make_node("Sub", ["next", "a"], ["seen"]),
        ],
        "body",
        [value("state", [3]), value("a", [3]), value("b", [3])],
        [value("next", [3]), value("seen", [3])],
    )
    state, a, b = f32(4, 3), f32(4, 6, 3), f32(4, 6, 3)
    node = helper.make_node(
        "Scan", ["lengths" if lengths else "", "state", "a", "b"], ["last", "all"], body=body, num_scan_inputs=2,
        directions=directions,
    )  # fmt: skip
    inputs = [value("state", [4, 3]), value("a", [4, 6, 3]), value("b", [4, 6, 3])]
    arrays = {"state": state, "a": a, "b": b}
    if lengths:
        inputs.insert(0, helper.make_tensor_value_info("lengths", onnx.TensorProto.INT64, [4]))
        arrays["lengths"] = numpy.array(lengths, numpy.int64)
    graph = helper.make_graph([node], "g", inputs, [value("last", [4, 3]), value("all", [4, 6, 3])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 8)], ir_version=3), arrays


@pytest.mark.parametrize("directions", [[0, 0], [1, 0], [1, 1]])
@pytest.mark.parametrize("lengths", [None, [6, 6, 6, 6], [2, 6, 1, 3]])
def test_scan_of_operator_set_8(tmp_path, lengths, directions):
    check(scan(lengths, directions), tmp_path, by_onnxruntime, 1e-6)


def test_scan_of_operator_set_8_refuses_lengths_past_the_end(tmp_path):
    model, arrays = scan([7, 6, 6, 6], [0, 0])
    with pytest.raises(AssertionError, match="a sequence of 6 items has not 7"):
        run_heft(model, arrays, tmp_path)


MASK = RNG.random((40, 11)) < 0.7
F64 = {
    "plain": ("Attention", 23, [f64(2, 3, 5, 8), f64(2, 3, 7, 8), f64(2, 3, 7, 6)], 1, {}),
    "shared-keys": (
        "Attention", 24, [f64(2, 70, 24), f64(2, 90, 8), f64(2, 90, 8), f64(2, 6, 70, 90)], 4,
        {"q_num_heads": 6, "kv_num_heads": 2, "is_causal": 1, "qk_matmul_output_mode": 3},
    ),
    "a-past": (
        "Attention", 24,
        [f64(1, 2, 40, 16), f64(1, 2, 3, 16), f64(1, 2, 3, 16), MASK, f64(1, 2, 8, 16), f64(1, 2, 8, 16)], 4,
        {"softcap": 2.0, "scale": 0.25, "qk_matmul_output_mode": 1},
    ),
    "rotary": (
        "RotaryEmbedding", 23, [f64(2, 3, 5, 8), f64(9, 4), f64(9, 4), RNG.integers(0, 9, (2, 5))], 1, {},
    ),
    "rotary-of-some": (
        "RotaryEmbedding", 23, [f64(2, 5, 24), f64(2, 5, 2), f64(2, 5, 2)], 1,
        {"num_heads": 3, "interleaved": 1, "rotary_embedding_dim": 4},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", F64)
def test_f64_is_computed_in_binary64(tmp_path, name):
    op, opset, inputs, n_out, attributes = F64[name]
    made = of_one_node(op, opset, inputs, n_out, onnx.TensorProto.DOUBLE, **attributes)
    check(made, tmp_path, by_reference, 1e-13)
