# SPDX-License-Identifier: Apache-2.0
"""Modules of export_models.py as ONNX that can be trained beside PyTorch: which element of which parameter stands where.

An exporter renames, transposes, reorders and joins parameters. So a module is exported a second time with every element of
its parameters replaced by a number of its own: what then stands in an initializer says where each element comes from.
"""

import copy
import io
import os
import pathlib
import warnings

import numpy
import onnx
import torch
from export_models import MODELS, OPSETS, build
from onnx import numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

PROGRAMS = pathlib.Path(os.environ.get("HEFT_BUILD", ".")) / "tests" / "interop"
DTYPES = {"F32": torch.float32, "F64": torch.float64}


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))


def small_resnet():
    """Residual blocks, strides and a shortcut with a convolution."""
    from export_models import Residual, classifier, conv_bn

    block = lambda n, m, s: Residual(
        nn.Sequential(conv_bn(n, m, 3, s), conv_bn(m, m, 3, act=None)), conv_bn(n, m, 1, s, act=None) if n != m else None,
        nn.ReLU())
    return classifier([conv_bn(3, 16, 7, 2), nn.MaxPool2d(3, 2, 1), block(16, 16, 1), block(16, 32, 2)], 32, 10)


OWN = {
    "mlp": (mlp, lambda: (torch.randn(2, 1, 28, 28),), {"image": {0: "batch"}}),
    "small_resnet": (small_resnet, lambda: (torch.randn(2, 3, 32, 32),), {"image": {0: "batch", 2: "height", 3: "width"}}),
}
KNOWN = MODELS | OWN


def fold(module):
    """Normalisations behind convolutions become part of them, as they do in an export for inference."""
    for name, child in module.named_children():
        fold(child)
        if isinstance(child, nn.BatchNorm2d) and isinstance(module, nn.Sequential) and name != "0":
            before = getattr(module, str(int(name) - 1))
            if isinstance(before, nn.Conv2d):
                setattr(module, str(int(name) - 1), fuse_conv_bn_eval(before, child))
                setattr(module, name, nn.Identity())
    return module


def made(name):
    """The module in binary32, folded. No two of its parameters are alike: an exporter would make one of them."""
    if name in OWN:
        MODELS[name] = OWN[name]
    module = fold(build(name)).eval().requires_grad_()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += torch.randn_like(parameter) * 0.02
    return module


def exported(name, module, args):
    inputs = KNOWN[name][2]
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, args, file, input_names=list(inputs), output_names=["output"],
                          dynamic_axes={**inputs, "output": {0: "batch"}}, opset_version=OPSETS.get(name, 17), dynamo=False)
    return file.getvalue()


class Hard(nn.Module):
    """Hardsigmoid, or x times it, with the slope that ONNX has: the binary32 nearest to 1/6, which is not torch's."""

    def __init__(self, is_swish):
        super().__init__()
        self.is_swish = is_swish

    def forward(self, x):
        y = (x * float(numpy.float32(1 / 6)) + 0.5).clamp(0, 1)
        return x * y if self.is_swish else y


def with_slopes(module):
    for name, child in module.named_children():
        with_slopes(child)
        if isinstance(child, (nn.Hardsigmoid, nn.Hardswish)):
            setattr(module, name, Hard(isinstance(child, nn.Hardswish)))
    return module


def initializers(model):
    return [(i.name, numpy_helper.to_array(i)) for i in onnx.load_from_string(model).graph.initializer]


def real(args, dtype):
    return tuple(a.to(dtype) if a.is_floating_point() else a for a in args)


class Pair:
    """A module, and in `models` its ONNX for each dtype. `places`: of each initializer made of parameters, which elements."""

    def __init__(self, name, dtypes=("F64", "F32")):
        self.name, self.module = name, made(name)
        self.args = real(KNOWN[name][1](), torch.float32)
        self.models = {d: exported(name, self.copied(d), real(self.args, DTYPES[d])) for d in dtypes}
        self.place(dtypes[0])

    def copied(self, dtype):
        return copy.deepcopy(self.module).to(DTYPES[dtype])

    def cast(self, dtype):
        """What computes as the exported model does."""
        return with_slopes(self.copied(dtype))

    def place(self, dtype):
        numbered, at = self.copied("F64"), 1
        for parameter in numbered.parameters():
            n = parameter.numel()
            parameter.data = torch.arange(at, at + n, dtype=torch.float64).reshape(parameter.shape)
            at += n
        marks = initializers(exported(self.name, numbered, real(self.args, torch.float64)))
        flat = torch.cat([p.detach().reshape(-1) for p in self.module.parameters()]).numpy()
        places = {}
        for d, model in self.models.items():
            found = initializers(model)
            assert len(found) == len(marks)
            for (name, value), (_, mark) in zip(found, marks):
                assert value.shape == mark.shape
                if value.dtype.kind == "f" and not numpy.array_equal(value, mark):
                    ids = mark.astype(numpy.int64) - 1
                    assert numpy.array_equal(flat[ids], value), name
                    places[d, name] = ids
        self.places = {d: {name: ids for (e, name), ids in places.items() if e == d} for d in self.models}
        seen = numpy.concatenate([ids.reshape(-1) for ids in self.places[dtype].values()])
        # Each once, but for rows of a table that the module never looks at, which an exporter leaves out.
        assert len(seen) >= 0.99 * len(flat) and numpy.bincount(seen).max() == 1

    def spread(self, dtype, tensors):
        """What belongs to the parameters, in their order, as it stands in the initializers."""
        flat = torch.cat([t.detach().reshape(-1) for t in tensors]).numpy()
        return {name: flat[ids] for name, ids in self.places[dtype].items()}
