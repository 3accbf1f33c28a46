# SPDX-License-Identifier: Apache-2.0
"""Gradients of whole models, beside PyTorch's: in binary64, and how far those in binary32 are from them."""

import subprocess

import numpy
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (HEFT_TEST_TORCH=1 tools/test.sh installs it)")
pytest.importorskip("onnx")

from export_models import MODELS  # noqa: E402
from model_peer import DTYPES, PROGRAMS, Pair, real  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402
from torch.nn import functional as F  # noqa: E402

pytestmark = [
    pytest.mark.skipif(not (PROGRAMS / "gradients").exists(), reason="gradients is not built"),
    pytest.mark.filterwarnings("ignore"),
]

# A model's largest gradient times this is what a gradient that is 0 but for rounding is compared with: those of the biases
# of an attention's keys, which move all scores of a row alike.
LEAST = 1e-5
NAMES = [name for name in MODELS if name not in ("resnet50", "vgg11")]


def torch_gradients(pair, dtype, target):
    module = pair.cast(dtype)
    loss = F.cross_entropy(module(*real(pair.args, DTYPES[dtype])), target, reduction="sum")
    loss.backward()
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in module.parameters()]
    return loss.item(), pair.spread(dtype, gradients)


def heft_gradients(pair, dtype, target, folder, n_threads=2):
    names = list(MODELS[pair.name][2])
    arrays = {name: a.numpy() for name, a in zip(names, real(pair.args, DTYPES[dtype]))}
    save_file({**arrays, "target": target.numpy()}, folder / "data.safetensors")
    (folder / "model.onnx").write_bytes(pair.models[dtype])
    command = [PROGRAMS / "gradients", folder / "model.onnx", folder / "data.safetensors", folder / "out.safetensors",
               "cross_entropy", str(n_threads), *pair.places[dtype]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = load_file(folder / "out.safetensors")
    zeros = {name: numpy.zeros(ids.shape) for name, ids in pair.places[dtype].items()}
    return found.pop("/loss").item(), {name: found.get(name, zero) for name, zero in zeros.items()}


def size(array):
    return numpy.abs(array).max(initial=0)


def distances(found, wanted):
    """Of each gradient, by its size."""
    least = LEAST * max(map(size, wanted.values()))
    return {name: size(found[name] - w) / max(size(w), least) for name, w in wanted.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_models_gradients_are_those_of_torch(tmp_path, name):
    pair = Pair(name)
    generator = torch.Generator().manual_seed(1)
    n_classes = pair.module(*pair.args).shape[1]
    target = torch.randint(0, n_classes, (pair.args[0].shape[0],), generator=generator)
    loss, wanted = torch_gradients(pair, "F64", target)
    assert sum(size(w) > 0 for w in wanted.values()) > 0.9 * len(wanted)

    found_loss, found = heft_gradients(pair, "F64", target, tmp_path)
    # An epsilon is of binary32 in ONNX, which normalisations one behind another make visible.
    assert abs(found_loss - loss) <= 1e-10 * abs(loss)
    far = distances(found, wanted)
    worst = max(far, key=far.get)
    assert far[worst] <= 1e-9, worst

    # The names of the two exports differ, their order does not.
    exact = dict(zip(pair.places["F32"], wanted.values()))
    _, theirs = torch_gradients(pair, "F32", target)
    _, ours = heft_gradients(pair, "F32", target, tmp_path)
    both = [distances(x, exact) for x in (ours, theirs)]
    print(name, f"F64 {far[worst]:.1e} F32 largest", *(f"{max(d.values()):.2e}" for d in both), "mean",
          *(f"{numpy.mean(list(d.values())):.2e}" for d in both))
    assert max(both[0].values()) <= 3 * max(both[1].values())
    assert numpy.mean(list(both[0].values())) <= 3 * numpy.mean(list(both[1].values()))
