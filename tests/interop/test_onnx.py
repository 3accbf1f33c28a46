# SPDX-License-Identifier: Apache-2.0
"""heft beside onnx: models both ways, every data type, external data, and the names of spec/foreign/onnx.md."""

import hashlib
import os
import subprocess

import numpy
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from onnx_peer import (  # noqa: E402
    QUANTISED,
    TYPES,
    field,
    logical,
    model_of,
    open_model,
    random_tensor,
    spelled,
    tensors_of_model,
    typed,
    varint,
)
from peers import (  # noqa: E402
    HEFT,
    digest,
    heft,
    in_words,
    inspect,
    random,
    random_array,
    refused,
    told,
    weights_digest,
    write,
)

SHAPES = [(), (0,), (1,), (5,), (4, 6), (3, 0, 2), (2, 3, 7)]


def graph(nodes=(), initializers=(), **options):
    return helper.make_graph(list(nodes), "g", [], [], list(initializers), **options)


def model(nodes=(), initializers=(), **options):
    return helper.make_model(graph(nodes, initializers), **options)


def save(made, path):
    path.write_bytes(made.SerializeToString())
    return path


def of_weights(tensors):
    return {name: (dtype, shape, data) for space, name, dtype, shape, data in tensors if space == "weights"}


def same(path, made, folder=""):
    """heft sees what onnx does: names, spaces, dtypes, shapes, order, bytes."""
    tensors = tensors_of_model(made, folder)
    assert told(path) == in_words(tensors)
    assert digest(path) == weights_digest(of_weights(tensors))


def there_and_back(path, tmp_path, *options):
    heft("convert", "-f", path, tmp_path / "kept.heft", "--compress=fast")
    heft("convert", "-f", tmp_path / "kept.heft", tmp_path / "back.onnx", *options)
    heft("verify", tmp_path / "kept.heft")
    return tmp_path / "back.onnx"


def every_tensor(random, kind):
    return [random_tensor(random, kind, shape, f"{kind}.{i}") for i, shape in enumerate(SHAPES)]


# --- data types, O2-8, O3-1 to O3-3 ---


@pytest.mark.parametrize("kind", TYPES)
def test_a_raw_tensor_of_every_type_goes_both_ways_byte_for_byte(random, tmp_path, kind):
    made = model(initializers=every_tensor(random, kind))
    path = save(made, tmp_path / "in.onnx")
    same(path, made)
    heft("verify", path)
    assert there_and_back(path, tmp_path).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("how", ["packed", "unpacked", "runs"])
@pytest.mark.parametrize("kind", TYPES)
def test_a_typed_tensor_of_every_type_has_the_same_bytes_and_comes_back_raw(random, tmp_path, kind, how):
    tensors = every_tensor(random, kind)
    if how == "packed":
        messages = [typed(tensor).SerializeToString() for tensor in tensors]
    else:
        messages = [spelled(tensor, how) for tensor in tensors]
    path = tmp_path / "in.onnx"
    path.write_bytes(model_of(messages))
    made = open_model(path)
    assert not any(tensor.HasField("raw_data") for tensor in made.graph.initializer)
    assert [logical(tensor) for tensor in made.graph.initializer] == [logical(tensor) for tensor in tensors]
    same(path, made)
    assert told(path) == in_words(tensors_of_model(model(initializers=tensors)))
    back = open_model(there_and_back(path, tmp_path))
    assert [logical(tensor) for tensor in back.graph.initializer] == [logical(tensor) for tensor in tensors]
    assert all(tensor.HasField("raw_data") for tensor in back.graph.initializer if 0 not in tensor.dims)


@pytest.mark.parametrize("kind", [k for k in TYPES if TYPES[k][1] <= 16])
def test_high_bits_of_an_element_in_int32_data_do_not_count(random, tmp_path, kind):
    tensor = random_tensor(random, kind, (9,), "w")
    wide = typed(tensor)
    values = [value % 0x7F00 | 0x7F000000 if value >= 0 else value for value in wide.int32_data]
    bits = 16 if TYPES[kind][1] == 16 else 8
    wide.int32_data[:] = [v if v < 0 else w & ~((1 << bits) - 1) | v for v, w in zip(wide.int32_data, values)]
    assert logical(wide) == logical(tensor)
    same(save(model(initializers=[wide]), tmp_path / "in.onnx"), model(initializers=[tensor]))


def test_text_stays_in_the_graph(random, tmp_path):
    tensors = [
        helper.make_tensor("words", TensorProto.STRING, [2], [b"one", b"two"]),
        random_tensor(random, "FLOAT", (2,), "w"),
    ]
    path = save(model(initializers=tensors), tmp_path / "in.onnx")
    assert [name for _, name, *_ in told(path)] == ["w"]
    assert there_and_back(path, tmp_path).read_bytes() == path.read_bytes()


def test_a_tensor_without_dims_is_a_scalar_and_one_of_rank_32_is_read(random, tmp_path):
    made = model(
        initializers=[random_tensor(random, "FLOAT", (), "scalar"), random_tensor(random, "INT8", (1,) * 31 + (3,), "deep")]
    )
    same(save(made, tmp_path / "in.onnx"), made)


# --- where weights hide, O2-1 to O2-7 ---


def constant(name, outputs=("",), **attributes):
    node = helper.make_node("Constant", [], list(outputs), name=name)
    for key, value in attributes.items():
        node.attribute.append(value if isinstance(value, onnx.AttributeProto) else helper.make_attribute(key, value))
    return node


@pytest.mark.parametrize("kind", TYPES)
def test_a_constant_is_a_weight_by_its_type_and_rank(random, tmp_path, kind):
    nodes = [
        constant("scalar", ["a"], value=random_tensor(random, kind, (), "")),
        constant("vector", ["b"], value=random_tensor(random, kind, (5,), "its own name")),
        constant("typed", ["c"], value=typed(random_tensor(random, kind, (2, 3), ""))),
        constant("empty", ["d"], value=random_tensor(random, kind, (0, 4), "")),
    ]
    made = model(nodes)
    path = save(made, tmp_path / "in.onnx")
    same(path, made)
    is_weight = kind in QUANTISED or TYPES[kind][0][0] in "FCB" and kind != "BOOL"
    assert [name for _, name, *_ in told(path)] == (["b", "c", "d"] if is_weight else [])
    back = open_model(there_and_back(path, tmp_path))
    assert tensors_of_model(back) == tensors_of_model(made)
    assert [logical(node.attribute[0].t) for node in back.graph.node] == [logical(node.attribute[0].t) for node in nodes]


def test_constants_of_all_forms(random, tmp_path):
    sparse = helper.make_sparse_tensor(
        random_tensor(random, "FLOAT", (3,), "ignored"), helper.make_tensor("", TensorProto.INT64, [3], [1, 4, 5]), [7]
    )
    whole = helper.make_sparse_tensor(
        random_tensor(random, "INT64", (2,), ""), helper.make_tensor("", TensorProto.INT64, [2], [0, 6]), [7]
    )
    nodes = [
        constant("", ["f"], value_float=1.5),
        constant("", ["fs"], value_floats=[1.5, -0.0, float("inf")]),
        constant("", ["i"], value_int=3),
        constant("", ["is"], value_ints=[3, 4]),
        constant("", ["s"], value_string="x"),
        constant("", ["ss"], value_strings=["x", "y"]),
        constant("", ["sp"], sparse_value=sparse),
        constant("", ["whole"], sparse_value=whole),
        constant("by its name", [""], value_floats=[2.5]),
        constant("", ["empty"], value_floats=helper.make_attribute("value_floats", [], attr_type=onnx.AttributeProto.FLOATS)),
    ]
    made = model(nodes)
    path = save(made, tmp_path / "in.onnx")
    same(path, made)
    assert [name for _, name, *_ in told(path)] == ["fs", "sp.values", "sp.indices", "by its name", "empty"]
    back = open_model(there_and_back(path, tmp_path))
    assert tensors_of_model(back) == tensors_of_model(made)
    assert [n.attribute[0].name for n in back.graph.node] == [n.attribute[0].name for n in nodes]
    for was, node in zip(nodes, back.graph.node):
        if was.attribute[0].type not in (onnx.AttributeProto.TENSOR, onnx.AttributeProto.SPARSE_TENSOR):
            assert node == was


def test_values_of_other_operators_are_no_weights(random, tmp_path):
    nodes = [
        helper.make_node("ConstantOfShape", ["n"], ["a"], value=random_tensor(random, "FLOAT", (1,), "v")),
        helper.make_node("Constant", [], ["b"], domain="com.example", value=random_tensor(random, "FLOAT", (2,), "v")),
        helper.make_node("Constant", [], ["c"], other=random_tensor(random, "FLOAT", (2,), "v")),
        helper.make_node("Own", [], ["d"], domain="x", value=random_tensor(random, "FLOAT", (2,), "v"),
            values=[random_tensor(random, "FLOAT", (2,), "v")]),
    ]  # fmt: skip
    made = model(nodes)
    path = save(made, tmp_path / "in.onnx")
    assert tensors_of_model(made) == [] and told(path) == []
    assert there_and_back(path, tmp_path).read_bytes() == path.read_bytes()


def sparse_initializers(random):
    flat = helper.make_tensor("flat_indices", TensorProto.INT64, [3], [0, 5, 11])
    pairs = helper.make_tensor("", TensorProto.INT64, [2, 2], [0, 1, 2, 3])
    return [
        helper.make_sparse_tensor(random_tensor(random, "FLOAT", (3,), "flat"), flat, [12]),
        helper.make_sparse_tensor(typed(random_tensor(random, "INT8", (2,), "pairs")), pairs, [3, 4]),
        helper.make_sparse_tensor(
            random_tensor(random, "FLOAT", (0,), "none"), helper.make_tensor("", TensorProto.INT64, [0], []), [4]
        ),
    ]


def test_sparse_initializers_are_two_tensors_each(random, tmp_path):
    made = helper.make_model(
        graph(initializers=[random_tensor(random, "FLOAT", (2,), "dense")], sparse_initializer=sparse_initializers(random))
    )
    path = save(made, tmp_path / "in.onnx")
    same(path, made)
    assert [name for _, name, *_ in told(path)] == [
        "dense", "flat.values", "flat.indices", "pairs.values", "pairs.indices", "none.values", "none.indices",
    ]  # fmt: skip
    back = open_model(there_and_back(path, tmp_path))
    assert tensors_of_model(back) == tensors_of_model(made)
    assert [list(s.dims) for s in back.graph.sparse_initializer] == [[12], [3, 4], [4]]


def branch(random, name, nodes=()):
    w = random_tensor(random, "FLOAT", (3,), "w")
    return helper.make_graph([constant("", ["k"], value=random_tensor(random, "FLOAT", (2,), "")), *nodes], name, [], [], [w])


def nested(random):
    """Subgraphs in subgraphs, with names and without, and names that repeat."""
    inner = helper.make_node("If", ["c"], ["y"], then_branch=branch(random, "t"), else_branch=branch(random, "e"))
    loop = helper.make_node("Loop", ["n", "c"], ["", "z"], name="", body=branch(random, "body", [inner]))
    scan = helper.make_node("Scan", ["x"], [""], name="", body=branch(random, "scan"), num_scan_inputs=1)
    twice = helper.make_node(
        "If", ["c"], ["q"], name="if.one", then_branch=branch(random, "t", [loop]), else_branch=branch(random, "e")
    )
    many = helper.make_node("Switch", [], [], domain="x", cases=[branch(random, "1"), branch(random, "2", [scan])])
    return [twice, many, constant("", ["k"], value=random_tensor(random, "FLOAT", (4,), "")), inner]


def test_tensors_of_subgraphs_carry_the_nodes_around_them(random, tmp_path):
    made = model(nested(random), [random_tensor(random, "FLOAT", (2,), "w")])
    path = save(made, tmp_path / "in.onnx")
    same(path, made)
    names = [name for _, name, *_ in told(path)]
    assert "if.one.then_branch.z.body.y.else_branch.w" in names
    assert "Switch.cases.1.Scan.body.k" in names and "Switch.cases.0.w" in names
    assert there_and_back(path, tmp_path).read_bytes() == path.read_bytes()


def test_a_name_twice_gets_a_number(random, tmp_path):
    weights = [random_tensor(random, "FLOAT", (i + 1,), "w") for i in range(3)]
    nodes = [constant("", ["w"], value_floats=[1.0]), constant("", ["w#2"], value_floats=[1.0, 2.0])]
    made = model(nodes, weights)
    path = save(made, tmp_path / "in.onnx")
    same(path, made)
    assert len({name for _, name, *_ in told(path)}) == 5
    assert tensors_of_model(open_model(there_and_back(path, tmp_path))) == tensors_of_model(made)


def test_tensors_of_functions_carry_domain_function_and_overload(random, tmp_path):
    made = model(initializers=[random_tensor(random, "FLOAT", (2,), "w")])
    for domain, name, overload in [("my.domain", "Gelu", ""), ("my.domain", "Gelu", "fast"), ("", "F", "")]:
        function = helper.make_function(domain, name, [], [], nested(random), [helper.make_opsetid("", 21)])
        function.overload = overload
        made.functions.append(function)
    path = save(made, tmp_path / "in.onnx")
    same(path, made)
    names = [name for _, name, *_ in told(path)]
    assert {"my.domain::Gelu.k", "my.domain::Gelu:fast.k", "::F.y.then_branch.w"} <= set(names)
    assert there_and_back(path, tmp_path).read_bytes() == path.read_bytes()


def test_training_tensors_are_in_the_space_of_the_optimizer(random, tmp_path):
    made = model(initializers=[random_tensor(random, "FLOAT", (2,), "w")])
    for i in range(2):
        made.training_info.append(
            onnx.TrainingInfoProto(
                initialization=graph([constant("", ["zero"], value_floats=[0.0])]),
                algorithm=graph(nested(random), [random_tensor(random, "FLOAT", (2, i + 1), "momentum")]),
            )
        )
    path = save(made, tmp_path / "in.onnx")
    same(path, made)
    assert ("optimizer", "training.1.algorithm.momentum") in [t[:2] for t in told(path)]
    assert there_and_back(path, tmp_path).read_bytes() == path.read_bytes()


def test_metadata_is_that_of_the_model_and_of_a_key_twice_the_last_counts(tmp_path):
    made = model()
    for key, value in [("b", "1"), ("a", 'ü\n"x"'), ("b", "2"), ("", "empty")]:
        made.metadata_props.add(key=key, value=value)
    path = save(made, tmp_path / "in.onnx")
    assert inspect(path)["metadata"] == {"b": "2", "a": 'ü\n"x"', "": "empty"}
    assert there_and_back(path, tmp_path).read_bytes() == path.read_bytes()


def test_a_model_of_nothing_has_no_tensors_and_one_without_a_graph_is_none(tmp_path):
    made = onnx.ModelProto(ir_version=8, producer_name="nobody")
    refused("inspect", save(made, tmp_path / "in.onnx"), status=3)
    made.graph.SetInParent()
    assert told(save(made, tmp_path / "in.onnx")) == []
    assert there_and_back(tmp_path / "in.onnx", tmp_path).read_bytes() == (tmp_path / "in.onnx").read_bytes()


def test_names_are_any_text(random, tmp_path):
    names = ["a b", "日本/ü", "onnx::MatMul_123", "/layer.0/w", "..", "x" * 4000, "\n", "'"]
    made = model(initializers=[random_tensor(random, "FLOAT", (2,), name) for name in names])
    path = save(made, tmp_path / "in.onnx")
    same(path, made)
    assert there_and_back(path, tmp_path).read_bytes() == path.read_bytes()


def random_graph(random, depth, name="g"):
    """Anything that a graph may hold, in any number, named or not."""

    def pick(options):
        return options[int(random.integers(len(options)))]

    def tensor(name):
        shape = tuple(int(d) for d in random.integers(0, 4, int(random.integers(0, 4))))
        made = random_tensor(random, pick(list(TYPES)), shape, name)
        return made if random.integers(2) else typed(made)

    nodes = []
    for i in range(int(random.integers(0, 5))):
        label, output = pick(["", f"node{i}", "same"]), pick([f"out{i}", "same"])
        if not label and random.integers(2):
            output = f"only{i}"
        kind = int(random.integers(4))
        if kind == 0:
            nodes.append(constant(label, [output], value=tensor(pick(["", "own"]))))
        elif kind == 1:
            nodes.append(
                constant(label, [output], value_floats=[float(x) for x in random.integers(0, 9, int(random.integers(1, 5)))])
            )
        elif kind == 2 or depth == 0:
            nodes.append(helper.make_node("Own", ["x"], [output], name=label, value=tensor("no weight")))
        else:
            inner = [random_graph(random, depth - 1, f"s{k}") for k in range(int(random.integers(1, 3)))]
            attributes = {"body": inner[0]} if len(inner) == 1 else {"cases": inner}
            nodes.append(helper.make_node("Loop", ["x"], pick([[output], ["", output], []]), name=label, **attributes))
    weights = [tensor(pick([f"w{i}", "same"])) for i in range(int(random.integers(0, 5)))]
    return helper.make_graph(nodes, name, [], [], weights)


@pytest.mark.parametrize("seed", range(40))
def test_a_random_model_is_read_as_onnx_reads_it_and_comes_back(tmp_path, seed):
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    made = helper.make_model(random_graph(random, 3))
    for i in range(int(random.integers(0, 3))):
        made.functions.append(
            helper.make_function("d", f"F{i}", [], [], random_graph(random, 1).node, [helper.make_opsetid("", 21)])
        )
    if random.integers(2):
        made.training_info.append(
            onnx.TrainingInfoProto(initialization=random_graph(random, 1), algorithm=random_graph(random, 2))
        )
    path = save(made, tmp_path / "in.onnx")
    same(path, made)
    back = open_model(there_and_back(path, tmp_path))
    assert tensors_of_model(back) == tensors_of_model(made)
    heft("convert", path, tmp_path / "out.onnx", "--external")
    assert tensors_of_model(onnx.load(str(tmp_path / "out.onnx"))) == tensors_of_model(made)
    # The graph that is kept is the model: a second journey changes nothing.
    first = back.SerializeToString()
    save(back, tmp_path / "in.onnx")
    assert there_and_back(tmp_path / "in.onnx", tmp_path).read_bytes() == first


# --- external data, O3-4 and O3-5 ---


def big(random):
    """A model with tensors above and below the size at which they are put outside."""
    return model(
        [constant("", ["k"], value=random_tensor(random, "FLOAT", (700,), ""))],
        [
            random_tensor(random, "FLOAT", (40, 30), "a"),
            random_tensor(random, "BFLOAT16", (3,), "small"),
            random_tensor(random, "INT4", (4001,), "b"),
            random_tensor(random, "FLOAT", (0, 7), "none"),
            random_tensor(random, "DOUBLE", (1000,), "c"),
        ],
    )


OUTSIDE = {
    "one-file": {},
    "called": {"location": "weights.bin"},
    "one-each": {"all_tensors_to_one_file": False},
    "all": {"size_threshold": 0},
    "constants-too": {"convert_attribute": True, "size_threshold": 100, "location": "w.data"},
}


@pytest.mark.parametrize("how", OUTSIDE)
def test_external_data_as_onnx_saves_it_is_read(random, tmp_path, how):
    made = big(random)
    folder = tmp_path / "model"
    folder.mkdir()
    path = folder / "in.onnx"
    copy = onnx.ModelProto()
    copy.CopyFrom(made)
    onnx.save_model(copy, str(path), save_as_external_data=True, **OUTSIDE[how])
    assert len(list(folder.iterdir())) > 1
    same(path, made)
    same(path, open_model(path), folder)
    heft("verify", path)
    back = there_and_back(path, tmp_path)
    assert tensors_of_model(open_model(back)) == tensors_of_model(made)
    heft("convert", path, tmp_path / "out.onnx", "--external")
    assert tensors_of_model(onnx.load(str(tmp_path / "out.onnx"))) == tensors_of_model(made)


def outside(random, folder, data=None, **keys):
    """A model with one tensor of 5 floats outside."""
    tensor = random_tensor(random, "FLOAT", (5,), "w")
    (folder / "w.bin").write_bytes(tensor.raw_data if data is None else data)
    inside = TensorProto(dims=[5], data_type=TensorProto.FLOAT, name="w", data_location=TensorProto.EXTERNAL)
    for key, value in ({"location": "w.bin"} | keys).items():
        inside.external_data.add(key=key, value=value)
    return tensor, save(model(initializers=[inside]), folder / "in.onnx")


def test_external_data_without_offset_and_length_is_the_whole_file(random, tmp_path):
    tensor, path = outside(random, tmp_path, basepath="ignored", own="x")
    same(path, model(initializers=[tensor]))


def test_external_data_in_a_folder_and_behind_an_offset(random, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    raw = random_tensor(random, "FLOAT", (5,), "w").raw_data
    (tmp_path / "deep" / "er" / "w").write_bytes(b"x" * 4097 + raw + b"y")
    _, path = outside(random, tmp_path, location="deep/er/w", offset="4097", length="20")
    same(path, open_model(path), tmp_path)


PATHS = [
    "/etc/passwd",
    "../w.bin",
    "a/../w.bin",
    "./w.bin",
    "a//w.bin",
    "",
    ".",
    "..",
    "a\\w.bin",
    "w.bin/",
    "*/_ORT_MEM_ADDR_/*",
    "w\0bin",
]


@pytest.mark.parametrize("location", PATHS)
def test_an_external_path_that_leads_elsewhere_is_refused(random, tmp_path, location):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "w.bin").write_bytes(b"x" * 20)
    _, path = outside(random, tmp_path, location=location)
    refused("inspect", path, status=3)


def test_external_data_that_is_no_plain_file_is_refused(random, tmp_path):
    for name, make in {
        "symbolic": lambda p: p.symlink_to("real"),
        "hard": lambda p: os.link(tmp_path / "real", p),
        "pipe": os.mkfifo,
        "folder": lambda p: p.mkdir(),
        "absent": lambda p: None,
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / "real").write_bytes(b"x" * 20)
        _, path = outside(random, tmp_path / name)
        (tmp_path / name / "w.bin").unlink()
        make(tmp_path / name / "w.bin")
        for verb in ("inspect", "digest"):
            done = subprocess.run([HEFT, verb, path], capture_output=True, text=True, timeout=20)
            assert done.returncode in (2, 3, 4) and "w.bin" in done.stderr, (name, done.returncode, done.stderr)
    (tmp_path / "linked").symlink_to(tmp_path / "symbolic")
    (tmp_path / "symbolic" / "w.bin").unlink()
    _, path = outside(random, tmp_path / "symbolic")
    _, other = outside(random, tmp_path, location="linked/w.bin")
    same(path, open_model(path), tmp_path / "symbolic")
    refused("inspect", other, status=3)


RANGES = [
    {"offset": "-1"}, {"offset": "4"}, {"length": "19"}, {"length": "21"}, {"length": "-20"}, {"offset": "1", "length": "20"},
    {"offset": "18446744073709551616"}, {"offset": "18446744073709551600", "length": "20"}, {"offset": "0x0"}, {"length": ""},
    {"offset": " 0"}, {"length": "20 "},
]  # fmt: skip


@pytest.mark.parametrize("keys", RANGES, ids=lambda keys: "-".join(f"{k}={v}" for k, v in keys.items()))
def test_an_external_range_that_does_not_fit_is_refused(random, tmp_path, keys):
    _, path = outside(random, tmp_path, **keys)
    refused("inspect", path, status=3)


def test_a_checksum_is_compared_when_the_file_is_verified(random, tmp_path):
    for wrong in (False, True):
        data = b"x" * 20
        sha = hashlib.sha1(data + b"!" * wrong).hexdigest()
        _, path = outside(random, tmp_path, data, checksum=sha)
        same(path, open_model(path), tmp_path)
        heft("verify", path, status=int(wrong))
    for text in ("12", "x" * 40, ""):
        _, path = outside(random, tmp_path, b"x" * 20, checksum=text)
        refused("inspect", path, status=3)


# --- what must be refused ---


def bad_tensor(**fields):
    return TensorProto(**({"name": "w", "data_type": TensorProto.FLOAT, "dims": [2], "raw_data": b"x" * 8} | fields))


BAD_TENSORS = {
    "raw-too-short": bad_tensor(raw_data=b"x" * 7),
    "raw-too-long": bad_tensor(raw_data=b"x" * 9),
    "no-bytes": TensorProto(name="w", data_type=1, dims=[2]),
    "two-places": bad_tensor(float_data=[1.0, 2.0]),
    "another-types-field": TensorProto(name="w", data_type=1, dims=[2], int32_data=[1, 2]),
    "too-few-numbers": TensorProto(name="w", data_type=1, dims=[2], float_data=[1.0]),
    "too-many-numbers": TensorProto(name="w", data_type=1, dims=[2], float_data=[1.0, 2.0, 3.0]),
    "too-many-nibbles": TensorProto(name="w", data_type=TensorProto.INT4, dims=[3], int32_data=[1, 2, 3]),
    "negative-dimension": bad_tensor(dims=[-2, -1]),
    "size-overflows": bad_tensor(dims=[1 << 62, 1 << 62]),
    "rank-33": bad_tensor(dims=[1] * 32 + [2]),
    "segment": bad_tensor(segment=TensorProto.Segment(begin=0, end=2)),
    "type-none": bad_tensor(data_type=0),
    "type-unknown": bad_tensor(data_type=99),
    "no-name": bad_tensor(name=""),
    "name-too-long": bad_tensor(name="x" * 4097),
    "external-without-location": TensorProto(name="w", data_type=1, dims=[2], data_location=1),
}


@pytest.mark.parametrize("name", BAD_TENSORS)
def test_a_bad_tensor_is_refused_with_an_offset(tmp_path, name):
    path = tmp_path / "in.onnx"
    path.write_bytes(model_of([BAD_TENSORS[name].SerializeToString()]))
    refused("inspect", path, status=3, words=["at byte"])


GOOD = model_of([bad_tensor().SerializeToString()])
HEAD = b"\x08\x0a"
BAD_FILES = {
    "second-graph": GOOD + field(7, b""),
    "past-the-file": HEAD + b"\x3a\x7f" + b"\x0a\x01",
    "past-its-message": HEAD + field(7, b"\x2a\x05"),
    "field-0": HEAD + field(7, b"\x02\x00"),
    "group": HEAD + field(7, b"\x13\x14"),
    "wire-type-6": HEAD + field(7, b"\x16"),
    "varint-of-eleven-bytes": HEAD + b"\x28" + b"\x80" * 10 + b"\x01",
    "varint-cut-short": HEAD + b"\x28\x80",
    "name-not-utf8": model_of([bad_tensor().SerializeToString() + field(8, b"\xff")]),
    "name-with-nul": model_of([bad_tensor().SerializeToString() + field(8, b"a\0b")]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused(tmp_path, name):
    path = tmp_path / "in.onnx"
    path.write_bytes(BAD_FILES[name])
    refused("inspect", path, status=3, words=["at byte"])


def deep(n):
    inside = graph(initializers=[bad_tensor()]).SerializeToString()
    for _ in range(n):
        attribute = field(1, b"b") + field(6, inside) + varint(20 << 3) + varint(5)
        inside = field(1, field(4, b"If") + field(5, attribute))
    return HEAD + field(7, inside)


def test_subgraphs_lie_64_deep_and_no_deeper(tmp_path):
    path = tmp_path / "in.onnx"
    path.write_bytes(deep(60))
    assert told(path)[0][1] == "If.b." * 60 + "w"
    for n in (66, 3000):
        path.write_bytes(deep(n))
        refused("inspect", path, status=3)


def test_a_cut_file_is_refused_everywhere(random, tmp_path):
    made = model(nested(random), [random_tensor(random, "FLOAT", (2,), "w")]).SerializeToString()
    path = tmp_path / "in.onnx"
    for n in range(0, len(made), 7):
        path.write_bytes(made[:n])
        done = subprocess.run([HEFT, "digest", path], capture_output=True, text=True)
        try:
            whole = onnx.ModelProto.FromString(made[:n])
        except Exception:  # noqa: BLE001 - protobuf's errors differ from version to version
            whole = None
        # Cut between two fields it is a model still.
        assert done.returncode == (0 if whole is not None and n > 2 else 3) or n <= 2, (n, done.stderr)


def test_a_million_nodes_are_read_quickly(tmp_path):
    node = field(1, field(1, b"x") + field(2, b"y") + field(4, b"Relu"))
    path = tmp_path / "in.onnx"
    path.write_bytes(HEAD + field(7, node * 1_000_000 + field(5, bad_tensor().SerializeToString())))
    done = subprocess.run(["prlimit", "--data=67108864", HEFT, "inspect", "--json", path], capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr


# --- what heft writes ---

PLAIN = ["BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "BF16", "F32", "F64", "C64"]
LATER = ["F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0"]


def kept(random, tmp_path, dtypes=PLAIN, shapes=SHAPES, metadata=None):
    """A heft file without a graph, and its tensors."""
    arrays = {f"{dtype}.{i}": (dtype, random_array(random, dtype, shape)) for dtype in dtypes for i, shape in enumerate(shapes)}
    write(tmp_path / "in.safetensors", arrays, metadata)
    heft("convert", "-f", tmp_path / "in.safetensors", tmp_path / "plain.heft")
    return tmp_path / "plain.heft", {name: (dtype, a.shape, a.tobytes()) for name, (dtype, a) in arrays.items()}


@pytest.mark.parametrize("dtypes", [PLAIN, [*PLAIN, *LATER]], ids=["plain", "later"])
def test_a_model_without_a_graph_is_one_that_the_checker_accepts(random, tmp_path, dtypes):
    path, tensors = kept(random, tmp_path, dtypes)
    heft("convert", path, tmp_path / "out.onnx")
    onnx.checker.check_model(str(tmp_path / "out.onnx"), full_check=True)
    made = onnx.load(str(tmp_path / "out.onnx"))
    assert of_weights(tensors_of_model(made)) == tensors
    assert [t.name for t in made.graph.initializer] == [name for _, name, *_ in told(path)]
    assert (made.ir_version, made.producer_name) == (10 if dtypes is PLAIN else 12, "heft")
    assert made.graph.name == "weights" and not made.graph.node
    assert [(o.domain, o.version) for o in made.opset_import] == [("", 21 if dtypes is PLAIN else 24)]
    assert digest(tmp_path / "out.onnx") == digest(path) == weights_digest(tensors)
    back = tmp_path / "back.heft"
    heft("convert", tmp_path / "out.onnx", back)
    assert digest(back) == digest(path)


def test_narrow_types_and_complex_128_go_to_onnx_and_back(random, tmp_path):
    kinds = ["INT4", "UINT4", "INT2", "UINT2", "FLOAT4E2M1", "COMPLEX128"]
    tensors = [random_tensor(random, kind, shape, f"{kind}.{i}") for kind in kinds for i, shape in enumerate(SHAPES)]
    save(model(initializers=tensors), tmp_path / "in.onnx")
    heft("convert", tmp_path / "in.onnx", tmp_path / "a.heft", "--no-graph")
    heft("convert", tmp_path / "a.heft", tmp_path / "out.onnx")
    made = onnx.load(str(tmp_path / "out.onnx"))
    assert made.producer_name == "heft"
    assert tensors_of_model(made) == tensors_of_model(model(initializers=tensors))


def test_metadata_of_texts_is_kept_and_other_metadata_is_told_before_anything_is_written(random, tmp_path):
    path, _ = kept(random, tmp_path, ["F32"], metadata={"license": "MIT", "ü": "\n"})
    heft("convert", path, tmp_path / "out.onnx")
    assert {p.key: p.value for p in onnx.load(str(tmp_path / "out.onnx")).metadata_props} == {"license": "MIT", "ü": "\n"}
    heft("edit", path, "--set-json", "n=3")
    refused("convert", path, tmp_path / "other.onnx", status=2)
    assert not (tmp_path / "other.onnx").exists()
    heft("convert", path, tmp_path / "other.onnx", "--no-metadata")
    assert not onnx.load(str(tmp_path / "other.onnx")).metadata_props


@pytest.mark.parametrize("with_graph", [False, True])
def test_external_data_is_written_in_one_aligned_file_beside(random, tmp_path, with_graph):
    if with_graph:
        source = save(big(random), tmp_path / "in.onnx")
    else:
        source, _ = kept(random, tmp_path, ["F32", "I8"], [(40, 30), (2,), (0,), (1024,), (1023,)])
    folder = tmp_path / "out"
    folder.mkdir()
    heft("convert", source, folder / "out.onnx", "--external")
    assert sorted(p.name for p in folder.iterdir()) == ["out.onnx", "out.onnx.data"]
    made = open_model(folder / "out.onnx")
    before = 0
    for tensor in made.graph.initializer:
        size = numpy_helper.to_array(tensor, str(folder)).nbytes
        stored = len(logical(tensor, folder)[2])
        assert (tensor.data_location == TensorProto.EXTERNAL) == (stored >= 1024), (tensor.name, size)
        if tensor.data_location == TensorProto.EXTERNAL:
            keys = {e.key: e.value for e in tensor.external_data}
            assert list(keys)[:3] == ["location", "offset", "length"] and not tensor.HasField("raw_data")
            assert keys["location"] == "out.onnx.data" and int(keys["length"]) == stored
            assert int(keys["offset"]) % 4096 == 0 and int(keys["offset"]) >= before
            before = int(keys["offset"]) + stored
    assert before and (folder / "out.onnx.data").stat().st_size == before
    assert tensors_of_model(made, folder) == tensors_of_model(onnx.load(str(folder / "out.onnx")))
    assert told(folder / "out.onnx") == told(source)
    assert digest(folder / "out.onnx") == digest(source)
    onnx.checker.check_model(str(folder / "out.onnx"))
    heft("convert", folder / "out.onnx", tmp_path / "back.onnx")
    assert tensors_of_model(onnx.load(str(tmp_path / "back.onnx"))) == tensors_of_model(onnx.load(str(folder / "out.onnx")))


def test_an_existing_companion_is_not_replaced_without_force(random, tmp_path):
    source, _ = kept(random, tmp_path, ["F32"], [(40, 30)])
    (tmp_path / "out.onnx.data").write_bytes(b"mine")
    refused("convert", source, tmp_path / "out.onnx", "--external", status=2)
    assert (tmp_path / "out.onnx.data").read_bytes() == b"mine" and not (tmp_path / "out.onnx").exists()
    heft("convert", "-f", source, tmp_path / "out.onnx", "--external")
    assert digest(tmp_path / "out.onnx") == digest(source)


def test_the_order_of_fields_and_unknown_ones_survive(random, tmp_path):
    """O1-2 and O4-1: what heft does not know stays where it is."""
    tensor = random_tensor(random, "FLOAT", (3,), "w")
    message = field(9, tensor.raw_data) + varint(2 << 3) + varint(1) + field(200, b"own") + field(1, varint(3)) + field(8, b"w")
    inside = (
        field(5, message)
        + field(2, b"g")
        + field(300, b"more")
        + field(5, random_tensor(random, "INT8", (2,), "v").SerializeToString())
    )
    data = field(7, inside) + field(8, field(1, b"") + b"\x10\x15") + b"\x08\x0a" + field(1000, b"unknown")
    path = tmp_path / "in.onnx"
    path.write_bytes(data)
    same(path, open_model(path))
    assert there_and_back(path, tmp_path).read_bytes() == data


# --- weights into a graph ---


def small_net(random):
    tensors = [
        random_tensor(random, "FLOAT", (4, 3), "fc.weight"),
        random_tensor(random, "FLOAT", (4,), "fc.bias"),
        random_tensor(random, "FLOAT", (5, 4), "onnx::MatMul_7"),
        random_tensor(random, "INT64", (1,), "steps"),
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "fc.weight", "fc.bias"], ["h"], transB=1),
        helper.make_node("Gemm", ["h", "onnx::MatMul_7"], ["y"], transB=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 5])
    return helper.make_model(helper.make_graph(nodes, "net", [x], [y], tensors), producer_name="own", ir_version=9)


def in_their_place(made, values):
    """The model with other bytes in its initializers."""
    other = onnx.ModelProto()
    other.CopyFrom(made)
    for tensor in other.graph.initializer:
        tensor.raw_data = values[tensor.name].tobytes()
    return other


def values_for(random, made):
    return {
        t.name: random_array(random, {"FLOAT": "F32", "INT64": "I64"}[TensorProto.DataType.Name(t.data_type)], tuple(t.dims))
        for t in made.graph.initializer
    }


def not_bound(tmp_path, name):
    said = refused("convert", tmp_path / name, tmp_path / "out.onnx", "--into", tmp_path / "in.onnx", status=2, begins="")
    assert not (tmp_path / "out.onnx").exists()
    return said


def test_changed_weights_go_back_into_their_places(random, tmp_path):
    made = small_net(random)
    onnx.checker.check_model(made, full_check=True)
    save(made, tmp_path / "in.onnx")
    values = values_for(random, made)
    numpy.savez(tmp_path / "new.npz", **values)
    heft("convert", tmp_path / "new.npz", tmp_path / "out.onnx", "--into", tmp_path / "in.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == in_their_place(made, values).SerializeToString()


def test_weights_of_other_names_are_bound_by_their_shapes(random, tmp_path):
    made = small_net(random)
    save(made, tmp_path / "in.onnx")
    values = values_for(random, made)
    named = {
        "head": values["onnx::MatMul_7"],
        "fc.weight": values["fc.weight"],
        "b": values["fc.bias"],
        "steps": values["steps"],
    }
    numpy.savez(tmp_path / "new.npz", **named)
    heft("convert", tmp_path / "new.npz", tmp_path / "out.onnx", "--into", tmp_path / "in.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == in_their_place(made, values).SerializeToString()


def test_transposed_weights_are_bound_only_when_that_is_allowed(random, tmp_path):
    made = small_net(random)
    save(made, tmp_path / "in.onnx")
    values = values_for(random, made)
    numpy.savez(tmp_path / "new.npz", **(values | {"onnx::MatMul_7": values["onnx::MatMul_7"].T}))
    said = not_bound(tmp_path, "new.npz")
    assert "--allow-transpose" in said
    heft("convert", tmp_path / "new.npz", tmp_path / "out.onnx", "--into", tmp_path / "in.onnx", "--allow-transpose")
    assert (tmp_path / "out.onnx").read_bytes() == in_their_place(made, values).SerializeToString()


def test_what_cannot_be_bound_is_listed_and_nothing_is_written(random, tmp_path):
    tensors = [random_tensor(random, "FLOAT", (4,), name) for name in ("one", "two")]
    save(model(initializers=tensors), tmp_path / "in.onnx")
    numpy.savez(tmp_path / "new.npz", three=random.random(4).astype("f4"), four=random.random(4).astype("f4"))
    said = not_bound(tmp_path, "new.npz")
    assert all(name in said for name in ("one", "two", "three", "four"))
    numpy.savez(tmp_path / "wide.npz", one=random.random(5).astype("f4"), two=random.random(4).astype("f4"))
    assert "one" in not_bound(tmp_path, "wide.npz")
    # Of a net that has something to do with it nothing may be missing.
    made = small_net(random)
    save(made, tmp_path / "in.onnx")
    values = values_for(random, made)
    del values["fc.weight"]
    numpy.savez(tmp_path / "less.npz", **values)
    assert "fc.weight" in not_bound(tmp_path, "less.npz")


def test_another_dtype_into_a_graph_is_told(random, tmp_path):
    made = small_net(random)
    save(made, tmp_path / "in.onnx")
    values = values_for(random, made)
    values["fc.bias"] = values["fc.bias"].astype("f8")
    numpy.savez(tmp_path / "new.npz", **values)
    assert "fc.bias" in not_bound(tmp_path, "new.npz")


def test_tensors_of_the_model_may_be_kept(random, tmp_path):
    made = small_net(random)
    save(made, tmp_path / "in.onnx")
    values = values_for(random, made)
    numpy.savez(tmp_path / "new.npz", **{"fc.bias": values["fc.bias"]})
    assert "fc.weight" in not_bound(tmp_path, "new.npz")
    heft("convert", tmp_path / "new.npz", tmp_path / "out.onnx", "--into", tmp_path / "in.onnx", "--keep", "*[!s]")
    kept = {t.name: numpy_helper.to_array(t) for t in made.graph.initializer} | {"fc.bias": values["fc.bias"]}
    assert (tmp_path / "out.onnx").read_bytes() == in_their_place(made, kept).SerializeToString()


# --- more than 2 GiB ---


def test_a_model_of_more_than_4_gib_is_read(random, tmp_path):
    """Its raw bytes are a hole in a sparse file; onnx cannot read it at all."""
    n = (1 << 32) + 8
    small = random_tensor(random, "FLOAT", (3,), "small").SerializeToString()
    head = TensorProto(dims=[n // 4], data_type=TensorProto.FLOAT, name="big").SerializeToString() + b"\x4a" + varint(n)
    inside = len(head) + n
    outer = b"\x2a" + varint(inside) + head
    size = len(outer) + n + len(field(5, small))
    path = tmp_path / "in.onnx"
    with open(path, "wb") as file:
        file.write(HEAD + b"\x3a" + varint(size) + outer)
        file.seek(n, os.SEEK_CUR)
        file.write(field(5, small))
    tensors = inspect(path)["tensors"]
    assert [(t["name"], t["n_bytes"]) for t in tensors] == [("big", n), ("small", 12)]
    heft("convert", path, tmp_path / "small.npz", "--include", "small")
    assert list(numpy.load(tmp_path / "small.npz").files) == ["small"]
