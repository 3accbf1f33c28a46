# SPDX-License-Identifier: Apache-2.0
"""Rows on NumPy's formats, beside NumPy itself. Every byte is touched on both sides."""

import os

from measure import CORES, python, run, stated, timed

# Values as weights have them: what deflate makes of random bits says nothing.
MAKE = """
import sys, numpy
how, path, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
random = numpy.random.Generator(numpy.random.PCG64(1))
block = (random.standard_normal(1 << 20) * 0.02).astype('f4')
n = size // 64 // 4
def array(i):
    return numpy.roll(numpy.resize(block, n), i * 1000 + 1)
if how == 'npy':
    numpy.save(path, numpy.resize(block, size // 4))
elif how == 'fortran':
    side = int((size // 4) ** 0.5)
    numpy.savez_compressed(path, a=numpy.asfortranarray(numpy.resize(block, (side, side))))
else:
    save = numpy.savez_compressed if how == 'deflated' else numpy.savez
    save(path, **{f'block/{i}/weight': array(i) for i in range(64)})
"""

READ = """
import sys, time, numpy
t = time.perf_counter()
found = numpy.load(sys.argv[1], mmap_mode=sys.argv[2] or None)
total = 0
for name in getattr(found, 'files', [None]):
    a = found if name is None else found[name]
    total += int(a.reshape(-1).view('u8').sum(dtype='u8'))
print(time.perf_counter() - t)
"""

WRITE = """
import sys, time, numpy
how, src, out = sys.argv[1:]
with numpy.load(src) as f:
    arrays = {name: f[name] for name in f.files}
t = time.perf_counter()
(numpy.savez_compressed if how == 'deflated' else numpy.savez)(out, **arrays)
print(time.perf_counter() - t)
"""


def make(bench, how, name):
    path = bench.path(name)
    python(MAKE + "print(0)", how, path, bench.size, rounds=1)
    run(["cat", path])  # warm cache
    return path


def read(bench):
    """reading .npy and .npz beside numpy.load"""
    program = bench.tool("read_file")
    for how, name, wanted in [("npy", "a.npy", 1.0), ("stored", "s.npz", 1.0), ("deflated", "d.npz", 1.5)]:
        path = make(bench, how, name)
        rounds = bench.rounds if how != "deflated" else min(2, bench.rounds)
        what = "npy" if how == "npy" else f"{how} npz"
        peer = python(READ, path, "", rounds=rounds)
        for n_threads in sorted({1, CORES}):
            seconds = stated([program, path, str(n_threads)], rounds)
            # One thread does as much as NumPy's; what is asked for is asked of the machine.
            bench.ratio(f"read {what}, {n_threads} threads / numpy.load", seconds, peer, wanted if n_threads == CORES else 1.0,
                bench.size)  # fmt: skip
        if how == "npy":
            peer = python(READ, path, "r", rounds=rounds)
            seconds = stated([program, path, "1", "map"], rounds)
            bench.ratio("map npy, 1 thread / numpy.load(mmap_mode='r')", seconds, peer, 1.0, bench.size)
        bench.remove(name)


def write(bench):
    """writing .npz beside numpy.savez and savez_compressed"""
    src, kept, out, peer_out = make(bench, "stored", "s.npz"), *map(bench.path, ("a.heft", "out.npz", "peer.npz"))
    # Without a recipe, which would be followed instead.
    run([bench.heft, "convert", "-q", "--no-sync", src, kept, "--rename", "*=model/*"])
    command = [bench.heft, "convert", "-q", "-f", "--no-sync", kept, out]
    peer, seconds = [], []
    # In turn, and with neither's last file there: savez would cut its own to nothing and get those pages back while
    # they are in the CPU's cache and the kernel's lists, heft would keep the old one until the new one is whole.
    for _ in range(bench.rounds):
        bench.remove("peer.npz", "out.npz")
        peer.append(python(WRITE, "stored", src, peer_out, rounds=1))
        bench.remove("peer.npz", "out.npz")
        seconds.append(timed(command, 1)[0])
    bench.ratio("write npz, stored / numpy.savez", min(seconds), min(peer), 1.0, bench.size)
    bench.remove("out.npz")
    peer = python(WRITE, "deflated", src, peer_out, rounds=1)
    for how in ("fast", "best"):
        seconds, _ = timed([*command, f"--compress={how}"], min(2, bench.rounds))
        size = os.path.getsize(out) / os.path.getsize(peer_out)
        bench.ratio(f"write npz, {how} / numpy.savez_compressed", seconds, peer, 2.0 if how == "fast" else 1.0, bench.size)
        bench.row("... its size / that of numpy.savez_compressed", f"{size:.3f}", "<= 1.050", size <= 1.05)


def memory(bench):
    """the memory that NumPy's formats need"""
    for how, name in [("npy", "a.npy"), ("stored", "s.npz"), ("deflated", "d.npz"), ("fortran", "f.npz")]:
        path = make(bench, how, name)
        what = "npy" if how == "npy" else f"{how} npz"
        bench.limited(f"convert {what} -> heft", "convert", "-q", "--no-sync", path, bench.path("out.heft"))
        bench.limited(f"digest of {what}", "digest", path)
        bench.remove(name)
        for options in ([], ["--compress"]) if how == "stored" else ():
            bench.limited(
                f"convert heft -> npz {' '.join(options)}".rstrip(),
                "convert", "-q", "-f", "--no-sync", *options, bench.path("out.heft"), bench.path("out.npz"),
            )  # fmt: skip
        bench.remove("out.heft", "out.npz")


ROWS = {"numpy-read": read, "numpy-write": write, "numpy-memory": memory}
