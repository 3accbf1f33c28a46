# SPDX-License-Identifier: Apache-2.0
"""What every row of the table uses: a folder with input files, a stopwatch, and the table itself."""

import functools
import importlib.util
import json
import os
import re
import resource
import struct
import subprocess
import sys
import time

CORES = len(os.sched_getaffinity(0))


def run(cmd, status=0):
    """Wall seconds of a command, which must end with the status."""
    begin = time.monotonic()
    process = subprocess.Popen(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, said = process.communicate()
    wall = time.monotonic() - begin
    if process.returncode != status:
        sys.exit(f"{' '.join(map(str, cmd))}: exit {process.returncode}: {said.decode()}")
    return wall


def timed(cmd, rounds, before=None, status=0):
    """Best wall seconds, and the CPU seconds of that round."""
    best = None
    for _ in range(rounds):
        if before:
            before()
        u0 = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall = run(cmd, status)
        u1 = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = u1.ru_utime + u1.ru_stime - u0.ru_utime - u0.ru_stime
        if best is None or wall < best[0]:
            best = (wall, cpu)
    return best


def stated(cmd, rounds, best=min):
    """The best of the numbers that a command prints, its last word."""
    found = []
    for _ in range(rounds):
        done = subprocess.run(cmd, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, cmd))}: exit {done.returncode}: {done.stderr}")
        found.append(float(done.stdout.split()[-1]))
    return best(found)


def python(script, *arguments, rounds):
    """The least of the seconds that a Python program prints."""
    return stated([sys.executable, "-c", script, *map(str, arguments)], rounds)


def needing(module, rows):
    """The rows, each of which does nothing but say so where this Python lacks the module."""

    def wrapped(row):
        @functools.wraps(row)
        def run_row(bench):
            if importlib.util.find_spec(module):
                row(bench)
            else:
                print(f"{row.__doc__}: {sys.executable} has no {module}")

        return run_row

    return {name: wrapped(row) for name, row in rows.items()}


class Bench:
    def __init__(self, build, where, rounds, size):
        self.build, self.where, self.rounds, self.size = build, where, rounds, size
        self.heft = os.path.join(build, "tools", "heft")
        self.n_missed = 0
        self.block = os.urandom(1 << 24)

    def tool(self, name):
        return os.path.join(self.build, "tests", "bench", name)

    def path(self, name):
        return os.path.join(self.where, name)

    def remove(self, *names):
        for name in names:
            path = self.path(name)
            if os.path.exists(path):
                os.remove(path)

    def clear(self):
        """Removes what a row left; the large model stays for the next one."""
        self.remove(*(name for name in os.listdir(self.where) if name != "model.safetensors"))

    def row(self, work, found, wanted, ok):
        self.n_missed += not ok
        print(f"{work:<52} {found:>26} {wanted:>18}  {'ok' if ok else 'MISSES'}", flush=True)

    def ratio(self, work, seconds, peer, wanted, n_bytes=None):
        """A row that says how many times faster than a peer something is."""
        rate = f", {n_bytes / seconds / 1e9:.2f} GB/s" if n_bytes else ""
        self.row(work, f"{peer / seconds:.2f} x ({seconds:.3f} s{rate})", f">= {wanted:.1f} x", peer >= wanted * seconds)

    def write_safetensors(self, name, tensors, fill=os.urandom, dtype="F32", item=4):
        """tensors: (name, number of elements). `fill(n)` gives n bytes."""
        header, at = {}, 0
        for key, n in tensors:
            header[key] = {"dtype": dtype, "shape": [n], "data_offsets": [at, at + item * n]}
            at += item * n
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(self.path(name), "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            while at:
                n = min(at, 1 << 24)
                file.write(fill(n))
                at -= n
        return self.path(name)

    @functools.cached_property
    def model(self):
        """A safetensors file of the size that was asked for: 64 tensors of random bytes."""
        n = self.size // 4 // 64
        return self.write_safetensors("model.safetensors", [(f"block.{i}.weight", n) for i in range(64)], lambda k: self.block[:k])

    @functools.cached_property
    def sha_rate(self):
        """Bytes a second of SHA-256 on all cores together, as OpenSSL measures them."""
        best = 0.0
        for _ in range(3):
            command = ["openssl", "speed", "-multi", str(CORES), "-seconds", "2", "-evp", "sha256", "-bytes", "1048576"]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            line = [x for x in out.splitlines() if x.lower().startswith("sha256") or x.startswith("evp")][-1]
            best = max(best, float(re.findall(r"([\d.]+)k", line)[-1]) * 1000)
        return best

    def limited(self, work, *command, status=0):
        """A row that says whether a command passes with 64 MiB of memory of its own."""
        cmd = ["prlimit", "--data=67108864", self.heft, *map(str, command)]
        done = subprocess.run(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        ok = done.returncode == status
        self.row(f"{work}, 64 MiB of memory", "passes" if ok else f"exit {done.returncode}", "passes", ok)
