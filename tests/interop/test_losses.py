# SPDX-License-Identifier: Apache-2.0
"""The losses of training and their gradients, beside PyTorch's: spec/numerics.md, section 7."""

import itertools

import numpy
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (HEFT_TEST_TORCH=1 tools/test.sh installs it)")

from training_peer import PROGRAM, loss  # noqa: E402

functional = torch.nn.functional
pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="run_training is not built")

DTYPES = ["float32", "float64"]
# Largest distance of a sum and a gradient, in units of the greatest one there.
NEAR = {"float32": 3e-6, "float64": 1e-13}


def drawn(seed, shape, dtype, low=-4.0, high=4.0):
    return numpy.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


def check(op, arrays, numbers, expected, dtype):
    """`expected` makes PyTorch's sum of a float64 tensor, of which our gradient is that of the sum."""
    x = torch.tensor(arrays[0].astype("float64"), requires_grad=True)
    want = expected(x)
    (gradient,) = torch.autograd.grad(want, x)
    total, divisor, got = loss(op, arrays, numbers)
    assert abs(total - want.item()) <= NEAR[dtype] * max(1.0, abs(want.item()))
    scale = max(1e-3, gradient.abs().max().item())
    assert numpy.abs(got - gradient.numpy()).max(initial=0) <= NEAR[dtype] * scale
    return total, divisor


CASES = list(itertools.product(DTYPES, [0.0, 0.1, 1.0], [False, True], [-100, 2], [(50, 7), (6, 5, 4, 3), (1, 3), (40, 1000)]))


@pytest.mark.parametrize("dtype, smoothing, is_weighted, ignored, shape", CASES)
def test_cross_entropy_is_that_of_pytorch(dtype, smoothing, is_weighted, ignored, shape):
    scores = drawn(1, shape, dtype, -9, 9)
    n_classes, where = shape[1], (shape[0], *shape[2:])
    targets = numpy.random.default_rng(2).integers(0, n_classes, where)
    weights = drawn(3, n_classes, dtype, 0.1, 2) if is_weighted else None
    options = {"ignore_index": ignored, "label_smoothing": smoothing}
    if is_weighted:
        options["weight"] = torch.tensor(weights.astype("float64"))

    def expected(x):
        return functional.cross_entropy(x, torch.tensor(targets), reduction="sum", **options)

    numbers = {"label_smoothing": smoothing, "ignore_index": ignored}
    arrays = [scores, targets] + ([weights] if is_weighted else [])
    total, divisor = check("CrossEntropyLoss", arrays, numbers, expected, dtype)
    if (targets != ignored).any():
        mean = functional.cross_entropy(torch.tensor(scores.astype("float64")), torch.tensor(targets), **options)
        assert total / divisor == pytest.approx(mean.item(), rel=3 * NEAR[dtype])


@pytest.mark.parametrize("dtype, weights", list(itertools.product(DTYPES, [None, 1, 9])))
def test_binary_cross_entropy_is_that_of_pytorch(dtype, weights):
    logits = drawn(4, (70, 9), dtype, -40, 40)
    targets = drawn(5, (70, 9), dtype, 0, 1)
    targets[::2] = targets[::2].round()
    w = drawn(6, weights, dtype, 0.1, 5) if weights else None

    def expected(x):
        pos = torch.tensor(w.astype("float64")) if weights else None
        y = torch.tensor(targets.astype("float64"))
        return functional.binary_cross_entropy_with_logits(x, y, reduction="sum", pos_weight=pos)

    _, divisor = check("BinaryCrossEntropyLoss", [logits, targets] + ([w] if weights else []), {}, expected, dtype)
    assert divisor == 630


REALS = {
    "SquaredErrorLoss": lambda x, y: functional.mse_loss(x, y, reduction="sum"),
    "AbsoluteErrorLoss": lambda x, y: functional.l1_loss(x, y, reduction="sum"),
    "HuberLoss": lambda x, y: functional.huber_loss(x, y, reduction="sum", delta=0.7),
}


@pytest.mark.parametrize("dtype, op", list(itertools.product(DTYPES, REALS)))
def test_losses_of_reals_are_those_of_pytorch(dtype, op):
    predictions, targets = drawn(7, (60, 11), dtype), drawn(8, (60, 11), dtype)
    predictions[0] = targets[0]
    numbers = {"delta": 0.7} if op == "HuberLoss" else {}
    y = torch.tensor(targets.astype("float64"))
    _, divisor = check(op, [predictions, targets], numbers, lambda x: REALS[op](x, y), dtype)
    assert divisor == 660
