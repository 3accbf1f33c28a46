# SPDX-License-Identifier: Apache-2.0
"""First values, new heads and what a file tells of them: models that heft wrote, run by onnxruntime (spec/lineage.md)."""

import hashlib
import json
import math
import os
import pathlib

import numpy
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from peers import digest, heft, refused

onnxruntime = pytest.importorskip("onnxruntime")
onnxruntime.set_default_logger_severity(3)

FLOAT = TensorProto.FLOAT
RANDOM = numpy.random.default_rng(3)
MODELS = pathlib.Path(os.environ.get("HEFT_BUILD", ".")) / "models"


def value(name, *shape):
    return helper.make_tensor_value_info(name, FLOAT, shape)


def save(path, nodes, weights, inputs, outputs, infos=(), weights_are_inputs=False):
    """`weights` by name: a shape of random numbers, or the array itself."""
    arrays = {n: RANDOM.standard_normal(w).astype(numpy.float32) if isinstance(w, tuple) else w for n, w in weights.items()}
    initializers = [numpy_helper.from_array(a, n) for n, a in arrays.items()]
    if weights_are_inputs:
        inputs = [*inputs, *(value(n, *a.shape) for n, a in arrays.items())]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers, value_info=list(infos))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return path


def perceptron(path, **options):
    nodes = [
        helper.make_node("Gemm", ["x", "a.w", "a.b"], ["h"], transB=1, name="first"),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "b.w", "b.b"], ["logits"], transB=1, name="last"),
        helper.make_node("Softmax", ["logits"], ["y"]),
    ]
    weights = {"a.w": (6, 4), "a.b": (6,), "b.w": (10, 6), "b.b": (10,)}
    return save(path, nodes, weights, [value("x", "N", 4)], [value("y", "N", 10)], [value("logits", "N", 10)], **options)


def plain_gemm(path):
    """The weight as [in, out], no bias, and several passing nodes behind it."""
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["g"], name="last"),
        helper.make_node("Mul", ["g", "two"], ["m"]),
        helper.make_node("Sigmoid", ["m"], ["y"]),
    ]
    return save(path, nodes, {"w": (4, 10), "two": numpy.array([2], numpy.float32)}, [value("x", "N", 4)], [value("y", "N", 10)])


def tokens(path):
    """MatMul and Add on three dimensions, the weight transposed first."""
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["m"], name="last"),
        helper.make_node("Add", ["b", "m"], ["y"]),
    ]
    weights = {"w": (10, 4), "b": (10,)}
    return save(path, nodes, weights, [value("x", "N", 3, 4)], [value("y", "N", 3, 10)], [value("m", "N", 3, 10)])


def squeezed(path, shape=(0, -1)):
    """A 1x1 convolution in front of the pooling, as SqueezeNet has it."""
    nodes = [
        helper.make_node("Conv", ["x", "c.w", "c.b"], ["c"], name="classifier", kernel_shape=[1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Reshape", ["p", "shape"], ["y"], name="flat"),
    ]
    weights = {"c.w": (10, 4, 1, 1), "c.b": (10,), "shape": numpy.array(shape, numpy.int64)}
    return save(path, nodes, weights, [value("x", "N", 4, 5, 5)], [value("y", "N", 10)])


SHAPES = {perceptron: (2, 4), plain_gemm: (2, 4), tokens: (2, 3, 4), squeezed: (2, 4, 5, 5)}


def run(path, x):
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def run_heft(path, x, folder):
    numpy.save(folder / "x.npy", x)
    heft("run", path, "--input", f"x={folder / 'x.npy'}", "-o", folder / "y.npz", "-f")
    with numpy.load(folder / "y.npz") as file:
        return file["y"]


def arrays_of(path, folder):
    heft("convert", "-f", "--no-graph", "--no-metadata", path, folder / "arrays.npz")
    with numpy.load(folder / "arrays.npz") as file:
        return {name: file[name] for name in file.files}


def put(model, arrays):
    """The same model with other arrays in the place of its initializers, by onnx alone."""
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(arrays[tensor.name], tensor.name))
    return model


@pytest.mark.parametrize("make", SHAPES, ids=lambda m: m.__name__)
def test_a_heft_file_with_new_weights_becomes_a_model_that_onnxruntime_runs(make, tmp_path):
    model = make(tmp_path / "in.onnx")
    x = RANDOM.standard_normal(SHAPES[make]).astype(numpy.float32)
    heft("init", "--seed", "5", model, tmp_path / "out.heft")
    heft("convert", tmp_path / "out.heft", tmp_path / "out.onnx")
    assert digest(tmp_path / "out.onnx") == digest(tmp_path / "out.heft") != digest(model)
    expected = put(onnx.load(str(model)), arrays_of(tmp_path / "out.heft", tmp_path))
    onnx.save(expected, str(tmp_path / "expected.onnx"))
    numpy.testing.assert_array_equal(run(tmp_path / "out.onnx", x), run(tmp_path / "expected.onnx", x))
    numpy.testing.assert_allclose(run_heft(tmp_path / "out.heft", x, tmp_path), run(tmp_path / "out.onnx", x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("end", ["onnx", "heft"])
@pytest.mark.parametrize("n", [1, 3, 17])
@pytest.mark.parametrize("make", SHAPES, ids=lambda m: m.__name__)
def test_a_new_head_gives_as_many_classes_as_asked_for(make, n, end, tmp_path):
    """L6-1 to L6-3."""
    model = make(tmp_path / "in.onnx")
    x = RANDOM.standard_normal(SHAPES[make]).astype(numpy.float32)
    heft("init", "--head", n, "--seed", "9", model, tmp_path / f"out.{end}")
    if end == "heft":
        assert "agrees" in heft("verify", tmp_path / "out.heft")
        heft("convert", tmp_path / "out.heft", tmp_path / "out.onnx")
    axis = 2 if make is tokens else 1
    y = run(tmp_path / "out.onnx", x)
    assert y.shape[axis] == n
    numpy.testing.assert_allclose(run_heft(tmp_path / f"out.{end}", x, tmp_path), y, rtol=1e-4, atol=1e-5)
    old, new = arrays_of(model, tmp_path), arrays_of(tmp_path / "out.onnx", tmp_path)
    changed = {name for name in old if old[name].shape != new[name].shape}
    assert changed == {name for name in old if 10 in old[name].shape}
    for name in old.keys() - changed:
        numpy.testing.assert_array_equal(old[name], new[name])
    for name in changed:
        assert new[name].shape == tuple(n if d == 10 else d for d in old[name].shape)
        assert name.endswith("b") == (not new[name].any())


def test_weights_that_are_inputs_as_well_are_declared_anew(tmp_path):
    model = perceptron(tmp_path / "in.onnx", weights_are_inputs=True)
    heft("init", "--head", "7", model, tmp_path / "out.onnx")
    assert run(tmp_path / "out.onnx", numpy.zeros((1, 4), numpy.float32)).shape == (1, 7)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in onnx.load(str(tmp_path / "out.onnx")).graph.input}
    assert shapes["b.w"] == [7, 6] and shapes["b.b"] == [7] and shapes["a.w"] == [6, 4]


def test_a_weight_in_a_constant_node_gets_a_new_shape_too(tmp_path):
    weight = numpy_helper.from_array(RANDOM.standard_normal((4, 10)).astype(numpy.float32))
    nodes = [helper.make_node("Constant", [], ["w"], value=weight), helper.make_node("MatMul", ["x", "w"], ["y"])]
    model = save(tmp_path / "in.onnx", nodes, {}, [value("x", "N", 4)], [value("y", "N", 10)])
    heft("init", "--head", "3", model, tmp_path / "out.onnx")
    assert run(tmp_path / "out.onnx", numpy.ones((1, 4), numpy.float32)).shape == (1, 3)


def test_what_fixes_the_old_classes_is_named(tmp_path):
    """L6-2"""
    out = tmp_path / "out.onnx"
    model = squeezed(tmp_path / "a.onnx", (-1, 10))
    assert "'flat' (Reshape)" in refused("init", "--head", "3", model, out, status=3)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Mul", ["m", "s"], ["y"], name="scale")]
    model = save(tmp_path / "b.onnx", nodes, {"w": (4, 10), "s": (10,)}, [value("x", "N", 4)], [value("y", "N", 10)])
    assert "'scale' (Mul)" in refused("init", "--head", "3", model, out, status=3)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Concat", ["m", "m"], ["y"], axis=1, name="both")]
    model = save(tmp_path / "c.onnx", nodes, {"w": (4, 10)}, [value("x", "N", 4)], [value("y", "N", 20)])
    assert "'both' (Concat)" in refused("init", "--head", "3", model, out, status=3)
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    model = save(tmp_path / "d.onnx", nodes, {}, [value("x", "N", 4)], [value("y", "N", 4)])
    assert "no linear layer" in refused("init", "--head", "3", model, out, status=3)
    nodes = [helper.make_node("Gemm", ["x", "w"], ["m"], name="a"), helper.make_node("Gemm", ["m", "w"], ["y"], name="b")]
    model = save(tmp_path / "e.onnx", nodes, {"w": (4, 4)}, [value("x", "N", 4)], [value("y", "N", 4)])
    assert "shares its weight" in refused("init", "--head", "3", model, out, status=3)
    assert not out.exists()


REAL = {"lenet": (1, 28, 28), "resnet18": (3, 64, 64), "squeezenet": (3, 64, 64), "mobilenet_v3": (3, 64, 64)}


@pytest.mark.parametrize("name", REAL)
def test_a_well_known_shape_gets_first_values_and_a_head_and_runs(name, tmp_path):
    """Exported by test_onnxruntime.py, where torch is at hand."""
    model = MODELS / f"{name}.onnx"
    if not model.exists():
        pytest.skip(f"{model} was not exported")
    x = RANDOM.standard_normal((2, *REAL[name])).astype(numpy.float32)
    for options, n in (["--head", "5"], 5), (["--seed", "3"], None):
        heft("init", "-f", *options, model, tmp_path / "out.heft")
        heft("convert", "-f", tmp_path / "out.heft", tmp_path / "out.onnx")
        y = run(tmp_path / "out.onnx", x)
        assert numpy.isfinite(y).all() and y.std() > 0 and (n is None or y.shape == (2, n))


# --- first values, drawn a second time from spec/numerics.md and spec/lineage.md alone ---


def philox(seed, counter):
    key, c = [seed & 0xFFFFFFFF, seed >> 32], list(counter)
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [b >> 32 ^ c[1] ^ key[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ key[1], a & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def words(seed, tensor, n):
    return [w for i in range(-(-n // 4)) for w in philox(seed, (0, tensor, 0, i))][:n]


def uniforms(seed, tensor, n):
    return numpy.array([w >> 8 for w in words(seed, tensor, n)], numpy.float32) * numpy.float32(2**-24)


def normals(seed, tensor, n):
    w = words(seed, tensor, n + n % 2)
    pairs = zip(w[0::2], w[1::2], strict=True)
    polar = [(math.sqrt(-2 * math.log((u + 1) * 2**-32)), v * 2 * math.pi * 2**-32) for u, v in pairs]
    return numpy.array([x for r, a in polar for x in (r * math.cos(a), r * math.sin(a))][:n], numpy.float32)


def test_xavier_draws_the_bits_that_the_rules_say(tmp_path):
    """L5-2, L5-3"""
    model = perceptron(tmp_path / "in.onnx")
    heft("init", "--init", "xavier", "--seed", 2**40 + 7, model, tmp_path / "out.heft")
    got = arrays_of(tmp_path / "out.heft", tmp_path)
    for tensor, (name, fans) in enumerate({"a.w": (4, 6), "a.b": None, "b.w": (6, 10), "b.b": None}.items()):
        if not fans:
            assert not got[name].any()
            continue
        scale = numpy.float32(math.sqrt(6 / sum(fans)))
        expected = (2 * uniforms(2**40 + 7, tensor, got[name].size) - 1) * scale
        numpy.testing.assert_array_equal(got[name].ravel(), expected)


def test_he_and_normal_draw_the_numbers_that_the_rules_say(tmp_path):
    """L5-1, L5-2"""
    model = squeezed(tmp_path / "in.onnx")
    for options, scale in (["--init", "he"], math.sqrt(2 / 4)), (["--init", "normal:0.125"], 0.125):
        heft("init", "-f", "--seed", "11", *options, model, tmp_path / "out.heft")
        got = arrays_of(tmp_path / "out.heft", tmp_path)
        numpy.testing.assert_allclose(got["c.w"].ravel(), normals(11, 0, 40) * numpy.float32(scale), rtol=3e-7)
        assert not got["c.b"].any() and list(got["shape"]) == [0, -1]


def layers():
    """A node of each kind whose weights are known, and what they become: fan in, or the constant."""
    normal = ["s.scale", "s.shift", "s.mean", "s.var"]
    nodes = [
        helper.make_node("Conv", ["x", "conv.w", "conv.b"], ["a"], group=2, kernel_shape=[3, 3], pads=[1] * 4),
        helper.make_node("BatchNormalization", ["a", *normal], ["b"]),
        helper.make_node("PRelu", ["b", "slope"], ["c"]),
        helper.make_node("ConvTranspose", ["c", "up.w"], ["d"], kernel_shape=[2, 2]),
        helper.make_node("GlobalAveragePool", ["d"], ["e"]),
        helper.make_node("Flatten", ["e"], ["f"]),
        helper.make_node("LayerNormalization", ["f", "n.scale", "n.shift"], ["g"]),
        helper.make_node("MatMul", ["g", "m.w"], ["h"]),
        helper.make_node("Add", ["h", "m.b"], ["y"]),
    ]
    weights = {
        "conv.w": (8, 2, 3, 3), "conv.b": (8,), "s.scale": (8,), "s.shift": (8,), "s.mean": (8,),
        "s.var": numpy.ones(8, numpy.float32), "slope": (8, 1, 1), "up.w": (8, 300, 2, 2),
        "n.scale": (300,), "n.shift": (300,), "m.w": (300, 40), "m.b": (40,),
    }  # fmt: skip
    drawn = {"conv.w": 2 * 9, "up.w": 8 * 4, "m.w": 300}
    constant = {"slope": 0.25, "s.scale": 1, "s.var": 1, "n.scale": 1}
    return nodes, weights, drawn, constant


def test_each_kind_of_weight_gets_its_own_first_values(tmp_path):
    """L5-1"""
    nodes, weights, drawn, constant = layers()
    model = save(tmp_path / "in.onnx", nodes, weights, [value("x", "N", 4, 5, 5)], [value("y", "N", 40)])
    heft("init", "--seed", "1", model, tmp_path / "out.onnx")
    got = arrays_of(tmp_path / "out.onnx", tmp_path)
    for name, array in got.items():
        if name in drawn:
            assert abs(array.std() / math.sqrt(2 / drawn[name]) - 1) < 0.2, name
        else:
            assert (array == constant.get(name, 0)).all(), name
    assert numpy.isfinite(run(tmp_path / "out.onnx", numpy.ones((1, 4, 5, 5), numpy.float32))).all()


def test_only_and_keep_leave_the_others_and_a_tensor_of_no_known_use_is_named(tmp_path):
    nodes = [helper.make_node("Add", ["x", "place"], ["p"], name="sum"), helper.make_node("MatMul", ["p", "w"], ["y"])]
    model = save(tmp_path / "in.onnx", nodes, {"place": (3, 4), "w": (4, 2)}, [value("x", "N", 3, 4)], [value("y", "N", 3, 2)])
    old = arrays_of(model, tmp_path)
    said = refused("init", model, tmp_path / "out.heft", status=3)
    assert "'place'" in said and "'sum' (Add)" in said
    for options in ["--keep", "pl*"], ["--only", "w"]:
        heft("init", "-f", *options, model, tmp_path / "out.heft")
        new = arrays_of(tmp_path / "out.heft", tmp_path)
        numpy.testing.assert_array_equal(old["place"], new["place"])
        assert (old["w"] != new["w"]).all()
    refused("init", "--keep", "nothing*", model, tmp_path / "out.heft", status=2)
    refused("init", "--init", "normal:-1", model, tmp_path / "out.heft", status=2, begins="heft init")


# --- lineage ---


def lineage(path):
    return json.loads(heft("log", "--json", path))["lineage"]


def test_steps_follow_one_another(tmp_path):
    """L2-1, L2-2, L3-2: canonical JSON that any reader reads, oldest step first, each from what the one before gave."""
    model = perceptron(tmp_path / "in.onnx")
    heft("init", "--seed", "5", model, tmp_path / "a.heft")
    heft("init", "--head", "3", tmp_path / "a.heft", tmp_path / "b.heft")
    found = lineage(tmp_path / "b.heft")
    first, second = found["steps"]
    assert found["lineage"] == 1
    assert [first["kind"], second["kind"]] == ["init", "head"]
    assert first["parent"] == {"weights": digest(model)}
    assert second["parent"]["weights"] == first["result"] == digest(tmp_path / "a.heft")
    assert second["parent"]["artifact"] == heft("digest", "--artifact", tmp_path / "a.heft").split()[0]
    assert second["result"] == digest(tmp_path / "b.heft")
    assert first["recipe"] == {"init": "he"} and first["seed"] == "5"
    assert second["recipe"] == {"head": 3, "was": 10, "head_init": "he"}
    assert second["changed"] == ["b.w", "b.b"] and second["rewrites"] == [{"what": "head", "where": "last"}]
    assert heft("log", tmp_path / "in.onnx").endswith(": no lineage\n")


def test_the_same_work_gives_the_same_bytes(tmp_path):
    model = perceptron(tmp_path / "in.onnx")
    for name in "a", "b":
        (tmp_path / name).mkdir()
        heft("init", "--seed", "5", "-j", "1" if name == "a" else "3", model, tmp_path / name / f"{name}.heft")
    assert (tmp_path / "a" / "a.heft").read_bytes() == (tmp_path / "b" / "b.heft").read_bytes()


def test_a_model_whose_lineage_is_not_its_own_is_not_built_upon(tmp_path):
    heft("init", perceptron(tmp_path / "in.onnx"), tmp_path / "a.heft")
    text = heft("dump", tmp_path / "a.heft")
    (tmp_path / "b.text").write_text(text.replace("values 0 0 0", "values 0 1 0", 1))
    heft("pack", tmp_path / "b.text", tmp_path / "b.heft")
    assert "other weights" in heft("verify", tmp_path / "b.heft", status=1)
    assert "does not agree" in refused("init", tmp_path / "b.heft", tmp_path / "c.heft", status=3)


def test_a_changed_tensor_takes_the_lineage_with_it(tmp_path):
    """R7.4-1, R7.4-2: it is bound to the weights; metadata is not."""
    heft("init", perceptron(tmp_path / "in.onnx"), tmp_path / "a.heft")
    heft("edit", "--set", "note=kept", tmp_path / "a.heft")
    assert lineage(tmp_path / "a.heft") and "agrees" in heft("verify", tmp_path / "a.heft")
    heft("convert", "--compress", tmp_path / "a.heft", tmp_path / "b.heft")
    assert lineage(tmp_path / "b.heft") == lineage(tmp_path / "a.heft")
    heft("convert", "--dtype", "BF16", "--no-graph", tmp_path / "a.heft", tmp_path / "c.heft")
    assert lineage(tmp_path / "c.heft") is None
    heft("edit", "--rename", "a.w=first", tmp_path / "a.heft")
    assert lineage(tmp_path / "a.heft") is None


def packed(path, steps, run=None, tensor="1 2"):
    """A heft file with a lineage put in by hand."""
    text = json.dumps({"lineage": 1, "steps": steps}, separators=(",", ":"))
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    lines = ["heft-text 1", 'tensor "a" F32 [2]', f"  values {tensor}", f'section LINEAGE text "{quoted}"']
    if run:
        run = json.dumps(run, separators=(",", ":")).replace('"', '\\"')
        lines.append(f'section RUN text "{run}"')
    path.with_suffix(".text").write_text("\n".join(lines) + "\n")
    heft("pack", "-f", path.with_suffix(".text"), path)
    return path


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def trained(result, **changes):
    """A training of two epochs, its chain by spec/lineage.md L3-1."""
    recipe = {"optimizer": "sgd", "lr": 0.1}
    parent = sha(b"parent").hex()
    chain = sha(b"heft chain", sha(json.dumps(recipe, separators=(",", ":")).encode()), bytes.fromhex(parent))
    links = []
    for epoch, (loss, weights) in enumerate(((0.5, sha(b"one")), (0.25, bytes.fromhex(result))), 1):
        loss_bytes = numpy.float64(loss).tobytes()
        chain = sha(chain, (10 * epoch).to_bytes(8, "little"), loss_bytes, weights)
        links.append({"steps": 10 * epoch, "epochs": epoch, "loss": loss, "weights": weights.hex(), "chain": chain.hex()})
    step = {
        "kind": "tune", "heft": "0.1.0", "revision": "", "numerics": 1, "parent": {"weights": parent}, "recipe": recipe,
        "seed": "0", "data": [{"use": "train", "digest": sha(b"data").hex(), "samples": 320, "arrays": ["x", "y"]}],
        "changed": ["a"], "frozen": [], "rewrites": [], "metrics": {"accuracy": 0.75}, "links": links,
        "kept": {"which": "last", "epoch": 2, "step": 20}, "result": result,
    }  # fmt: skip
    return {**step, **changes}


RUN = {"run": 1, "columns": ["epoch", "loss"], "rows": [[1, 0.5], [2, 0.25]]}


def weights_of(tmp_path):
    (tmp_path / "plain.text").write_text('heft-text 1\ntensor "a" F32 [2]\n  values 1 2\n')
    heft("pack", "-f", tmp_path / "plain.text", tmp_path / "plain.heft")
    return digest(tmp_path / "plain.heft")


def test_a_training_told_by_the_spec_alone_verifies(tmp_path):
    """L1-1, L1-2, L3-1, L3-3, L4-1"""
    path = packed(tmp_path / "a.heft", [trained(weights_of(tmp_path))], RUN)
    assert "agrees: 1 step, 2 links" in heft("verify", path)
    assert json.loads(heft("log", "--json", path))["run"]["rows"] == RUN["rows"]


def changed_link(step, i, **changes):
    step["links"][i].update(changes)
    return step


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: {**s, "result": "00" * 32}, "other weights than"),
        (lambda s: changed_link(s, 0, loss=0.125), "broken chain: link 1"),
        (lambda s: changed_link(s, 1, weights="11" * 32), "broken chain: link 2"),
        (lambda s: {**s, "recipe": {"optimizer": "sgd", "lr": 0.2}}, "broken chain"),
        (lambda s: {**s, "changed": ["b"]}, "'b'"),
        (lambda s: {**s, "kept": {"which": "best", "epoch": 1, "step": 10}}, "kept other weights"),
        (lambda s: {**s, "kept": {"which": "last", "epoch": 7, "step": 70}}, "epoch 7"),
        (lambda s: {**s, "kind": "prayer"}, "no known kind"),
        (lambda s: {k: v for k, v in s.items() if k != "frozen"}, "'frozen'"),
        (lambda s: {**s, "more": 1}, "something else"),
        (lambda s: {**s, "seed": 7}, "something else"),
        (lambda s: {**s, "metrics": {"accuracy": 0.75000000000000000001}}, None),
    ],
)
def test_a_lineage_that_does_not_agree_is_told(change, words, tmp_path):
    """L2-1, L3-1 to L3-3, L4-2"""
    path = packed(tmp_path / "a.heft", [change(trained(weights_of(tmp_path)))], RUN)
    if words is None:  # written canonically by Python as well
        assert "agrees" in heft("verify", path)
        return
    said = heft("verify", path, status=1)
    assert words in said, said
    answer = json.loads(heft("verify", "--json", path, status=1))
    assert not answer["ok"] and answer["lineage"] == "differs" and answer["bad"][0]["what"] == "lineage"


def test_two_steps_that_do_not_follow_are_told(tmp_path):
    """L3-2"""
    step = trained(weights_of(tmp_path))
    assert "step 2 of the lineage does not begin" in heft("verify", packed(tmp_path / "a.heft", [step, step]), status=1)
    refused("init", "--seed", "1", packed(tmp_path / "b.heft", [step]), tmp_path / "c.heft", status=2)  # it has no graph
