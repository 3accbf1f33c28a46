# SPDX-License-Identifier: Apache-2.0
"""Rows on PyTorch's files, beside torch itself. Every byte is touched on both sides, but where a row says that none is read."""

from measure import CORES, needing, python, run, stated, timed

MAKE = """
import sys, torch
path, size, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.manual_seed(1)
block = torch.randn(1 << 20) * 0.02
n = size // 64 // 4
def tensor(i):
    whole = block.repeat((n >> 20) + 2)[i * 1000 : i * 1000 + n].clone()
    side = int(n**0.5)
    return whole[: side * side].reshape(side, side).t() if how == 'views' else whole
torch.save({f'block.{i}.weight': tensor(i) for i in range(64)}, path, _use_new_zipfile_serialization=how != 'legacy')
"""

READ = """
import sys, time, torch
torch.set_num_threads(int(sys.argv[3]))
t = time.perf_counter()
state = torch.load(sys.argv[1], weights_only=True, mmap=sys.argv[2] == 'mmap')
total = 0
for tensor in state.values():
    total += int(tensor.reshape(-1).view(torch.int64).sum() if tensor.numel() % 2 == 0 else tensor.sum())
print(time.perf_counter() - t)
"""

OPEN = """
import sys, time, torch
t = time.perf_counter()
state = torch.load(sys.argv[1], weights_only=True, mmap=sys.argv[2] == 'mmap')
found = [(name, tuple(tensor.shape), tensor.dtype) for name, tensor in state.items()]
print((time.perf_counter() - t) * 1e6)
"""

WRITE = """
import sys, time, torch
state = torch.load(sys.argv[1], weights_only=True)
t = time.perf_counter()
torch.save(state, sys.argv[2])
print(time.perf_counter() - t)
"""


def make(bench, name, how="zip"):
    path = bench.path(name)
    python(MAKE + "print(0)", path, bench.size, how, rounds=1)
    run(["cat", path])  # warm cache
    return path


def read(bench):
    """reading .pt beside torch.load"""
    program, rounds = bench.tool("read_file"), min(3, bench.rounds)
    for how in ("zip", "legacy", "views"):
        path = make(bench, "m.pt", how)
        for n_threads in sorted({1, CORES}):
            peer = python(READ, path, "plain" if how == "legacy" else "mmap", n_threads, rounds=rounds)
            seconds = stated([program, path, str(n_threads)], bench.rounds)
            with_mmap = "" if how == "legacy" else "(mmap)"
            bench.ratio(f"read pt, {how}, {n_threads} threads / torch.load{with_mmap}", seconds, peer, 1.0, bench.size)
        if how == "zip":
            peer = python(READ, path, "mmap", 1, rounds=rounds)
            seconds = stated([program, path, "1", "map"], bench.rounds)
            bench.ratio("map pt, 1 thread / torch.load(mmap)", seconds, peer, 1.0, bench.size)
        bench.clear()


def opening(bench):
    """opening .pt without reading its weights, beside torch.load"""
    for how in ("zip", "legacy"):
        path = make(bench, "m.pt", how)
        peer = python(OPEN, path, "mmap" if how == "zip" else "plain", rounds=min(3, bench.rounds))
        found = stated([bench.tool("open_file"), "verify", path, "block.0.weight"], 4 * bench.rounds)
        bench.ratio(f"open pt, {how} / torch.load", found / 1e6, peer / 1e6, 20.0)
        times = sorted(timed([bench.heft, "inspect", path], 1)[0] for _ in range(4 * bench.rounds))
        median = times[len(times) // 2]
        bench.row(f"inspect of a {how} pt file, whole process", f"{median * 1e3:.1f} ms (median)", "<= 50 ms", median <= 0.050)
        bench.clear()


def write(bench):
    """writing .pt beside torch.save"""
    path, kept, out = make(bench, "m.pt"), bench.path("kept.heft"), bench.path("out.pt")
    run([bench.heft, "convert", "-q", "--no-sync", path, kept])
    peer = python(WRITE, path, bench.path("peer.pt"), rounds=min(3, bench.rounds))
    bench.remove("peer.pt")
    seconds, _ = timed([bench.heft, "convert", "-q", "-f", "--no-sync", kept, out], bench.rounds)
    bench.ratio("write pt / torch.save", seconds, peer, 1.0, bench.size)


def memory(bench):
    """the memory that PyTorch's files need"""
    for how in ("zip", "legacy", "views"):
        path, kept = make(bench, "m.pt", how), bench.path("kept.heft")
        bench.limited(f"inspect of pt, {how}", "inspect", path)
        bench.limited(f"digest of pt, {how}", "digest", path)
        bench.limited(f"convert pt, {how} -> heft", "convert", "-q", "--no-sync", path, kept)
        if how == "zip":
            bench.limited("convert heft -> pt", "convert", "-q", "--no-sync", kept, bench.path("out.pt"))
        bench.clear()


ROWS = needing("torch", {"pytorch-read": read, "pytorch-open": opening, "pytorch-write": write, "pytorch-memory": memory})
