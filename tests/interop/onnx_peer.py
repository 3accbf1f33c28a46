# SPDX-License-Identifier: Apache-2.0
"""What heft should see in an ONNX model, from onnx's own messages and numpy_helper: spec/foreign/onnx.md, section 2."""

import struct

import numpy
import onnx
from onnx import TensorProto, numpy_helper

# The name of spec/ids.md by onnx's own name of a type (O2-8), and the bits of an element.
TYPES = {
    "FLOAT": ("F32", 32), "UINT8": ("U8", 8), "INT8": ("I8", 8), "UINT16": ("U16", 16), "INT16": ("I16", 16),
    "INT32": ("I32", 32), "INT64": ("I64", 64), "BOOL": ("BOOL", 8), "FLOAT16": ("F16", 16), "DOUBLE": ("F64", 64),
    "UINT32": ("U32", 32), "UINT64": ("U64", 64), "COMPLEX64": ("C64", 64), "COMPLEX128": ("C128", 128),
    "BFLOAT16": ("BF16", 16), "FLOAT8E4M3FN": ("F8_E4M3", 8), "FLOAT8E4M3FNUZ": ("F8_E4M3FNUZ", 8),
    "FLOAT8E5M2": ("F8_E5M2", 8), "FLOAT8E5M2FNUZ": ("F8_E5M2FNUZ", 8), "UINT4": ("U4", 4), "INT4": ("I4", 4),
    "FLOAT4E2M1": ("F4", 4), "FLOAT8E8M0": ("F8_E8M0", 8), "UINT2": ("U2", 2), "INT2": ("I2", 2),
    "FLOAT6E2M3": ("F6_E2M3", 6), "FLOAT6E3M2": ("F6_E3M2", 6),
}  # fmt: skip
# O2-1: of a Constant these are weights, other types stay in the graph.
QUANTISED = {"INT8", "UINT8", "INT4", "UINT4", "INT2", "UINT2"}
WEIGHT_TYPES = {name for name in TYPES if name.startswith(("FLOAT", "DOUBLE", "BFLOAT", "COMPLEX"))} | QUANTISED


def type_name(tensor):
    return TensorProto.DataType.Name(tensor.data_type)


def packed(array, bits):
    """D1-1: elements from the low bits up, without padding between them."""
    codes = array.reshape(-1).view(numpy.uint8) if array.size else numpy.zeros(0, numpy.uint8)
    if bits >= 8:
        return codes.tobytes()
    flat = numpy.unpackbits(codes[:, None], axis=1, bitorder="little")[:, :bits]
    return numpy.packbits(flat.reshape(-1), bitorder="little").tobytes()


def logical(tensor, folder=""):
    """(dtype name, shape, bytes) of a TensorProto, by numpy_helper."""
    dtype, bits = TYPES[type_name(tensor)]
    array = numpy.ascontiguousarray(numpy_helper.to_array(tensor, str(folder))).reshape(tuple(tensor.dims))
    return dtype, tuple(tensor.dims), packed(array, bits)


def floats(values):
    return "F32", (len(values),), numpy.array(values, "<f4").tobytes()


class Walk:
    """Everything in a model in the order in which its bytes stand when onnx serialises it."""

    def __init__(self, model, folder=""):
        self.folder = folder
        self.found, self.taken = [], set()
        if model.HasField("graph"):
            self.graph(model.graph, "", "weights")
        for i, training in enumerate(model.training_info):
            for field in ("initialization", "algorithm"):
                self.graph(getattr(training, field), f"training.{i}.{field}.", "optimizer")
        for function in model.functions:
            overload = f":{function.overload}" if function.overload else ""
            self.nodes(function.node, f"{function.domain}::{function.name}{overload}.", "weights")

    def add(self, space, name, tensor):
        unique, n = name, 2
        while (space, unique) in self.taken:
            unique, n = f"{name}#{n}", n + 1
        self.taken.add((space, unique))
        self.found.append((space, unique, *tensor))

    def tensor(self, space, name, tensor):
        if type_name(tensor) != "STRING":
            self.add(space, name, logical(tensor, self.folder))

    def sparse(self, space, name, sparse):
        self.tensor(space, f"{name}.values", sparse.values)
        self.tensor(space, f"{name}.indices", sparse.indices)

    def graph(self, graph, prefix, space):
        self.nodes(graph.node, prefix, space)
        for tensor in graph.initializer:
            self.tensor(space, prefix + tensor.name, tensor)
        for sparse in graph.sparse_initializer:
            self.sparse(space, prefix + sparse.values.name, sparse)

    def nodes(self, nodes, prefix, space):
        for node in nodes:
            outputs = [name for name in node.output if name]
            if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
                self.constant(node, prefix + ((node.output[0] if node.output else "") or node.name), space)
            label = node.name or (outputs[0] if outputs else node.op_type)
            for attribute in node.attribute:
                inner = f"{prefix}{label}.{attribute.name}."
                if attribute.HasField("g"):
                    self.graph(attribute.g, inner, space)
                for i, graph in enumerate(attribute.graphs):
                    self.graph(graph, f"{inner}{i}.", space)

    def constant(self, node, name, space):
        for attribute in node.attribute:
            if attribute.name == "value" and attribute.HasField("t"):
                if attribute.t.dims and type_name(attribute.t) in WEIGHT_TYPES:
                    self.tensor(space, name, attribute.t)
            elif attribute.name == "value_floats":
                self.add(space, name, floats(attribute.floats))
            elif attribute.name == "sparse_value" and attribute.HasField("sparse_tensor"):
                if type_name(attribute.sparse_tensor.values) in WEIGHT_TYPES:
                    self.sparse(space, name, attribute.sparse_tensor)


def tensors_of_model(model, folder=""):
    """[(space, name, dtype name, shape, bytes)]"""
    return Walk(model, folder).found


def open_model(path):
    """As onnx reads it, its external data left where it is."""
    return onnx.load(path, load_external_data=False)


def numbers(tensor):
    """(field, values) of a tensor whose bytes are in raw_data: what stands in the typed field of its type (O3-3)."""
    field = onnx.helper.tensor_dtype_to_field(tensor.data_type)
    kind, raw = type_name(tensor), tensor.raw_data
    bits = TYPES[kind][1]
    if bits == 6:
        flat = numpy.unpackbits(numpy.frombuffer(raw, "u1"), bitorder="little")
        n = int(numpy.prod(tensor.dims, dtype=numpy.int64))
        return field, numpy.packbits(flat[: n * 6].reshape(n, 6), axis=1, bitorder="little")[:, 0].tolist()
    width = {"float_data": "<f4", "double_data": "<f8", "int64_data": "<i8"}.get(field)
    if field == "uint64_data":
        width = f"<u{bits // 8}"
    elif field == "int32_data":
        # Signed integers are sign-extended; all others are bit patterns.
        width = f"<i{bits // 8}" if kind in ("INT8", "INT16", "INT32") else f"<u{max(1, bits // 8)}"
    return field, numpy.frombuffer(raw, width).tolist()


def typed(tensor):
    """The same tensor with its bytes in a typed field."""
    other = TensorProto(dims=tensor.dims, data_type=tensor.data_type, name=tensor.name)
    field, values = numbers(tensor)
    getattr(other, field).extend(values)
    return other


# --- protobuf's wire format by hand, for what onnx itself does not write ---

NUMBERS = {field.name: field.number for field in TensorProto.DESCRIPTOR.fields}


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, content):
    """A field of bytes, text or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def number_bytes(name, value):
    """(wire type, bytes) of a number of a typed field."""
    if name == "float_data":
        return 5, struct.pack("<f", value)
    return (1, struct.pack("<d", value)) if name == "double_data" else (0, varint(value))


def spelled(tensor, how):
    """The message of a raw tensor with its bytes in a typed field: unpacked, or packed in several runs."""
    name, values = numbers(tensor)
    head = TensorProto(dims=tensor.dims, data_type=tensor.data_type, name=tensor.name).SerializeToString()
    pieces = [number_bytes(name, value) for value in values]
    if how == "unpacked":
        return head + b"".join(varint(NUMBERS[name] << 3 | wire) + data for wire, data in pieces)
    cut = max(1, len(pieces) // 3)
    runs = [pieces[i : i + cut] for i in range(0, len(pieces), cut)]
    # The last run is unpacked, and the name comes behind them all.
    packed = [field(NUMBERS[name], b"".join(data for _, data in run)) for run in runs[:-1]]
    packed += [varint(NUMBERS[name] << 3 | wire) + data for wire, data in (runs[-1] if runs else [])]
    head = TensorProto(dims=tensor.dims, data_type=tensor.data_type).SerializeToString()
    return b"".join(packed) + head + field(NUMBERS["name"], tensor.name.encode())


def model_of(messages, model=None):
    """A model's bytes, its initializers given as messages."""
    model = model or onnx.helper.make_model(onnx.helper.make_graph([], "g", [], []))
    rest = onnx.ModelProto()
    rest.CopyFrom(model)
    rest.ClearField("graph")
    graph = model.graph.SerializeToString() + b"".join(field(5, message) for message in messages)
    return rest.SerializeToString() + field(7, graph)


def random_tensor(random, kind, shape, name):
    """A TensorProto with random bits in raw_data."""
    dtype, bits = TYPES[kind]
    n = int(numpy.prod(shape, dtype=numpy.int64))
    raw = bytearray(random.integers(0, 2 if dtype == "BOOL" else 256, (n * bits + 7) // 8, numpy.uint8).tobytes())
    if n * bits % 8:
        raw[-1] &= (1 << n * bits % 8) - 1
    if dtype in ("F32", "F64", "C64", "C128"):
        # A signalling NaN loses that bit in Python's own floats, which typed fields go through.
        width = {"F32": "<f4", "C64": "<f4"}.get(dtype, "<f8")
        values = numpy.frombuffer(bytes(raw), width)
        raw = bytearray(numpy.where(numpy.isnan(values), numpy.array(1.5, width), values).astype(width).tobytes())
    return TensorProto(dims=shape, data_type=TensorProto.DataType.Value(kind), name=name, raw_data=bytes(raw))
