# SPDX-License-Identifier: Apache-2.0
"""Rows on training, beside PyTorch in eager mode with an allocator that keeps its memory: seconds of the fastest step."""

import os
import pathlib
import subprocess
import sys

from measure import CORES, needing

INTEROP = pathlib.Path(__file__).parent.parent / "interop"
# The model, and n samples, of classes at random.
SETUP = """
import sys, numpy, torch
sys.path.insert(0, sys.argv[1])
import export_models as m
from torch import nn
name, size, n, folder = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
m.MODELS["mlp"] = (lambda: nn.Sequential(nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10)), lambda: (torch.randn(2, 784),),
                   {"image": {0: "batch"}})
m.MODELS["lenet"] = (m.lenet, m.image(28, 1), {"image": {0: "batch"}})
rng = numpy.random.default_rng(1)
shape = {"mlp": (784,), "lenet": (1, 28, 28)}.get(name, (3, size, size))
if name == "bert6":
    x = {"input_ids": rng.integers(0, 5000, (n, size)), "attention_mask": numpy.ones((n, size), dtype="i8")}
else:
    x = {"image": rng.standard_normal((n, *shape), dtype="f4")}
n_classes = {"mlp": 10, "lenet": 10, "bert6": 2}.get(name, 1000)
target = rng.integers(0, n_classes, n)
"""
MAKE = SETUP + """
m.export(name, folder + "/model.onnx")
numpy.savez(folder + "/data.npz", target=target, **x)
"""
# As people write it. `head`: the loop with all but the last layer frozen.
LOOP = SETUP + """
import resource, time
batch, threads, head, rounds = int(sys.argv[6]), int(sys.argv[7]), sys.argv[8] == "head", int(sys.argv[9])
torch.set_num_threads(threads)
module = m.build(name)
for parameter in list(module.parameters())[:-2] if head else ():
    parameter.requires_grad_(False)
for part in [p for p in module.modules() if isinstance(p, nn.BatchNorm2d)]:
    part.requires_grad_(False)
optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.001, momentum=0.9)
x, target, best, begin = [torch.from_numpy(a) for a in x.values()], torch.from_numpy(target), 1e30, time.perf_counter()
for i in range(rounds):
    for at in range(0, n, batch):
        t = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(*(a[at:at + batch] for a in x)), target[at:at + batch]).backward()
        optimizer.step()
        best = min(best, time.perf_counter() - t)
ms = (time.perf_counter() - begin if head else best) * 1e3
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, ms)
"""
WARM = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "8000000000", "MALLOC_TOP_PAD_": "500000000"}
# Model, its size (pixels, or words), samples, batch, epochs, what it should reach.
WORK = {
    "mlp": ("MLP 784-500-10, batch 500", 0, 5000, 500, 10, 0.8),
    "lenet": ("LeNet, batch 64", 28, 1280, 64, 10, 2.0),
    "resnet18": ("ResNet-18, 224 x 224, batch 16", 224, 32, 16, 3, 0.8),
    "mobilenet_v2": ("MobileNetV2, 224 x 224, batch 16", 224, 32, 16, 3, 1.0),
    "bert6": ("BERT-6, 128 words, batch 16", 128, 32, 16, 3, 0.6),
}
HEAD = "12"
RECIPE = ["optimizer", "sgd", "momentum", "0.9", "lr", "0.001", "loss", "cross_entropy", "keep", "last"]


def numbers(command, env=None):
    """MiB and milliseconds, the last line that a program prints."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode:
        sys.exit(f"{command[0]}: exit {done.returncode}: {done.stderr}")
    return tuple(float(word) for word in done.stdout.split()[-2:])


def beside(bench, name, samples, batch, epochs, how, extra=()):
    """(MiB, ms) of both, each at its faster number of threads, in turns."""
    size = WORK[name][1]
    given = [INTEROP, name, size, samples, bench.where]
    made = subprocess.run([sys.executable, "-c", MAKE, *map(str, given)], capture_output=True, text=True)
    if made.returncode:
        sys.exit(made.stderr)
    ours, theirs = [], []
    for n_threads in sorted({1, CORES}):
        command = [bench.tool("train_model"), bench.path("model.onnx"), bench.path("data.npz"), n_threads,
                   "all" if how == "head" else "best", *RECIPE, "batch", batch, "epochs", epochs, *extra]
        ours.append(numbers(command))
        peer = [sys.executable, "-c", LOOP, *given, batch, n_threads, how, epochs]
        theirs.append(numbers(peer, WARM))
    fastest = lambda found: min(found, key=lambda row: row[1])
    return fastest(ours), fastest(theirs)


def step(bench, name):
    work, _, samples, batch, epochs, wanted = WORK[name]
    ours, theirs = beside(bench, name, samples, batch, epochs, "all")
    bench.ratio(f"training: {work} / torch", ours[1] / 1e3, theirs[1] / 1e3, wanted)
    found = f"{ours[0]:.0f} of {theirs[0]:.0f} MiB"
    bench.row("... peak of memory", found, "<= torch", ours[0] <= theirs[0])


def head(bench):
    """training the head of a frozen ResNet-18 for 10 epochs, beside the ordinary loop in torch"""
    # The last layer of the module, whose names an export keeps.
    extra = ["train", HEAD + ".weight", "train", HEAD + ".bias"]
    ours, theirs = beside(bench, "resnet18", 64, 16, 10, "head", extra)
    bench.ratio("training: head of a frozen ResNet-18, 10 epochs", ours[1] / 1e3, theirs[1] / 1e3, 5.0)


def row_of(name):
    def row(bench):
        step(bench, name)

    row.__doc__ = f"a step of training: {WORK[name][0]}, beside torch"
    return row


ROWS = needing("torch", {**{f"train-{name}": row_of(name) for name in WORK}, "train-head": head})
