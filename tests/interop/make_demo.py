# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/demo.safetensors: a small text encoder as its users' tools would write it.

    build-test/venv/bin/python tests/interop/make_demo.py fixtures/demo.safetensors

The values come from a seeded generator, scaled as fresh weights are: names, shapes and values are the same every time. (The safetensors
library writes the metadata in any order.)
"""
import sys

import ml_dtypes
import numpy
from safetensors.numpy import save_file

VOCABULARY, WIDTH, POSITIONS = 96, 32, 24


def main():
    random = numpy.random.Generator(numpy.random.PCG64(20240229))

    def normal(*shape):
        return (random.standard_normal(shape) * 0.02).astype(numpy.float32)

    tensors = {
        "embeddings.token.weight": normal(VOCABULARY, WIDTH).astype(ml_dtypes.bfloat16),
        "embeddings.position.weight": normal(POSITIONS, WIDTH).astype(ml_dtypes.bfloat16),
        "embeddings.position_ids": numpy.arange(POSITIONS, dtype=numpy.int64)[None, :],
        "encoder.0.attention.qkv.weight": normal(3 * WIDTH, WIDTH),
        "encoder.0.attention.qkv.bias": numpy.zeros(3 * WIDTH, numpy.float32),
        "encoder.0.attention.out.weight": normal(WIDTH, WIDTH),
        "encoder.0.attention.out.bias": numpy.zeros(WIDTH, numpy.float32),
        "encoder.0.norm.weight": 1 + normal(WIDTH),
        "encoder.0.norm.bias": normal(WIDTH),
        "encoder.0.mlp.up.weight": normal(2 * WIDTH, WIDTH),
        "encoder.0.mlp.down.weight": normal(WIDTH, 2 * WIDTH),
        "head.scale": numpy.array(0.125, numpy.float32),
    }
    save_file(tensors, sys.argv[1], metadata={"format": "pt", "model": "demo-encoder", "license": "CC0-1.0"})


if __name__ == "__main__":
    main()
