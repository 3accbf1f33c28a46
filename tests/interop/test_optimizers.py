# SPDX-License-Identifier: Apache-2.0
"""Optimisers, schedules and clipping together, beside PyTorch's: spec/numerics.md, section 7."""

import json

import numpy
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (HEFT_TEST_TORCH=1 tools/test.sh installs it)")

from torch.optim import SGD, Adam, AdamW, lr_scheduler  # noqa: E402

from training_peer import PROGRAM, steps  # noqa: E402

pytestmark = [
    pytest.mark.skipif(not PROGRAM.exists(), reason="run_training is not built"),
    pytest.mark.filterwarnings("ignore"),
]

N_STEPS = 40
OPTIMIZERS = {
    "sgd": (SGD, {"optimizer": "sgd"}, {}),
    "momentum": (SGD, {"optimizer": "sgd", "momentum": 0.9}, {"momentum": 0.9}),
    "dampening": (
        SGD,
        {"optimizer": "sgd", "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01},
        {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01},
    ),
    "nesterov": (
        SGD,
        {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ),
    "adam": (Adam, {"optimizer": "adam", "weight_decay": 0.02}, {"weight_decay": 0.02}),
    "betas": (Adam, {"optimizer": "adam", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3}, {"betas": (0.8, 0.95), "eps": 1e-3}),
    "adamw": (AdamW, {"optimizer": "adamw"}, {}),
    "amsgrad": (Adam, {"optimizer": "amsgrad", "weight_decay": 0.02}, {"amsgrad": True, "weight_decay": 0.02}),
}
SCHEDULES = {
    "constant": ({}, lambda o: lr_scheduler.ConstantLR(o, 1.0)),
    "step": ({"schedule": "step", "step_size": 7, "gamma": 0.5}, lambda o: lr_scheduler.StepLR(o, 7, 0.5)),
    "exponential": ({"schedule": "exponential", "gamma": 0.9}, lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
    "cosine": ({"schedule": "cosine", "min_lr": 1e-3}, lambda o: lr_scheduler.CosineAnnealingLR(o, N_STEPS, 1e-3)),
    "linear": ({"schedule": "linear", "min_lr": 1e-3}, lambda o: lr_scheduler.LinearLR(o, 1.0, 0.02, N_STEPS)),
    "warmup": ({"warmup": 10}, lambda o: lr_scheduler.LinearLR(o, 0.1, 1.0, 9)),
}
CLIPS = {"free": {}, "norm": {"clip_norm": 3.0}, "value": {"clip_value": 0.5}, "both": {"clip_norm": 9.0, "clip_value": 0.4}}


def peer(make, options, schedule, clip, values, gradients):
    parameter = torch.nn.Parameter(torch.tensor(values))
    optimizer = make([parameter], lr=0.05, foreach=False, **options)
    scheduler = schedule(optimizer)
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        if "clip_norm" in clip:
            torch.nn.utils.clip_grad_norm_([parameter], clip["clip_norm"])
        if "clip_value" in clip:
            torch.nn.utils.clip_grad_value_([parameter], clip["clip_value"])
        optimizer.step()
        scheduler.step()
        yield parameter.detach().numpy().copy()


# Every optimiser with every schedule, and with every way of clipping.
WAYS = [(schedule, "free") for schedule in SCHEDULES] + [("constant", clip) for clip in CLIPS if clip != "free"]


@pytest.mark.parametrize("schedule, clip", WAYS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dtype, near", [("float64", 1e-12), ("float32", 2e-5)])
def test_values_are_those_of_pytorch_step_by_step(dtype, near, optimizer, schedule, clip):
    random = numpy.random.default_rng(3)
    values = random.normal(0, 1, (37,)).astype(dtype)
    gradients = [random.normal(0, 1, (37,)).astype(dtype) for _ in range(N_STEPS)]
    make, recipe, options = OPTIMIZERS[optimizer]
    keys, scheduler = SCHEDULES[schedule]
    ours = steps(json.dumps({"lr": 0.05, **recipe, **keys, **CLIPS[clip]}), values, gradients)
    theirs = peer(make, options, scheduler, CLIPS[clip], values, gradients)
    for i, want in enumerate(theirs):
        assert numpy.abs(ours[i] - want).max() <= near * max(1.0, numpy.abs(want).max()), f"step {i}"
