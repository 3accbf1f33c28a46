# SPDX-License-Identifier: Apache-2.0
"""Rows on running models, beside onnxruntime with as many threads. Exported once by tests/interop/export_models.py."""

import os
import subprocess
import sys

from measure import CORES, needing, python, stated, timed

EXPORT = os.path.join(os.path.dirname(__file__), "..", "interop", "export_models.py")

PEER = """
import sys, time, numpy, onnxruntime
path, threads, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
onnxruntime.set_default_logger_severity(3)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
shapes = dict((a.split('=')[0], [int(d) for d in a.split('=')[1].split(',')]) for a in sys.argv[4:])
rng = numpy.random.default_rng(1)
inputs = {}
for v in session.get_inputs():
    is_float = v.type == 'tensor(float)'
    inputs[v.name] = (rng.random(shapes[v.name]) - 0.5).astype('f4') if is_float else numpy.zeros(shapes[v.name], 'i8')
best = 1e30
for i in range(rounds + 1):
    begin = time.perf_counter()
    session.run(None, inputs)
    best = min(best, time.perf_counter() - begin) if i else best
print(best * 1e3)
"""

FIRST = """
import sys, numpy, onnxruntime
onnxruntime.set_default_logger_severity(3)
session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])
numpy.save(sys.argv[3], session.run(None, {'image': numpy.load(sys.argv[2])})[0])
"""

IMAGE = {"image": (3, 224, 224)}
MODELS = {
    "resnet18": IMAGE,
    "resnet50": IMAGE,
    "mobilenet_v2": IMAGE,
    "bert6": {"input_ids": (128,), "attention_mask": (128,)},
}


def model(bench, name):
    folder = os.path.join(bench.build, "models")
    subprocess.run([sys.executable, EXPORT, folder, name], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(folder, f"{name}.onnx")


def inference(bench):
    """running ResNet-18, ResNet-50, MobileNetV2 and BERT-6, batch 1 and 16, beside onnxruntime"""
    for name, shapes in MODELS.items():
        path = model(bench, name)
        for batch in (1, 16):
            rounds = 10 if batch == 1 else 3
            given = [f"{key}={','.join(map(str, (batch, *dims)))}" for key, dims in shapes.items()]
            ours = stated([bench.tool("run_model"), path, str(CORES), str(rounds), str(batch), *given], bench.rounds)
            peer = python(PEER, path, CORES, rounds, *given, rounds=bench.rounds)
            bench.ratio(f"{name}, batch {batch} / onnxruntime", ours / 1e3, peer / 1e3, 0.7)


def first_output(bench):
    """from the start of a process to ResNet-18's first output, and the most memory, beside onnxruntime in Python"""
    path, image = model(bench, "resnet18"), bench.path("image.npy")
    python("import sys, numpy; numpy.save(sys.argv[1], numpy.ones((1, 3, 224, 224), 'f4')); print(0)", image, rounds=1)
    ours = [bench.heft, "run", path, f"--input=image={image}", "-f", "-o", bench.path("out.npz")]
    theirs = [sys.executable, "-c", FIRST, path, image, bench.path("out.npy")]
    bench.ratio("resnet18, start to first output / onnxruntime", timed(ours, bench.rounds)[0], timed(theirs, bench.rounds)[0], 5.0)
    most = [memory(command) for command in (ours, theirs)]
    bench.row("resnet18, most memory", f"{most[0]} of {most[1]} MiB", "<= theirs", most[0] <= most[1])


def memory(command):
    """The most memory that a command has had, in MiB."""
    script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); " \
             "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    return int(python(script, *command, rounds=1))


ROWS = needing("onnxruntime", {"inference": inference, "first_output": first_output})
