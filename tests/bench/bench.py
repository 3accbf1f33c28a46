# SPDX-License-Identifier: Apache-2.0
"""Measures heft beside its peers and prints one table.

    build/venv/bin/python tests/bench/bench.py [--build build] [--dir DIR] [--gib 1.0] [--rounds 5] [--only ROW]...

Every figure is a ratio against a peer, or against what the machine can do, measured in the same run: `cp` and
`sync`, `openssl speed`, PyPI safetensors, NumPy, onnx, torch, the memory. Each is the best of some rounds, since
noise only ever adds. The folder needs room for four times --gib and should be on the file system that matters;
/dev/shm shows the CPU alone. --list names the rows; those beside a library that this Python lacks are left out.
"""

import argparse
import os
import shutil
import sys

import rows_container
import rows_formats
import rows_models
import rows_onnx
import rows_pytorch
import rows_train
import rows_values
from measure import CORES, Bench

ROWS = rows_container.ROWS | rows_formats.ROWS | rows_models.ROWS | rows_onnx.ROWS | rows_pytorch.ROWS | rows_train.ROWS
ROWS |= rows_values.ROWS


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    args = argparse.ArgumentParser()
    args.add_argument("--build", default=os.path.join(root, "build"))
    args.add_argument("--dir")
    args.add_argument("--gib", type=float, default=1.0)
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--only", action="append", choices=list(ROWS), default=[])
    args.add_argument("--list", action="store_true")
    args = args.parse_args()
    if args.list:
        for name, function in ROWS.items():
            print(f"{name:<15} {function.__doc__}")
        return
    where = args.dir or os.path.join(args.build, "bench")
    os.makedirs(where, exist_ok=True)
    bench = Bench(args.build, where, args.rounds, int(args.gib * (1 << 30)))
    print(f"{CORES} cores; {args.gib:g} GiB in {where}; best of {args.rounds}\n")
    print(f"{'work':<52} {'found':>26} {'wanted':>18}")
    try:
        for name in args.only or ROWS:
            ROWS[name](bench)
            bench.clear()
    finally:
        bench.clear()
        bench.remove("model.safetensors")
        if not args.dir:
            shutil.rmtree(where, ignore_errors=True)
    sys.exit(1 if bench.n_missed else 0)


if __name__ == "__main__":
    main()
