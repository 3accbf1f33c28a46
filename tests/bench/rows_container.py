# SPDX-License-Identifier: Apache-2.0
"""Rows on the container: conversion, digest, opening."""

import os
import subprocess

from measure import CORES, python, run, stated, timed


def convert(bench):
    """safetensors to heft beside cp and SHA-256"""
    src, out, copy = bench.model, bench.path("out.heft"), bench.path("copy")
    command = [bench.heft, "convert", "-q", src, out]
    # Warm cache.
    run(["cat", src])
    cp_wall, cp_cpu = timed(["cp", "--reflink=never", src, copy], bench.rounds, lambda: bench.remove("copy"))
    sha_cpu = bench.size / (bench.sha_rate / CORES)
    bound = 1.25 * (cp_cpu + sha_cpu) / CORES
    wall, cpu = timed([*command, "--no-sync"], bench.rounds, lambda: bench.remove("out.heft"))
    bench.row("convert safetensors -> heft, no sync", f"{wall:.3f} s ({cpu:.2f} CPU)", f"<= {bound:.3f} s", wall <= bound)

    def before():
        bench.remove("out.heft", "copy")
        subprocess.run(["sync"], check=True)

    sync_wall, _ = timed(["sh", "-c", f"cp --reflink=never '{src}' '{copy}' && sync '{copy}'"], bench.rounds, before)
    wall, _ = timed(command, bench.rounds, before)
    bound = max(1.25 * sync_wall, bound)
    bench.row("convert safetensors -> heft, synced", f"{wall:.3f} s", f"<= {bound:.3f} s", wall <= bound)
    bench.remove("out.heft", "copy")
    bench.limited("convert safetensors -> heft", "convert", "-q", "--no-sync", src, out)


def digest(bench):
    """the weights digest beside openssl speed"""
    wall, _ = timed([bench.heft, "digest", bench.model], bench.rounds)
    share = bench.size / wall / bench.sha_rate
    bench.row("heft digest of safetensors / openssl speed", f"{share:.2f} ({bench.size / wall / 1e9:.2f} GB/s)", ">= 0.90",
        share >= 0.9)  # fmt: skip
    bench.limited("heft digest of safetensors", "digest", bench.model)


SAFE_OPEN = """
import sys, time
from safetensors import safe_open
t = time.perf_counter()
with safe_open(sys.argv[1], 'np') as f:
    keys = f.keys()
    for name in sys.argv[2:]:
        assert name in keys
print((time.perf_counter() - t) * 1e6)
"""


def open_many(bench):
    """opening 50,000 tensors beside safetensors' safe_open"""
    n = 50_000
    names = [f"model.layers.{i // 100}.block.{i % 100}.weight" for i in range(n)]
    st, out = bench.write_safetensors("many.safetensors", [(name, 2560) for name in names]), bench.path("many.heft")
    run([bench.heft, "convert", "-q", "--no-sync", st, out])
    wanted = names[:: n // 10]
    peer = python(SAFE_OPEN, st, *wanted, rounds=bench.rounds)
    verified = stated([bench.tool("open_file"), "verify", out, *wanted], 4 * bench.rounds)
    trusted = stated([bench.tool("open_file"), "trust", out, *wanted], 4 * bench.rounds)
    bench.row("open 50,000 tensors, verified / safe_open", f"{verified / peer:.3f} ({verified / 1e3:.1f} ms)", "<= 0.100",
        verified <= peer / 10)  # fmt: skip
    # 80 bytes of TENSORS, 8 of DIMS, 4 of ORDER and the name: what the open verifies.
    index = n * (80 + 8 + 4) + sum(map(len, names))
    hashing = index / (bench.sha_rate / CORES) * 1e6
    bench.row("... / SHA-256 of its index on one core", f"{verified / hashing:.2f}", "<= 1.50", verified <= 1.5 * hashing)
    bench.row("... with a trusted index", f"{trusted / 1e3:.3f} ms", "<= 0.5 ms", trusted <= 500)
    overhead = os.path.getsize(out) / (n * 2560 * 4) - 1
    bench.row("overhead of 50,000 tensors of 10 KB", f"{100 * overhead:.2f} %", "< 3 %", overhead < 0.03)


def inspect(bench):
    """the whole process for a small file"""
    small = bench.write_safetensors("small.safetensors", [(f"layer.{i}.weight", 100) for i in range(20)])
    times = sorted(timed([bench.heft, "inspect", small], 1)[0] for _ in range(10 * bench.rounds))
    median = times[len(times) // 2]
    bench.row("inspect of a small file, whole process", f"{median * 1e3:.1f} ms (median)", "<= 10 ms", median <= 0.010)


ROWS = {"convert": convert, "digest": digest, "open": open_many, "inspect": inspect}
