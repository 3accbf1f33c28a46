# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/valid/by-torch-*, files that PyTorch itself wrote, for machines that have no PyTorch.

    python3 tests/vectors/make_by_torch.py [FOLDER]

Needs torch and the packages of tests/requirements.txt. Another version of torch may write other bytes: the files
are kept as they are, and made anew only to add some. library_fixtures.py says what stands beside each.
"""

import argparse
import collections
import io
import sys
import types
import warnings
import zipfile

import numpy
import torch

from library_fixtures import out_folder, put
from torch_peer import TYPES, logical, random_tensor, tensors_of_value

warnings.simplefilter("ignore")
RANDOM = numpy.random.Generator(numpy.random.PCG64(7))


class Block(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.conv = torch.nn.Conv2d(n, n, 3, bias=False)
        self.bn = torch.nn.BatchNorm2d(n)
        self.register_buffer("scratch", torch.ones(2), persistent=False)
        self.register_parameter("no", None)

    def forward(self, x):
        return self.bn(self.conv(x))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = torch.nn.Sequential(
            Block(3), torch.nn.ModuleList([Block(2)]), torch.nn.ModuleDict({"head": torch.nn.Linear(4, 2)})
        )
        self.embed = torch.nn.Embedding(6, 4)
        self.out = torch.nn.Linear(4, 6, bias=False)
        self.out.weight = self.embed.weight
        self.stride = torch.tensor([8.0, 16.0])
        self.names = {0: "person", 1: "bicycle"}
        self.args = argparse.Namespace(lr0=0.01)


class Scripted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(2, 3, 3)
        self.bn = torch.nn.BatchNorm1d(3)
        self.register_buffer("window", torch.hann_window(5))
        self.n = 3

    def forward(self, x):
        return self.bn(self.conv(x)) + torch.tensor([0.5, 1.5, 2.5, 3.5])


# Classes of a module that nobody has.
models = types.ModuleType("models.net")
for cls in (Block, Net):
    cls.__module__, cls.__qualname__ = "models.net", cls.__name__
    setattr(models, cls.__name__, cls)
sys.modules |= {"models": types.ModuleType("models"), "models.net": models}


def random(kind, *shape):
    return random_tensor(RANDOM, kind, shape)


def saved(value, **options):
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def every_dtype():
    made = {}
    for kind in TYPES:
        if not kind.startswith("q"):
            made |= {f"{kind}.{n}": random(kind, *shape) for n, shape in enumerate([(2, 3), (0, 2)])}
    return made


def views():
    base = random("float32", 8, 8)
    return {
        "base": base, "transposed": base.t(), "sliced": base[2:5, 1:6:2], "expanded": base[:1].expand(3, 8), "row": base[3],
        "same": base, "element": base[4, 4], "diagonal": base.diagonal(), "windows": base.unfold(0, 3, 1), "none": base[5:5],
        "parameter": torch.nn.Parameter(base[1:3], requires_grad=False),
    }  # fmt: skip


def trained(make):
    torch.manual_seed(3)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimizer = make(model.parameters())
    model(torch.ones(5, 4) * torch.arange(5.0)[:, None]).square().sum().backward()
    optimizer.step()
    return model, optimizer


def checkpoint(make):
    model, optimizer = trained(make)
    return {"epoch": 3, "model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "loss": 0.125}


def lightning():
    model, optimizer = trained(lambda p: torch.optim.Adam(p, amsgrad=True))
    return {
        "epoch": 1, "global_step": 3, "pytorch-lightning_version": "2.4.0",
        "state_dict": collections.OrderedDict((f"net.{k}", v) for k, v in model.state_dict().items()),
        "loops": {"fit_loop": {"epoch_progress": {"total": {"ready": 1}}}},
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5)}},
        "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [],
        "hyper_parameters": argparse.Namespace(lr=0.1, layers=(1, 2)),
    }  # fmt: skip


def ultralytics():
    return {
        "epoch": -1, "best_fitness": None, "model": Net().half(), "ema": None, "updates": None, "optimizer": None,
        "train_args": {"lr0": 0.01, "augment": True, "classes": None}, "train_metrics": {"mAP": numpy.float64(0.25)},
        "date": "2026-01-01", "version": "8.3.0",
    }  # fmt: skip


def quantised():
    plain = torch.from_numpy(RANDOM.standard_normal((4, 6)).astype("f4"))
    scales, zeros = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64), torch.tensor([1, 2, 3, 4])
    return {
        "i8": torch.quantize_per_tensor(plain, 0.05, 3, torch.qint8),
        "u8": torch.quantize_per_tensor(plain, 0.05, 3, torch.quint8),
        "i32": torch.quantize_per_tensor(plain, 0.001, 0, torch.qint32),
        "channels": torch.quantize_per_channel(plain, scales, zeros, 0, torch.qint8),
    }


def sparse():
    plain = torch.eye(4) * torch.arange(1.0, 5.0)
    return {
        "coo": plain.to_sparse(),
        "csr": plain.to_sparse_csr(),
        "csc": plain.to_sparse_csc(),
        "bsr": plain.to_sparse_bsr((2, 2)),
    }


def nested():
    return {
        "a": {"b": [random("float32", 2), (random("int64"), {"c": random("uint8", 3)})]},
        7: random("float16", 2),
        "n": [1, 2.5, None, "ü"],
    }


VALUES = {
    "every-dtype": every_dtype,
    "views": views,
    "module": Net,
    "ultralytics": ultralytics,
    "lightning": lightning,
    "adam": lambda: checkpoint(torch.optim.Adam),
    "sgd": lambda: checkpoint(lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    "quantised": quantised,
    "sparse": sparse,
    "nested": nested,
    "tensor": lambda: random("float32", 3, 2),
    "list": lambda: [random("float32", 2), random("float32", 1)],
    "wrapped": lambda: {"state_dict": {"module.w": random("float32", 2)}},
    "state-dict": lambda: Net().state_dict(),
    "empty": dict,
}
HOW = {"zip": ("", {}), "legacy": ("-legacy", {"_use_new_zipfile_serialization": False})}


# A legacy file has the source of every module's class in it, which is of no use here.
torch.serialization.get_source_lines_and_file = lambda *_: (["pass\n"], 1, "net.py")


def rezipped(data, method=zipfile.ZIP_DEFLATED, change=lambda name, content: content):
    """The same members, packed by another program."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", method) as new:
        for entry in old.infolist():
            content = change(entry.filename.partition("/")[2], old.read(entry))
            if content is not None:
                new.writestr(zipfile.ZipInfo(entry.filename), content, compress_type=method)
    return file.getvalue()


def big_endian(folder):
    made = {kind: random(kind, 3, 2) for kind in ("float32", "int64", "float16", "uint8", "complex64")}
    units = [4, 8, 2, 1, 4]

    def swap(name, content):
        if name == "byteorder":
            return b"big"
        if name.startswith("data/"):
            n = units[int(name[5:])]
            return b"".join(content[i : i + n][::-1] for i in range(0, len(content), n))
        return content

    put(folder, "by-torch-big-endian.pt", rezipped(saved(made), zipfile.ZIP_STORED, swap), tensors_of_value(made))


def scripts(folder):
    torch.manual_seed(1)
    module = Scripted().eval()
    for name, made in {"scripted": torch.jit.script(module), "traced": torch.jit.trace(module, torch.randn(1, 2, 6))}.items():
        file = io.BytesIO()
        torch.jit.save(made, file)
        tensors = [("weights", key, *logical(t.detach())) for key, t in module.state_dict().items()]
        if name == "traced":
            # Scripted code makes it from a list of numbers.
            tensors.append(("weights", "constants.0", *logical(torch.tensor([0.5, 1.5, 2.5, 3.5]))))
        # Code is passed over by every reader of weights, and says where the source lay on this machine.
        plain = rezipped(file.getvalue(), zipfile.ZIP_STORED, lambda name, c: None if name.startswith("code/") else c)
        put(folder, f"by-torch-{name}.pt", plain, tensors)


def main():
    folder = out_folder()
    torch.manual_seed(5)
    for name, make in VALUES.items():
        made = make()
        for suffix, options in HOW.values():
            put(folder, f"by-torch-{name}{suffix}.pt", saved(made, **options), tensors_of_value(made))
    made = views()
    for protocol in (3, 4, 5):
        put(folder, f"by-torch-protocol-{protocol}.pt", saved(made, pickle_protocol=protocol), tensors_of_value(made))
    put(folder, "by-torch-deflated.pt", rezipped(saved(made)), tensors_of_value(made))
    old = rezipped(saved(made), zipfile.ZIP_STORED, lambda name, c: None if name.startswith((".", "byteorder")) else c)
    put(folder, "by-torch-1.6.pt", old, tensors_of_value(made))
    big_endian(folder)
    scripts(folder)


if __name__ == "__main__":
    main()
