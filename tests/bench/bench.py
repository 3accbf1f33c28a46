# SPDX-License-Identifier: Apache-2.0
"""Measures heft beside its peers and prints one table.

    build/venv/bin/python tests/bench/bench.py [--build build] [--dir DIR] [--gib 1.0] [--rounds 5]

Every figure is a ratio against a peer, or against what the machine can do, measured in the same run: `cp` and
`sync`, `openssl speed`, PyPI safetensors. Each is the best of some rounds, since noise only ever adds. The folder
needs room for three times --gib and should be on the file system that matters; /dev/shm shows the CPU alone.
"""

import argparse
import json
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import time

CORES = len(os.sched_getaffinity(0))


def run(cmd, **kw):
    """Wall and CPU seconds of a command."""
    begin = time.monotonic()
    process = subprocess.Popen(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **kw)
    _, said = process.communicate()
    wall = time.monotonic() - begin
    if process.returncode:
        sys.exit(f"{' '.join(cmd)}: exit {process.returncode}: {said.decode()}")
    return wall


def timed(cmd, rounds, before=None):
    """Best wall seconds, and the CPU seconds of that round."""
    best = None
    for _ in range(rounds):
        if before:
            before()
        u0 = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall = run(cmd)
        u1 = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = u1.ru_utime + u1.ru_stime - u0.ru_utime - u0.ru_stime
        if best is None or wall < best[0]:
            best = (wall, cpu)
    return best


def remove(*paths):
    for path in paths:
        if os.path.exists(path):
            os.remove(path)


def write_safetensors(path, tensors, fill):
    """tensors: (name, number of F32 elements). `fill(n)` gives n bytes."""
    header = {}
    at = 0
    for name, n in tensors:
        header[name] = {"dtype": "F32", "shape": [n], "data_offsets": [at, at + 4 * n]}
        at += 4 * n
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)))
        f.write(text)
        left = at
        while left:
            n = min(left, 1 << 24)
            f.write(fill(n))
            left -= n


def openssl_rate(rounds):
    """Bytes a second of SHA-256 on all cores together."""
    best = 0.0
    for _ in range(rounds):
        out = subprocess.run(
            ["openssl", "speed", "-multi", str(CORES), "-seconds", "2", "-evp", "sha256", "-bytes", "1048576"],
            capture_output=True, text=True, check=True).stdout
        line = [x for x in out.splitlines() if x.lower().startswith("sha256") or x.startswith("evp")][-1]
        best = max(best, float(re.findall(r"([\d.]+)k", line)[-1]) * 1000)
    return best


def row(work, found, wanted, ok):
    print(f"{work:<46} {found:>22} {wanted:>22}  {'ok' if ok else 'MISSES'}", flush=True)


def bench_convert(heft, src, where, rounds, rate, size):
    out = os.path.join(where, "out.heft")
    copy = os.path.join(where, "copy")
    # Warm cache.
    run(["cat", src])
    cp_wall, cp_cpu = timed(["cp", "--reflink=never", src, copy], rounds, lambda: remove(copy))
    sha_cpu = size / (rate / CORES)
    bound = 1.25 * (cp_cpu + sha_cpu) / CORES
    wall, cpu = timed([heft, "convert", "-q", "--no-sync", src, out], rounds, lambda: remove(out))
    row("convert safetensors -> heft, no sync", f"{wall:.3f} s ({cpu:.2f} CPU)", f"<= {bound:.3f} s", wall <= bound)

    def cp_sync():
        remove(copy)
        subprocess.run(["sync"], check=True)

    sync_wall, _ = timed(["sh", "-c", f"cp --reflink=never '{src}' '{copy}' && sync '{copy}'"], rounds, cp_sync)

    def before():
        remove(out, copy)
        subprocess.run(["sync"], check=True)

    wall, _ = timed([heft, "convert", "-q", src, out], rounds, before)
    bound = max(1.25 * sync_wall, bound)
    row("convert safetensors -> heft, synced", f"{wall:.3f} s", f"<= {bound:.3f} s", wall <= bound)
    remove(out, copy)
    limited = ["prlimit", "--data=67108864", heft, "convert", "-q", "--no-sync", src, out]
    ok = subprocess.run(limited, stderr=subprocess.DEVNULL).returncode == 0
    row("convert under prlimit --data=64MiB", "passes" if ok else "fails", "passes", ok)
    remove(out)


def bench_digest(heft, src, rounds, rate, size):
    wall, _ = timed([heft, "digest", src], rounds)
    share = size / wall / rate
    row("heft digest of safetensors / openssl speed", f"{share:.2f} ({size / wall / 1e9:.2f} GB/s)", ">= 0.90",
        share >= 0.9)


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


def best_of(cmd, rounds):
    return min(float(subprocess.run(cmd, capture_output=True, text=True, check=True).stdout) for _ in range(rounds))


def bench_open(heft, opener, where, rounds, rate):
    n = 50_000
    names = [f"model.layers.{i // 100}.block.{i % 100}.weight" for i in range(n)]
    st = os.path.join(where, "many.safetensors")
    out = os.path.join(where, "many.heft")
    remove(out)
    write_safetensors(st, [(name, 2560) for name in names], os.urandom)
    run([heft, "convert", "-q", "--no-sync", st, out])
    wanted = names[:: n // 10]
    peer = best_of([sys.executable, "-c", SAFE_OPEN, st, *wanted], rounds)
    verified = best_of([opener, "verify", out, *wanted], 4 * rounds)
    trusted = best_of([opener, "trust", out, *wanted], 4 * rounds)
    row("open 50,000 tensors, verified / safe_open", f"{verified / peer:.3f} ({verified / 1e3:.1f} ms)", "<= 0.100",
        verified <= peer / 10)
    # 80 bytes of TENSORS, 8 of DIMS, 4 of ORDER and the name: what the open verifies.
    index = n * (80 + 8 + 4) + sum(map(len, names))
    hashing = index / (rate / CORES) * 1e6
    row("... / SHA-256 of its index on one core", f"{verified / hashing:.2f}", "<= 1.50", verified <= 1.5 * hashing)
    row("... with a trusted index", f"{trusted / 1e3:.3f} ms", "<= 0.5 ms", trusted <= 500)
    payload = n * 2560 * 4
    overhead = os.path.getsize(out) / payload - 1
    row("overhead of 50,000 tensors of 10 KB", f"{100 * overhead:.2f} %", "< 3 %", overhead < 0.03)
    remove(st, out)


def bench_inspect(heft, where, rounds):
    small = os.path.join(where, "small.safetensors")
    write_safetensors(small, [(f"layer.{i}.weight", 100) for i in range(20)], os.urandom)
    times = [timed([heft, "inspect", small], 1)[0] for _ in range(10 * rounds)]
    times.sort()
    median = times[len(times) // 2]
    row("inspect of a small file, whole process", f"{median * 1e3:.1f} ms (median)", "<= 10 ms", median <= 0.010)
    remove(small)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    args = argparse.ArgumentParser()
    args.add_argument("--build", default=os.path.join(root, "build"))
    args.add_argument("--dir")
    args.add_argument("--gib", type=float, default=1.0)
    args.add_argument("--rounds", type=int, default=5)
    args = args.parse_args()
    heft = os.path.join(args.build, "tools", "heft")
    opener = os.path.join(args.build, "tests", "bench", "open_file")
    where = args.dir or os.path.join(args.build, "bench")
    os.makedirs(where, exist_ok=True)
    src = os.path.join(where, "big.safetensors")
    size = int(args.gib * (1 << 30))
    block = os.urandom(1 << 24)
    n = size // 4 // 64
    write_safetensors(src, [(f"block.{i}.weight", n) for i in range(64)], lambda k: block[:k])
    rate = openssl_rate(3)
    print(f"{CORES} cores; SHA-256 {rate / 1e9:.2f} GB/s on all; {args.gib:g} GiB in {where}\n")
    print(f"{'work':<46} {'found':>22} {'wanted':>22}")
    try:
        bench_convert(heft, src, where, args.rounds, rate, size)
        bench_digest(heft, src, args.rounds, rate, size)
        remove(src)
        bench_open(heft, opener, where, args.rounds, rate)
        bench_inspect(heft, where, args.rounds)
    finally:
        remove(src)
        if not args.dir:
            shutil.rmtree(where, ignore_errors=True)


if __name__ == "__main__":
    main()
