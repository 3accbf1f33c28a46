# SPDX-License-Identifier: Apache-2.0
"""Rows on what looks at every value: statistics and differences."""

from measure import CORES, python, run, stated, timed

# What heft's statistics say of a tensor, as a user of NumPy would get it.
NUMPY_STATS = """
import sys, time
import ml_dtypes, numpy
dtype, path, at, n = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
bits = numpy.fromfile(path, 'u2' if dtype == 'BF16' else 'u4', n, offset=at)
t = time.perf_counter()
a = bits.view(ml_dtypes.bfloat16).astype('f4') if dtype == 'BF16' else bits.view('f4')
nan, inf = numpy.isnan(a), numpy.isinf(a)
finite = a[~(nan | inf)]
wide = finite.astype('f8')
found = [finite.min(), finite.max(), wide.mean(), wide.std(), numpy.sqrt(wide @ wide), numpy.abs(finite).max()]
found += [numpy.count_nonzero(a == 0), numpy.count_nonzero(nan), numpy.count_nonzero(inf)]
found += [numpy.count_nonzero((numpy.abs(a) < numpy.finfo('f4').tiny) & (a != 0))]
found += [numpy.quantile(finite, [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999]), numpy.histogram(finite, 32)]
print(time.perf_counter() - t)
"""


def normal(bench, name, dtype):
    """A file of the size, of values as weights have them."""
    import ml_dtypes
    import numpy

    random = numpy.random.Generator(numpy.random.PCG64(1))
    values = (random.standard_normal(1 << 22) * 0.02).astype("f4")
    block = (values.astype(ml_dtypes.bfloat16) if dtype == "BF16" else values).tobytes()
    item = 2 if dtype == "BF16" else 4
    tensors = [(f"block.{i}.weight", bench.size // item // 64) for i in range(64)]
    path = bench.write_safetensors(name, tensors, lambda n: (block + block + block)[:n], dtype, item)
    run(["cat", path])
    return path


def stats(bench):
    """inspect --stats beside NumPy doing the same, on one core and on all"""
    for dtype, item in [("F32", 4), ("BF16", 2)]:
        path = normal(bench, "values.safetensors", dtype)
        part = min(bench.size, 1 << 26)
        seconds, _ = timed([bench.heft, "inspect", "--stats", "-j", "1", "--json", path], bench.rounds)
        rate = bench.size / seconds
        bench.row(f"inspect --stats {dtype}, one core", f"{rate / 1e9:.2f} GB/s", ">= 4.00 GB/s", rate >= 4e9)
        peer = python(NUMPY_STATS, dtype, path, 1 << 16, part // item, rounds=min(3, bench.rounds))
        bench.ratio("... / NumPy doing the same", seconds, peer * bench.size / part, 20.0)
        seconds, _ = timed([bench.heft, "inspect", "--stats", "--json", path], bench.rounds)
        bench.row(f"inspect --stats {dtype}, {CORES} cores", f"{bench.size / seconds / 1e9:.2f} GB/s", "-", True)
        bench.limited(f"inspect --stats {dtype}", "inspect", "--stats", path)
        bench.remove("values.safetensors")


def diff(bench):
    """heft diff of two large files beside the memory's bandwidth, and of two with 100,000 tensors"""
    program, a, b = bench.tool("diff_files"), bench.path("a.safetensors"), bench.path("b.safetensors")
    for path, seed in ((a, 1), (b, 2)):
        run([program, "make", path, "64", str(bench.size // 4 // 64), str(seed)])
    memory = stated([program, "read", a, b], 1)
    seconds, _ = timed([bench.heft, "diff", a, b], bench.rounds, status=1)
    n_bytes = 2 * bench.size
    bench.row("diff of two files / reading memory", f"{memory / seconds:.2f} ({n_bytes / seconds / 1e9:.2f} GB/s)", ">= 0.50",
        seconds <= 2 * memory)  # fmt: skip
    bench.limited("diff of two files", "diff", a, b, status=1)
    for path in (a, b):
        run([program, "make", path, "100000", "64", "1"])
    seconds, _ = timed([bench.heft, "diff", a, b], bench.rounds)
    bench.row("diff of two files of 100,000 tensors", f"{seconds:.3f} s", "<= 1 s", seconds <= 1)


ROWS = {"stats": stats, "diff": diff}
