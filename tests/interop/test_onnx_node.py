# SPDX-License-Identifier: Apache-2.0
"""Debian's libonnx-testdata: models of one operator and of several, run, with the outputs that ONNX expects of them.

spec/operators.md is what came out with Debian 12's models; UPDATE=1 writes it. Elsewhere it is only printed.
"""
import collections
import math
import os
import pathlib
import re
import struct
import subprocess

import numpy
import pytest

onnx = pytest.importorskip("onnx")

from peers import DTYPES, IDS  # noqa: E402

ROOT = pathlib.Path("/usr/share/libonnx-testdata/data")
PROGRAM = pathlib.Path(os.environ.get("HEFT_BUILD", ".")) / "tests" / "interop" / "run_models"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "spec" / "operators.md"
DEBIAN_12 = 932

pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="libonnx-testdata is not installed")

NUMBERS = {numpy.dtype(kind): IDS[name] for name, (_, kind) in DTYPES.items()}
KINDS = {number: kind for kind, number in NUMBERS.items()}
TEXTS, NOTHING = 0x10000, 0x10002  # of lib/graph/kinds.h
BFLOAT16, STRING = onnx.TensorProto.BFLOAT16, onnx.TensorProto.STRING

# The same to all who run them: only dtypes and shapes can be compared.
RANDOM = re.compile(r"test_bernoulli|test_training_dropout_(?!zero)|test_training_dropout$")
# What the data gets wrong.
CUT = "the data is cut to bfloat16, and not rounded"
FAULTS = {
    "test_adam_multiple": "the data has another epsilon than the node",
    "test_cast_FLOAT_to_BFLOAT16": CUT,
    "test_castlike_FLOAT_to_BFLOAT16": CUT,
    "test_castlike_FLOAT_to_BFLOAT16_expanded": CUT,
}


class Refused(Exception):
    """The answer is an error."""


class Skipped(Exception):
    """Nothing that heft takes or gives."""


def number_of(array):
    if array.dtype.kind != "O" and array.dtype not in NUMBERS:
        raise Skipped(f"arrays of {array.dtype} are packed here otherwise than there")
    return TEXTS if array.dtype.kind == "O" else NUMBERS[array.dtype]


def text(data):
    return struct.pack("<Q", len(data)) + data


def packed(value):
    """An array, a list of them, or None, as run_models reads it."""
    if value is None:
        return struct.pack("<2Q", 0, NOTHING)
    if isinstance(value, list):
        kind = number_of(value[0]) if value else 0
        return struct.pack("<3Q", 1, len(value), kind) + b"".join(packed(item)[8:] for item in value)
    numbers = 0, number_of(value), value.ndim, *value.shape
    if value.dtype.kind == "O":
        data = b"".join(text(item if isinstance(item, bytes) else item.encode()) for item in value.flat)
    else:
        data = text(numpy.ascontiguousarray(value).tobytes())
    return struct.pack(f"<{len(numbers)}Q", *numbers) + data


class Runner:
    """A process that runs one model after the other."""

    def __init__(self):
        self.process = None

    def start(self):
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.stdout.close()
            assert self.process.wait() == 0
            self.process = None

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def read(self, n):
        data = self.process.stdout.read(n) if n else b""
        if len(data) < n:
            status, self.process = self.process.wait(), None
            raise AssertionError(f"the process ended with {status}")
        return data

    def number(self):
        return struct.unpack("<q", self.read(8))[0]

    def run(self, path, arrays):
        if not self.process:
            self.start()
        path = str(path).encode()
        parts = [struct.pack("<Q", len(path)), path, struct.pack("<Q", len(arrays))]
        for name, value in arrays.items():
            parts += [text(name.encode()), packed(value)]
        self.process.stdin.write(b"".join(parts))
        self.process.stdin.flush()
        status, words = self.number(), self.read(self.number()).decode()
        if status:
            raise Refused(words) if status > -100 else AssertionError(words)
        return dict(self.output() for _ in range(self.number()))

    def output(self):
        name, is_sequence = self.read(self.number()).decode(), self.number()
        if not is_sequence:
            return name, self.array()
        n, kind = self.number(), self.number()
        items = [self.array() for _ in range(n)]
        assert all(number_of(item) == kind for item in items)
        return name, items

    def array(self):
        kind = self.number()
        if kind == NOTHING:
            return None
        shape = [self.number() for _ in range(self.number())]
        if kind == TEXTS:
            texts = [self.read(self.number()).decode() for _ in range(math.prod(shape))]
            return numpy.array(texts, object).reshape(shape)
        if kind not in KINDS:
            self.kill()  # with what is left of its answer
            raise Skipped(f"outputs of dtype {kind} are packed there otherwise than here")
        return numpy.frombuffer(self.read(self.number()), KINDS[kind]).reshape(shape)


def array_of(tensor, declared=onnx.TensorProto.UNDEFINED):
    array = onnx.numpy_helper.to_array(tensor)
    if tensor.data_type == STRING:
        return numpy.array([item.decode() if isinstance(item, bytes) else item for item in array.flat], object).reshape(array.shape)
    # Files of old have bfloat16 as integers.
    if declared == BFLOAT16 and array.dtype == numpy.uint16:
        array = array.view(DTYPES["BF16"][1])
    return array


def items_of(sequence):
    assert sequence.elem_type in (onnx.SequenceProto.TENSOR, onnx.SequenceProto.UNDEFINED)
    return [array_of(tensor) for tensor in sequence.tensor_values]


def element_of(optional):
    if optional.elem_type == onnx.OptionalProto.SEQUENCE:
        return items_of(optional.sequence_value)
    return array_of(optional.tensor_value) if optional.elem_type == onnx.OptionalProto.TENSOR else None


def load(path, value):
    """An array, of objects for strings, a list of arrays, or None: an optional value that has nothing."""
    kind, data = value.type.WhichOneof("value"), path.read_bytes()
    if kind == "sequence_type":
        return items_of(onnx.SequenceProto.FromString(data))
    if kind == "optional_type":
        return element_of(onnx.OptionalProto.FromString(data))
    if kind != "tensor_type":
        raise Skipped("no tensor")
    return array_of(onnx.TensorProto.FromString(data), value.type.tensor_type.elem_type)


def check(name, got, expected):
    if isinstance(expected, list) or expected is None:
        assert type(got) is type(expected), f"{got} and not {expected}"
        for item, other in zip(got or [], expected or [], strict=True):
            check(name, item, other)
        return
    assert got.dtype == expected.dtype, f"{got.dtype} and not {expected.dtype}"
    assert got.shape == expected.shape, f"{got.shape} and not {expected.shape}"
    if RANDOM.match(name) or name in FAULTS:
        return
    if got.dtype.kind == "V" or got.dtype == DTYPES["BF16"][1]:  # the types of ml_dtypes
        got, expected = got.astype(numpy.float32), expected.astype(numpy.float32)
    if got.dtype.kind == "f":
        numpy.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-7)
    else:
        numpy.testing.assert_array_equal(got, expected)


def run_folder(runner, folder, model):
    weights = {tensor.name for tensor in model.graph.initializer}
    for data in sorted(folder.glob("test_data_set_*")):
        inputs = [value for value in model.graph.input]
        if len(list(data.glob("input_*.pb"))) < len(inputs):
            inputs = [value for value in inputs if value.name not in weights]
        arrays = {value.name: load(data / f"input_{i}.pb", value) for i, value in enumerate(inputs)}
        expected = [load(data / f"output_{i}.pb", value) for i, value in enumerate(model.graph.output)]
        found = runner.run(folder / "model.onnx", arrays)
        for value, array in zip(model.graph.output, expected, strict=True):
            check(folder.name, found[value.name], array)
    if RANDOM.match(folder.name):
        raise Skipped("random numbers, of which dtypes and shapes are right")
    if folder.name in FAULTS:
        raise Skipped(FAULTS[folder.name])


def outcome(runner, folder):
    """("passed" | "skipped" | "refused" | "failed", why)"""
    model = onnx.load(folder / "model.onnx")
    try:
        run_folder(runner, folder, model)
    except Skipped as reason:
        return model, "skipped", str(reason)
    except Refused as reason:
        return model, "refused", str(reason)
    except AssertionError as reason:
        return model, "failed", str(reason)
    return model, "passed", ""


@pytest.fixture(scope="module")
def outcomes():
    """{suite: {name: (model, outcome, why)}}"""
    runner = Runner()
    found = {
        suite: {folder.name: outcome(runner, folder) for folder in sorted((ROOT / suite).iterdir()) if folder.is_dir()}
        for suite in ("node", "simple", "pytorch-operator", "pytorch-converted")
    }
    runner.stop()
    return found


def told(found, *kinds):
    return [f"{name}: {kind}: {why}" for name, (_, kind, why) in found.items() if kind in kinds]


def test_the_operators_of_node_tests(outcomes):
    found = outcomes["node"]
    wrong = told(found, "failed")
    n = sum(kind == "passed" for _, kind, _ in found.values())
    if len(found) != DEBIAN_12:
        print(f"{n} of {len(found)} passed", *wrong, *told(found, "refused"), sep="\n")
        pytest.skip("another set than Debian 12's is listed, and nothing asked of it")
    assert not wrong, "\n".join(wrong)
    assert n >= 910, "\n".join(told(found, "refused", "skipped"))


@pytest.mark.parametrize("suite, n_least", [("simple", 7), ("pytorch-operator", 35), ("pytorch-converted", 82)])
def test_models_of_several_operators(outcomes, suite, n_least):
    found = outcomes[suite]
    wrong = told(found, "failed", "refused")
    wrong = [line for line in wrong if ": refused: cannot be computed: " not in line]
    assert not wrong, "\n".join(wrong)
    assert sum(kind == "passed" for _, kind, _ in found.values()) >= n_least


# --- the page ---


def table_of(outcomes):
    """{(domain, operator): {outcome: number}, with reasons}"""
    rows = collections.defaultdict(collections.Counter)
    found = outcomes["node"]

    def operator(name, model):
        """Of a model of one; that of the test whose function is expanded; else no one's."""
        nodes = [node for node in model.graph.node if node.op_type != "Constant"] or list(model.graph.node)
        base = re.sub(r"_expanded.*", "", name)
        if len(nodes) == 1 and base == name:
            return nodes[0].domain, nodes[0].op_type
        return operator(base, found[base][0]) if base != name and base in found else ("", "(several)")

    for name, (model, kind, why) in found.items():
        row = rows[operator(name, model)]
        row["tests"] += 1
        row["passed"] += kind == "passed"
        if kind != "passed":
            why = re.sub(r"^input '.*': expected.*", "the data has another shape than the model says", why)
            row["why", re.sub(r"^node .*?: ", "", why)] += 1
    return rows


def versions(domain, name):
    """Of the operator, as far as this onnx knows them."""
    found = {
        schema.since_version
        for schema in onnx.defs.get_all_schemas_with_history()
        if (schema.domain, schema.name) == (domain, name)
    }
    return ", ".join(map(str, sorted(found))) or "1"


def page(outcomes):
    computed = subprocess.run([PROGRAM, "--operators"], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = table_of(outcomes)
    for line in computed:
        domain, name, _ = line.split("\t")
        if domain != "heft":  # those that training alone uses
            rows[domain, name]  # a row of its own without a test
    lines = [
        "# Operators",
        "",
        "Written by `tests/interop/test_onnx_node.py`: the operators of ONNX that heft computes, and how ONNX's own tests of",
        f"operators go, those {DEBIAN_12} of Debian 12's `libonnx-testdata`. A test of a function's expansion counts as one of the",
        f"function's. Versions are the operator sets in which the operator changed, as onnx {onnx.__version__} has them.",
        "",
        "| operator | versions | tests | passed | not passed, and why |",
        "|---|---|---|---|---|",
    ]
    for (domain, name), row in sorted(rows.items(), key=lambda item: (item[0][0], item[0][1].lower())):
        why = "; ".join(f"{n} {key[1]}" for key, n in sorted(row.items(), key=str) if isinstance(key, tuple))
        label = f"{domain}.{name}" if domain else name
        lines.append(f"| {label} | {versions(domain, name)} | {row['tests'] or ''} | {row['passed'] or ''} | {why} |".replace("  ", " "))
    passed, tests = (sum(row[what] for row in rows.values()) for what in ("passed", "tests"))
    lines += ["", f"{passed} of {tests} pass.", ""]
    return "\n".join(lines)


def test_the_page_of_operators_is_what_came_out(outcomes):
    made = page(outcomes)
    if len(outcomes["node"]) != DEBIAN_12 or onnx.__version__ != "1.23.2":
        print(made)
        pytest.skip("the page is of Debian 12's models, and of onnx 1.23.2")
    if os.environ.get("UPDATE") == "1":
        PAGE.write_text(made)
    assert PAGE.read_text() == made, "UPDATE=1 writes it"
