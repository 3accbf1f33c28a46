# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/data: small data sets as CSV and IDX, which tests/fuzz begins with.

    python3 tests/vectors/make_data.py fixtures/data
"""
import gzip
import pathlib
import struct
import sys

TABLE = 'length,width,"kind, of"\r\n1.5,-2e-3,"a ""b"""\r\n 3 , 4 ,c\r\n0.1,9007199254740993,"two\nlines"\n'


def idx(code, dims, data):
    return struct.pack(f">BBBB{len(dims)}I", 0, 0, code, len(dims), *dims) + data


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    files = {
        "table.csv": TABLE.encode(),
        "whole.csv": b"\xef\xbb\xbfa;y\n1;0\n\n2;-7\n",
        "train-images-idx3-ubyte": idx(0x08, (4, 2, 3), bytes(range(24))),
        "train-labels-idx1-ubyte": idx(0x08, (4,), bytes([3, 0, 1, 2])),
        "reals.idx": idx(0x0E, (2, 3), struct.pack(">6d", 0, 1, -2.5, 1e300, float("inf"), float("nan"))),
    }
    for name in "table.csv", "train-images-idx3-ubyte":
        files[f"{name}.gz"] = gzip.compress(files[name], mtime=0)
    for name, data in files.items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
