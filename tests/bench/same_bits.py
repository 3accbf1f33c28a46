# SPDX-License-Identifier: Apache-2.0
"""One image, or one sentence, through every exported model: by two compilers at two levels of optimisation, with 1, 2, 3
and 7 threads, on plain C, AVX2 and AVX-512. Prints how many ways gave how many results: one, or something is wrong.

    same_bits.py FOLDER [MODEL...]         builds and models are kept in FOLDER
"""

import argparse
import hashlib
import itertools
import os
import pathlib
import subprocess
import sys

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))
import export_models  # noqa: E402

COMPILERS, LEVELS, THREADS, CPUS = ("gcc", "clang"), ("1", "3"), (1, 2, 3, 7), ("scalar", "avx2", "avx512")


def built(folder, compiler, level):
    build = folder / f"{compiler}-O{level}"
    if not (build / "build.ninja").exists():
        command = ["meson", "setup", build, ROOT, f"-Doptimization={level}", "-Dtests=disabled"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"CC": compiler})
    subprocess.run(["ninja", "-C", build, "tools/heft"], check=True, stdout=subprocess.DEVNULL)
    return build / "tools" / "heft"


def inputs_of(name, folder):
    """The example of the export, its first row alone, on seeded numbers."""
    rng = numpy.random.default_rng(7)
    given = []
    for key, value in zip(export_models.MODELS[name][2], export_models.MODELS[name][1]()):
        array = value[:1].numpy()
        array = rng.standard_normal(array.shape).astype("f4") if array.dtype == numpy.float32 else array
        path = folder / f"{name}-{key}.npy"
        numpy.save(path, array)
        given.append(f"--input={key}={path}")
    return given


def result(heft, model, given, folder, threads, cpu):
    out = folder / "out.safetensors"
    out.unlink(missing_ok=True)
    subprocess.run([heft, "run", model, *given, "-q", "-o", out, f"-j{threads}", f"--cpu={cpu}"], check=True)
    return hashlib.sha256(out.read_bytes()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("models", nargs="*")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    commands = [built(folder, *pair) for pair in itertools.product(COMPILERS, LEVELS)]
    is_wrong = False
    print(f"{'model':<18} {'ways':>5} {'results':>8}  the result")
    for name in options.models or export_models.MODELS:
        model = folder / f"{name}.onnx"
        if not model.exists():
            export_models.export(name, str(model))
        given = inputs_of(name, folder)
        ways = list(itertools.product(commands, THREADS, CPUS))
        results = [result(heft, model, given, folder, threads, cpu) for heft, threads, cpu in ways]
        is_wrong = is_wrong or len(set(results)) != 1
        print(f"{name:<18} {len(ways):>5} {len(set(results)):>8}  {results[0][:16]}", flush=True)
    return is_wrong


if __name__ == "__main__":
    sys.exit(main())
