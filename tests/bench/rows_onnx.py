# SPDX-License-Identifier: Apache-2.0
"""Rows on ONNX, beside onnx itself. Every byte is touched on both sides, but where a row says that none is read."""

from measure import CORES, needing, python, run, stated, timed

# One initializer below the 2 GiB that protobuf can hold; 64 of them, and nodes that use them.
MAKE = """
import sys, numpy, onnx
from onnx import TensorProto, helper
path, size, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
random = numpy.random.Generator(numpy.random.PCG64(1))
block = (random.standard_normal(1 << 20) * 0.02).astype('<f4')
n = size // 64 // 4
tensors, nodes = [], []
for i in range(64):
    raw = numpy.roll(numpy.resize(block, n), i * 1000 + 1).tobytes()
    tensors.append(TensorProto(dims=[n], data_type=TensorProto.FLOAT, name=f'block.{i}.weight', raw_data=raw))
    nodes.append(helper.make_node('Mul', [f'x{i}', f'block.{i}.weight'], [f'x{i + 1}'], name=f'mul.{i}'))
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [n]) for name in ('x0', 'x64'))
made = helper.make_model(helper.make_graph(nodes, 'g', [x], [y], tensors))
onnx.save_model(made, path, save_as_external_data=how == 'external', location=path.rsplit('/', 1)[1] + '.bin')
"""

READ = """
import sys, time, onnx
from onnx import numpy_helper
t = time.perf_counter()
model = onnx.load(sys.argv[1])
total = 0
for tensor in model.graph.initializer:
    total += int(numpy_helper.to_array(tensor).reshape(-1).view('u8').sum(dtype='u8'))
print(time.perf_counter() - t)
"""

OPEN = """
import sys, time, onnx
t = time.perf_counter()
model = onnx.load(sys.argv[1], load_external_data=False)
found = [(tensor.name, tuple(tensor.dims), tensor.data_type) for tensor in model.graph.initializer]
print((time.perf_counter() - t) * 1e6)
"""

WRITE = """
import sys, time, numpy, onnx
from onnx import TensorProto, helper
with numpy.load(sys.argv[1]) as f:
    arrays = {name: f[name] for name in f.files}
t = time.perf_counter()
tensors = [TensorProto(dims=a.shape, data_type=TensorProto.FLOAT, name=name, raw_data=a.tobytes()) for name, a in arrays.items()]
made = helper.make_model(helper.make_graph([], 'g', [], [], tensors))
onnx.save_model(made, sys.argv[2], save_as_external_data=len(sys.argv) > 3, location='peer.bin')
print(time.perf_counter() - t)
"""


def make(bench, name, how="inside"):
    """A model of the size that was asked for, below what protobuf refuses."""
    path = bench.path(name)
    python(MAKE + "print(0)", path, min(bench.size, (1 << 31) - (1 << 20)), how, rounds=1)
    run(["sh", "-c", f"cat '{path}'* >/dev/null"])  # warm cache
    return path


def read(bench):
    """reading .onnx beside onnx.load and numpy_helper"""
    program = bench.tool("read_file")
    for how in ("inside", "external"):
        path = make(bench, "m.onnx", how)
        peer = python(READ, path, rounds=min(3, bench.rounds))
        for n_threads in sorted({1, CORES}):
            seconds = stated([program, path, str(n_threads)], bench.rounds)
            bench.ratio(f"read onnx, {how}, {n_threads} threads / onnx", seconds, peer, 3.0, bench.size)
        bench.clear()


def opening(bench):
    """opening .onnx without reading its weights, beside onnx.load"""
    path = make(bench, "m.onnx")
    peer = python(OPEN, path, rounds=min(3, bench.rounds))
    name = "block.0.weight"
    found = stated([bench.tool("open_file"), "verify", path, name], 4 * bench.rounds)
    bench.ratio("open onnx / onnx.load", found / 1e6, peer / 1e6, 20.0)
    times = sorted(timed([bench.heft, "inspect", path], 1)[0] for _ in range(4 * bench.rounds))
    median = times[len(times) // 2]
    bench.row("inspect of an onnx file, whole process", f"{median * 1e3:.1f} ms (median)", "<= 50 ms", median <= 0.050)


def write(bench):
    """writing .onnx beside onnx.save_model"""
    src, out = bench.model, bench.path("out.onnx")
    run([bench.heft, "convert", "-q", "--no-sync", src, bench.path("a.npz")])
    for options, extra in ([], []), (["--external"], ["external"]):
        peer = python(WRITE, bench.path("a.npz"), bench.path("peer.onnx"), *extra, rounds=min(3, bench.rounds))
        bench.remove("peer.onnx", "peer.bin")
        seconds, _ = timed([bench.heft, "convert", "-q", "-f", "--no-sync", *options, src, out], bench.rounds)
        what = "write onnx, external" if options else "write onnx"
        bench.ratio(f"{what} / onnx.save_model", seconds, peer, 1.0, bench.size)
        bench.remove("out.onnx", "out.onnx.data")


def memory(bench):
    """the memory that ONNX needs"""
    path, kept = make(bench, "m.onnx"), bench.path("kept.heft")
    bench.limited("inspect of onnx", "inspect", path)
    bench.limited("digest of onnx", "digest", path)
    bench.limited("convert onnx -> heft", "convert", "-q", "--no-sync", path, kept)
    bench.limited("convert heft -> onnx", "convert", "-q", "--no-sync", kept, bench.path("out.onnx"))
    bench.limited("... --external", "convert", "-q", "-f", "--no-sync", "--external", kept, bench.path("out.onnx"))
    bench.remove("out.onnx", "out.onnx.data")
    bench.limited("convert --into", "convert", "-q", "--no-sync", kept, bench.path("out.onnx"), "--into", path)


ROWS = needing("onnx", {"onnx-read": read, "onnx-open": opening, "onnx-write": write, "onnx-memory": memory})
