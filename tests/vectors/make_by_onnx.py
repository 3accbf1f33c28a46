# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/valid/by-onnx-*, models that the onnx library wrote.

    python3 tests/vectors/make_by_onnx.py [FOLDER]

Needs the packages of tests/requirements.txt. Another version of onnx may write other bytes: the files are kept as
they are, and made anew only to add some. library_fixtures.py says what stands beside each.
"""

import numpy
import onnx
from onnx import TensorProto, helper

from library_fixtures import out_folder, put
from onnx_peer import TYPES, model_of, random_tensor, spelled, tensors_of_model, typed

RANDOM = numpy.random.Generator(numpy.random.PCG64(7))


def tensor(name, kind="FLOAT", shape=(2,)):
    return random_tensor(RANDOM, kind, shape, name)


def graph(nodes=(), initializers=(), name="g", **options):
    return helper.make_graph(list(nodes), name, [], [], list(initializers), **options)


def model(nodes=(), initializers=(), **options):
    made = helper.make_model(graph(nodes, initializers, **options), ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    made.producer_name = "onnx"
    return made


def constant(output, name="", **attributes):
    return helper.make_node("Constant", [], [output], name=name, **attributes)


def every_type():
    return [tensor(f"{kind}.{i}", kind, shape) for kind in TYPES for i, shape in enumerate([(), (7,), (0, 2), (3, 2)])]


def branch(name, nodes=()):
    return graph([constant("k", value=tensor("", shape=(3,))), *nodes], [tensor("w")], name)


def nested():
    inner = helper.make_node("If", ["c"], ["y"], then_branch=branch("t"), else_branch=branch("e"))
    loop = helper.make_node("Loop", ["n", "c"], ["", "z"], body=branch("body", [inner]))
    outer = helper.make_node("If", ["c"], ["q"], name="if.one", then_branch=branch("t", [loop]), else_branch=branch("e"))
    return [outer, helper.make_node("Switch", [], [], domain="x", cases=[branch("0"), branch("1", [inner])])]


def constants():
    sparse = helper.make_sparse_tensor(tensor("s", shape=(3,)), helper.make_tensor("", TensorProto.INT64, [3], [1, 4, 5]), [7])
    nodes = [
        constant("scalar", value=tensor("", shape=())),
        constant("vector", value=tensor("")),
        constant("", "by its name", value=tensor("")),
        constant("shape", value=tensor("", "INT64")),
        constant("quantised", value=typed(tensor("", "INT8", (5,)))),
        constant("one", value_float=1.5),
        constant("floats", value_floats=[1.5, -0.0, 2.5]),
        constant("ints", value_ints=[1, 2]),
        constant("text", value_string="x"),
        constant("sparse", sparse_value=sparse),
    ]
    return model(nodes)


def sparse():
    flat = helper.make_sparse_tensor(
        tensor("flat", shape=(3,)), helper.make_tensor("", TensorProto.INT64, [3], [0, 5, 11]), [12]
    )
    pairs = helper.make_sparse_tensor(tensor("pairs"), helper.make_tensor("", TensorProto.INT64, [2, 2], [0, 1, 2, 3]), [3, 4])
    return model(initializers=[tensor("dense")], sparse_initializer=[flat, pairs])


def function():
    made = model(initializers=[tensor("w")])
    for domain, name, overload in [("my.domain", "Gelu", ""), ("my.domain", "Gelu", "fast")]:
        made.functions.append(helper.make_function(domain, name, [], [], nested(), [helper.make_opsetid("", 21)]))
        made.functions[-1].overload = overload
    return made


def training():
    made = model(initializers=[tensor("w"), tensor("w"), tensor("words", "INT8")])
    steps = graph([constant("zero", value_floats=[0.0])])
    made.training_info.append(onnx.TrainingInfoProto(initialization=steps, algorithm=graph(nested(), [tensor("momentum")])))
    made.metadata_props.add(key="author", value="ü")
    return made


def main():
    folder = out_folder()
    raw = every_type()
    made = {
        "raw": model(initializers=raw),
        "typed": model(initializers=[typed(t) for t in raw]),
        "constants": constants(),
        "subgraphs": model(nested(), [tensor("w")]),
        "sparse": sparse(),
        "functions": function(),
        "training": training(),
        "empty": model(),
    }
    for name, one in made.items():
        put(folder, f"by-onnx-{name}.onnx", one.SerializeToString(), tensors_of_model(one))
    for how in ("unpacked", "runs"):
        data = model_of([spelled(t, how) for t in raw], model())
        put(folder, f"by-onnx-{how}.onnx", data, tensors_of_model(onnx.ModelProto.FromString(data)))


if __name__ == "__main__":
    main()
