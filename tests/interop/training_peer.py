# SPDX-License-Identifier: Apache-2.0
"""run_training, for test_losses.py and test_optimizers.py."""

import os
import pathlib
import struct
import subprocess

import numpy
from peers import IDS

PROGRAM = pathlib.Path(os.environ.get("HEFT_BUILD", ".")) / "tests" / "interop" / "run_training"
NAMES = {"float32": "F32", "float64": "F64", "int64": "I64"}


def dtype_name(array):
    return NAMES[array.dtype.name]


def packed(array):
    """As run_training reads an array."""
    array = numpy.array(array, order="C")
    head = struct.pack(f"<{2 + array.ndim}Q", IDS[dtype_name(array)], array.ndim, *array.shape)
    return head + array.tobytes()


def run(arguments, arrays):
    done = subprocess.run([PROGRAM, *arguments], input=b"".join(map(packed, arrays)), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def loss(op, arrays, numbers):
    """The sum, the divisor, and the gradient of the sum with respect to the first array."""
    words = [f"{name}:{v}" if isinstance(v, int) else f"{name}={v!r}" for name, v in numbers.items()]
    answer = run(["loss", op, *words], arrays)
    total, divisor = struct.unpack("<2d", answer[:16])
    return total, divisor, numpy.frombuffer(answer[16:], arrays[0].dtype).reshape(arrays[0].shape)


def steps(recipe, values, gradients):
    """The values after each step."""
    answer = run(["steps", recipe, dtype_name(values)], [values, *gradients])
    return numpy.frombuffer(answer, values.dtype).reshape(len(gradients), *values.shape)
