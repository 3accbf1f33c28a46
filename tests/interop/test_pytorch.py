# SPDX-License-Identifier: Apache-2.0
"""heft beside PyTorch: .pt files both ways. Needs torch, which tools/test.sh installs where HEFT_TEST_TORCH=1 is set."""

import argparse
import collections
import io
import json
import pickle
import subprocess
import warnings
import zipfile

import numpy
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (HEFT_TEST_TORCH=1 tools/test.sh installs it)")

from peers import (  # noqa: E402
    HEFT,
    digest,
    heft,
    in_words,
    inspect,
    random,
    random_array,
    refused,
    told,
    weights_digest,
    write,
)
from torch_peer import TYPES, logical, random_tensor, tensors_of_value  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
KINDS = [kind for kind in TYPES if not kind.startswith("q")]
SHAPES = [(), (0,), (1,), (5,), (4, 6), (3, 0, 2), (2, 3, 7)]
SAVERS = {"zip": {}, "legacy": {"_use_new_zipfile_serialization": False}}


def save(value, path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(value, path, **options)
    return path


def load(path, **options):
    return torch.load(path, weights_only=True, **options)


def of_weights(tensors):
    return {name: (dtype, shape, data) for space, name, dtype, shape, data in tensors if space == "weights"}


def same(path, value):
    """heft sees what torch saved: names, spaces, dtypes, shapes, order, bytes."""
    tensors = tensors_of_value(value)
    assert told(path) == in_words(tensors)
    assert digest(path) == weights_digest(of_weights(tensors))


def equal(a, b):
    """Two values of torch are the same to the bit."""
    assert type(a) is type(b), (type(a), type(b))
    if isinstance(a, torch.Tensor):
        assert logical(a.detach()) == logical(b.detach())
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            equal(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            equal(x, y)
    else:
        assert a == b or a != a


def ties(path):
    return {t["name"]: t["tied_to"] for t in inspect(path)["tensors"] if "tied_to" in t}


# --- tensors ---


def every_dtype(random):
    made = {}
    for kind in KINDS:
        for i, shape in enumerate(SHAPES):
            if shape or kind != "float4_e2m1fn_x2":
                made[f"{kind}.{i}"] = random_tensor(random, kind, shape)
    return made


@pytest.mark.parametrize("how", SAVERS)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_state_dict_of_every_dtype_is_read(random, tmp_path, how, protocol):
    made = every_dtype(random)
    path = save(made, tmp_path / "in.pt", pickle_protocol=protocol, **SAVERS[how])
    same(path, made)
    heft("verify", path)
    assert inspect(path)["format"] == "pytorch"
    heft("convert", path, tmp_path / "kept.heft", "--compress=fast")
    heft("verify", tmp_path / "kept.heft")
    assert digest(tmp_path / "kept.heft") == digest(path)


VIEWS = {
    "transposed": lambda t: t.t(),
    "sliced": lambda t: t[2:5, 1:6:2],
    "row": lambda t: t[3],
    "column": lambda t: t[:, 2],
    "element": lambda t: t[4, 4],
    "expanded": lambda t: t[:1].expand(5, 8),
    "repeated": lambda t: t[0, 0].expand(3, 4),
    "diagonal": lambda t: t.diagonal(),
    "windows": lambda t: t.unfold(0, 3, 1),
    "permuted": lambda t: t.reshape(2, 4, 8).permute(2, 0, 1),
    "channels-last": lambda t: t.reshape(2, 2, 4, 4).contiguous(memory_format=torch.channels_last),
    "nothing": lambda t: t[5:5],
    "one-wide": lambda t: t[:, 3:4],
    "all": lambda t: t,
}


@pytest.mark.parametrize("how", SAVERS)
@pytest.mark.parametrize("kind", ["float32", "bfloat16", "complex128", "bool"])
def test_views_are_gathered(random, tmp_path, how, kind):
    base = random_tensor(random, kind, (8, 8))
    made = {name: view(base) for name, view in VIEWS.items()}
    path = save(made, tmp_path / "in.pt", **SAVERS[how])
    same(path, made)
    for name, view in made.items():
        heft("convert", "-f", path, tmp_path / "one.npy", "--include", name, "--dtype", "F32")
        assert numpy.load(tmp_path / "one.npy").shape == tuple(view.shape)


@pytest.mark.parametrize("how", SAVERS)
def test_a_large_view_is_gathered_by_any_number_of_threads(random, tmp_path, how):
    base = torch.from_numpy(random.integers(0, 256, (1031, 2053), numpy.uint8))
    made = {
        "t": base.t(),
        "s": base[::3, ::5],
        "e": base[:1].expand(700, 2053),
        "p": base[:1030].reshape(103, 10, 2053).permute(1, 2, 0),
    }
    path = save(made, tmp_path / "in.pt", **SAVERS[how])
    want = weights_digest(of_weights(tensors_of_value(made)))
    assert [heft("digest", "-j", n, path).split()[0] for n in (1, 3)] == [want, want]


@pytest.mark.parametrize("how", SAVERS)
def test_tensors_that_are_one_are_tied_and_others_of_one_storage_are_not(random, tmp_path, how):
    base = random_tensor(random, "float32", (6, 4))
    none = torch.empty(0, 4)
    made = {
        "a": base, "same": base, "again": base.view(6, 4), "parameter": torch.nn.Parameter(base), "flat": base.view(24),
        "transposed": base.t(), "row": base[0], "alike": base.clone(), "none": none, "nothing": none,
    }  # fmt: skip
    path = save(made, tmp_path / "in.pt", **SAVERS[how])
    same(path, made)
    assert ties(path) == {"same": "a", "again": "a", "parameter": "a"}


class Named(torch.nn.Parameter):
    pass


def test_parameters_and_buffers_are_tensors(random, tmp_path):
    plain = random_tensor(random, "float32", (3, 2))
    own = torch.nn.Parameter(plain.clone())
    own.note = "a parameter with a state of its own"
    made = collections.OrderedDict(
        parameter=torch.nn.Parameter(plain), frozen=torch.nn.Parameter(plain.clone(), requires_grad=False),
        buffer=torch.nn.Buffer(plain.clone()), wanted=plain.clone().requires_grad_(), own=own, sub=Named(plain.clone()),
    )  # fmt: skip
    for how in SAVERS:
        same(save(made, tmp_path / f"{how}.pt", **SAVERS[how]), made)


def test_dicts_lists_and_tuples_are_paths(random, tmp_path):
    def t():
        return random_tensor(random, "float32", (2,))

    made = {
        "a": {"b": {"c": t()}, "d.e": t()},
        "list": [t(), [t(), t()]],
        "tuple": (t(), {"x": t()}),
        7: t(),
        "": t(),
        "empty": {},
    }
    for how in SAVERS:
        same(save(made, tmp_path / f"{how}.pt", **SAVERS[how]), made)


def test_a_name_twice_gets_a_number(random, tmp_path):
    made = {
        "a": {"b": random_tensor(random, "float32", (2,))},
        "a.b": random_tensor(random, "float32", (3,)),
        "1": torch.ones(1),
        1: torch.ones(2),
    }
    same(save(made, tmp_path / "in.pt"), made)


def test_a_lone_tensor_and_a_list_are_roots(random, tmp_path):
    for made in (
        random_tensor(random, "float32", (2,)),
        [torch.ones(2), torch.zeros(3)],
        (torch.ones(2),),
        {},
        3,
        "text",
        None,
    ):
        path = save(made, tmp_path / "in.pt")
        same(path, made)
    assert told(save(torch.ones(2), tmp_path / "one.pt"))[0][1] == "tensor"


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "module", "weights", "net", "ema"])
def test_a_key_around_all_weights_is_left_out(random, tmp_path, key):
    inner = {"module.conv.weight": random_tensor(random, "float32", (2,)), "model": {"b": torch.ones(3)}}
    for made in (
        {key: inner},
        {"epoch": 3, key: inner, "optimizer": {"state": {}, "param_groups": []}},
        {key: inner, "other": torch.ones(1)},
    ):
        same(save(made, tmp_path / "in.pt"), made)
    names = [name for _, name, *_ in told(save({key: inner}, tmp_path / "in.pt"))]
    prefix = "" if key not in ("net", "ema") else f"{key}."
    assert names == [f"{prefix}module.conv.weight", f"{prefix}model.b"]


def test_a_tensor_called_like_a_wrapper_keeps_its_name(tmp_path):
    same(save({"weights": torch.ones(3)}, tmp_path / "in.pt"), {"weights": torch.ones(3)})


def random_value(random, depth, bases):
    """Anything that a checkpoint may hold."""

    def pick(options):
        return options[int(random.integers(len(options)))]

    kind = int(random.integers(8 if depth else 5))
    if kind < 3:
        base = pick(bases)
        view = pick(
            [
                lambda t: t,
                lambda t: t,
                lambda t: t.t(),
                lambda t: t[1:, ::2],
                lambda t: t[:1].expand(3, t.shape[1]),
                lambda t: t[2],
            ]
        )(base)
        return torch.nn.Parameter(view) if view.is_floating_point() and random.integers(4) == 0 else view
    if kind < 5:
        return pick([0, -7, 2**40, 2**80, 0.1, float("inf"), "text", "ü", "", True, False, None, b"bytes"])
    n = int(random.integers(0, 5))
    if kind == 5:
        return [random_value(random, depth - 1, bases) for _ in range(n)]
    if kind == 6:
        return tuple(random_value(random, depth - 1, bases) for _ in range(n))
    keys = ["a", "b.c", "weight", "state", "t", "0", 0, 1, "model", "", "heft"]
    return {pick(keys): random_value(random, depth - 1, bases) for _ in range(n)}


@pytest.mark.parametrize("seed", range(40))
def test_a_random_checkpoint_is_read_as_torch_reads_it_and_comes_back(tmp_path, seed):
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    bases = [
        random_tensor(random, kind, (4, 6))
        for kind in ("float32", "bfloat16", "int64", "uint8", "complex64", "float8_e5m2", "uint16")
    ]
    roots = ["model", "optimizer", "epoch", "weights", "callbacks", "state_dict", "x", 3]
    made = {key: random_value(random, 3, bases) for key in roots if random.integers(2)}
    how = SAVERS["legacy" if seed % 4 == 0 else "zip"]
    path = save(made, tmp_path / "in.pt", pickle_protocol=2 + seed % 4, **how)
    same(path, made)
    heft("convert", path, tmp_path / "kept.heft")
    assert told(tmp_path / "kept.heft") == told(path)
    assert inspect(tmp_path / "kept.heft")["metadata"] == inspect(path)["metadata"]
    done = subprocess.run([HEFT, "convert", tmp_path / "kept.heft", tmp_path / "out.pt"], capture_output=True, text=True)
    if done.returncode == 2 and "has the place of the weights" in done.stderr:
        return
    assert done.returncode == 0, done.stderr
    load(tmp_path / "out.pt")
    assert digest(tmp_path / "out.pt") == digest(path)
    assert sorted(t[0:1] + t[2:] for t in told(tmp_path / "out.pt")) == sorted(t[0:1] + t[2:] for t in told(path))


# --- modules ---


class Block(torch.nn.Module):
    """An own class, which heft cannot know."""

    def __init__(self, n):
        super().__init__()
        self.conv = torch.nn.Conv2d(n, n, 3, padding=1, bias=False)
        self.bn = torch.nn.BatchNorm2d(n)
        self.act = torch.nn.SiLU(inplace=True)
        self.absent = None
        self.register_parameter("no", None)
        self.register_buffer("grid", torch.arange(4.0))
        self.register_buffer("scratch", torch.ones(2), persistent=False)
        self.register_buffer("nothing", None)

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = torch.nn.Sequential(
            Block(3), torch.nn.ModuleList([Block(2), Block(2)]), torch.nn.ModuleDict({"head": torch.nn.Linear(4, 2)})
        )
        self.embed = torch.nn.Embedding(6, 4)
        self.out = torch.nn.Linear(4, 6, bias=False)
        self.out.weight = self.embed.weight
        self.lstm = torch.nn.LSTM(4, 3, 2, bidirectional=True)
        self.attention = torch.nn.MultiheadAttention(4, 2)
        self.list = torch.nn.ParameterList([torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(3))])
        self.stride = torch.tensor([8.0, 16.0])
        self.names = {0: "person", 1: "bicycle"}
        self.yaml = {"nc": 80, "backbone": [[-1, 1, "Conv", [64, 3, 2]]]}
        self.args = argparse.Namespace(lr0=0.01, epochs=3)

    def forward(self, x):
        return self.model[0](x)


@pytest.fixture
def net():
    torch.manual_seed(7)
    made = Net()
    made.model[0](torch.randn(2, 3, 5, 5))
    return made


def weights_are_the_state_dict(path, module):
    """Names, order and bytes of a pickled module's weights are those of its state_dict()."""
    found = [t[1:] for t in told(path) if t[0] == "weights"]
    want = [("weights", name, *logical(t.detach())) for name, t in module.state_dict().items()]
    assert found == [t[1:] for t in in_words(want)]


@pytest.mark.parametrize("how", SAVERS)
def test_a_whole_module_has_the_names_of_its_state_dict(tmp_path, net, how):
    path = save(net, tmp_path / "in.pt", **SAVERS[how])
    weights_are_the_state_dict(path, net)
    assert sorted(told(path)) == sorted(in_words(tensors_of_value(net)))
    assert ties(path)["out.weight"] == "embed.weight"
    # The same weights as a state dict have the same digest.
    assert digest(save(net.state_dict(), tmp_path / "state.pt")) == digest(path)


@pytest.mark.parametrize("how", SAVERS)
def test_a_dict_with_modules_as_ultralytics_saves_them(tmp_path, net, how):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net.model[0](torch.randn(2, 3, 5, 5)).sum().backward()
    optimizer.step()
    made = {
        "epoch": -1,
        "best_fitness": 0.5,
        "model": net.half(),
        "ema": None,
        "updates": None,
        "optimizer": None,
        "train_args": {"lr0": 0.01, "augment": True, "classes": None, "imgsz": 640},
        "train_metrics": {"mAP": numpy.float64(0.25)},
        "date": "2026-01-01",
        "version": "8.3.0",
        "license": "AGPL-3.0",
        "docs": "",
    }
    path = save(made, tmp_path / "in.pt", **SAVERS[how])
    weights_are_the_state_dict(path, net)
    meta = inspect(path)["metadata"]
    assert meta["epoch"] == -1 and meta["train_args"] == made["train_args"] and meta["version"] == "8.3.0"
    made |= {"optimizer": optimizer.state_dict(), "ema": net}
    path = save(made, tmp_path / "two.pt", **SAVERS[how])
    names = {(space, name) for space, name, *_ in told(path)}
    assert ("weights", "model.embed.weight") in names and ("weights", "ema.embed.weight") in names
    assert ("optimizer", "optimizer.state.0.momentum_buffer") in names
    heft("convert", path, tmp_path / "kept.heft")
    assert told(tmp_path / "kept.heft") == told(path)


def test_a_module_whose_class_is_gone_is_read_and_never_imported(tmp_path, net):
    """K2-3."""
    path = save(net, tmp_path / "in.pt")
    data = path.read_bytes()
    assert data.count(b"Net") == 1
    path.write_bytes(data.replace(b"\nNet\n", b"\nGon\n"))
    weights_are_the_state_dict(path, net)


def test_modules_of_the_library_have_the_names_of_their_state_dicts(tmp_path):
    made = {
        "linear": torch.nn.Linear(3, 2),
        "bilinear": torch.nn.Bilinear(2, 3, 4),
        "conv1d": torch.nn.Conv1d(2, 3, 3, groups=1),
        "transposed": torch.nn.ConvTranspose2d(2, 3, 2),
        "gru": torch.nn.GRU(3, 2, bidirectional=True),
        "cell": torch.nn.LSTMCell(2, 3),
        "group": torch.nn.GroupNorm(2, 4),
        "layer": torch.nn.LayerNorm((2, 3)),
        "instance": torch.nn.InstanceNorm1d(3, affine=True, track_running_stats=True),
        "prelu": torch.nn.PReLU(3),
        "bag": torch.nn.EmbeddingBag(4, 2),
        "transformer": torch.nn.Transformer(4, 2, 1, 1, 8),
        "batch": torch.nn.SyncBatchNorm(3),
        "lazy": torch.nn.Sequential(),
    }
    for name, module in made.items():
        weights_are_the_state_dict(save(module, tmp_path / f"{name}.pt"), module)


# --- training ---

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(
        [{"params": list(p)[:2], "lr": 0.5}, {"params": [torch.nn.Parameter(torch.ones(2))], "weight_decay": 0.0}]
    ),
    "adagrad": lambda p: torch.optim.Adagrad(p),
    "rmsprop": lambda p: torch.optim.RMSprop(p, centered=True, momentum=0.5),
}


def trained(make, n=3):
    torch.manual_seed(3)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))
    optimizer = make(model.parameters())
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    for i in range(n):
        step(model, optimizer, i)
        scheduler.step()
    return model, optimizer, scheduler


def step(model, optimizer, i):
    x = torch.sin(torch.arange(20.0) * (i + 1)).reshape(5, 4)
    optimizer.zero_grad()
    model(x).square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize("how", SAVERS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_of_an_optimizer_is_in_its_own_space(tmp_path, name, how):
    model, optimizer, scheduler = trained(OPTIMIZERS[name])
    made = {
        "epoch": 3, "model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(),
        "lr_scheduler": scheduler.state_dict(), "loss": 0.125,
    }  # fmt: skip
    path = save(made, tmp_path / "in.pt", **SAVERS[how])
    same(path, made)
    names = [n for space, n, *_ in told(path) if space == "weights"]
    assert names == list(model.state_dict())
    heft("convert", path, tmp_path / "only.safetensors", "--weights-only", "--no-metadata")
    assert digest(tmp_path / "only.safetensors") == digest(path)
    # Alone, too.
    same(save(optimizer.state_dict(), tmp_path / "alone.pt"), optimizer.state_dict())


@pytest.mark.parametrize("through", ["heft", "straight"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_after_a_checkpoint_went_to_heft_and_back(tmp_path, name, through):
    model, optimizer, _ = trained(OPTIMIZERS[name])
    made = {
        "epoch": 3, "rate": 0.1, "betas": [0.9, 0.999], "name": "ünï", "none": None, "flag": True,
        "model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(),
    }  # fmt: skip
    source = save(made, tmp_path / "in.pt")
    if through == "heft":
        heft("convert", source, tmp_path / "kept.heft", "--compress=fast")
        source = tmp_path / "kept.heft"
    heft("convert", source, tmp_path / "out.pt")
    back = load(tmp_path / "out.pt")
    assert {k: v for k, v in back.items() if "dict" not in k} == {k: v for k, v in made.items() if "dict" not in k}
    equal(collections.OrderedDict(back["model_state_dict"]), collections.OrderedDict(model.state_dict()))
    assert digest(tmp_path / "out.pt") == digest(tmp_path / "in.pt")
    assert sorted(told(tmp_path / "out.pt")) == sorted(told(tmp_path / "in.pt"))
    other, fresh, _ = trained(OPTIMIZERS[name], 0)
    other.load_state_dict(back["model_state_dict"])
    fresh.load_state_dict(back["optimizer_state_dict"])
    for i in range(3, 6):
        step(model, optimizer, i)
        step(other, fresh, i)
    equal(other.state_dict(), model.state_dict())
    equal(fresh.state_dict()["state"], optimizer.state_dict()["state"])


@pytest.mark.parametrize("how", SAVERS)
def test_a_lightning_checkpoint(tmp_path, how):
    model, optimizer, scheduler = trained(OPTIMIZERS["adam"])
    made = {
        "epoch": 1, "global_step": 3, "pytorch-lightning_version": "2.4.0",
        "state_dict": collections.OrderedDict((f"net.{k}", v) for k, v in model.state_dict().items()),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 1}, "current": {"ready": 1}}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.5), "best_k_models": {}}},
        "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [scheduler.state_dict()],
        "hparams_name": "kwargs", "hyper_parameters": argparse.Namespace(lr=0.1, layers=(1, 2)),
    }  # fmt: skip
    path = save(made, tmp_path / "in.ckpt", **SAVERS[how])
    same(path, made)
    names = {(space, name) for space, name, *_ in told(path)}
    assert ("optimizer", "optimizer_states.0.state.0.exp_avg") in names
    assert ("weights", "net.0.weight") in names
    assert ("state", "callbacks.ModelCheckpoint{'monitor': None}.best_model_score") in names


# --- TorchScript ---


class Scripted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(2, 3, 3)
        self.bn = torch.nn.BatchNorm1d(3)
        self.inner = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
        self.register_buffer("window", torch.hann_window(5))
        self.n = 3
        self.words = ["a", "b"]
        self.pair = (1, 2.5)

    def forward(self, x):
        return self.inner(self.bn(self.conv(x))) + torch.tensor([0.5, 1.5, 2.5, 3.5])


def scripts():
    torch.manual_seed(1)
    module = Scripted().eval()
    module.bn.running_mean.normal_()
    x = torch.randn(1, 2, 6)
    return {
        "scripted": torch.jit.script(module),
        "traced": torch.jit.trace(module, x),
        "half": torch.jit.script(Scripted().half()),
    }, torch.jit.freeze(torch.jit.script(module))


@pytest.mark.parametrize("name", ["scripted", "traced", "half"])
def test_torchscript_has_the_names_of_its_state_dict(tmp_path, name):
    module = scripts()[0][name]
    path = tmp_path / "in.pt"
    torch.jit.save(module, str(path))
    found = {t[1]: t[2:] for t in told(path) if t[0] == "weights" and not t[1].startswith("constants.")}
    want = in_words([("weights", key, *logical(t.detach())) for key, t in module.state_dict().items()])
    assert found == {t[1]: t[2:] for t in want}
    heft("verify", path)
    heft("convert", path, tmp_path / "kept.heft")
    assert told(tmp_path / "kept.heft") == told(path)


def test_the_weights_of_a_frozen_module_are_its_constants(tmp_path):
    module = scripts()[1]
    path = tmp_path / "in.pt"
    torch.jit.save(module, str(path))

    def tensors(block):
        for node in block.nodes():
            if node.kind() == "prim::Constant" and node.hasAttribute("value") and node.kindOf("value") == "t":
                yield node.t("value")
            for inner in node.blocks():
                yield from tensors(inner)

    want = sorted(t[2:] for t in in_words([("", "", *logical(t)) for t in tensors(torch.jit.load(str(path)).graph)]))
    found = told(path)
    assert want and all(name.startswith("constants.") for _, name, *_ in found)
    assert sorted({t[2:] for t in found}) == sorted(set(want))
    for space, _, dtype, shape, _ in found:
        is_weight = bool(shape) and dtype not in ("I64", "I32", "I16", "BOOL")
        assert space == ("weights" if is_weight else "state")


# --- quantised, sparse and other tensors ---


@pytest.mark.parametrize("how", SAVERS)
def test_quantised_tensors_are_their_integers(random, tmp_path, how):
    plain = torch.from_numpy(random.standard_normal((4, 6)).astype("f4"))
    scales, zeros = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64), torch.tensor([1, 2, 3, 4])
    made = {
        "i8": torch.quantize_per_tensor(plain, 0.05, 3, torch.qint8),
        "u8": torch.quantize_per_tensor(plain, 0.05, 3, torch.quint8),
        "i32": torch.quantize_per_tensor(plain, 0.001, 0, torch.qint32),
        "channels": torch.quantize_per_channel(plain, scales, zeros, 0, torch.qint8),
        "view": torch.quantize_per_tensor(plain, 0.05, 3, torch.qint8).t(),
    }
    path = save(made, tmp_path / "in.pt", **SAVERS[how])
    same(path, made)
    meta = inspect(path)["metadata"]["heft.quantized"]
    assert set(meta) == set(made) and "0.05" in json.dumps(meta["i8"])


@pytest.mark.parametrize("how", SAVERS)
def test_sparse_tensors_are_their_parts(random, tmp_path, how):
    plain = torch.from_numpy(random.standard_normal((4, 6)).astype("f4"))
    plain[plain.abs() < 0.7] = 0
    made = {
        "coo": plain.to_sparse(), "hybrid": plain.to_sparse(1), "csr": plain.to_sparse_csr(), "csc": plain.to_sparse_csc(),
        "bsr": plain.to_sparse_bsr((2, 2)), "bsc": plain.to_sparse_bsc((2, 3)), "none": torch.zeros(3, 2).to_sparse(),
    }  # fmt: skip
    path = save(made, tmp_path / "in.pt", **SAVERS[how])
    same(path, made)
    meta = inspect(path)["metadata"]["heft.sparse"]
    assert set(meta) == set(made) and "[4, 6]" in json.dumps(meta["csr"]).replace("4,6", "4, 6")


def test_tensors_whose_bytes_are_not_their_values_are_refused(random, tmp_path):
    base = random_tensor(random, "complex64", (3,))
    for made in ({"w": base.conj()}, {"w": base.conj().imag}, {"w": torch.empty(3, device="meta")}):
        path = save(made, tmp_path / "in.pt")
        refused("inspect", path, status=3, words=["w"])
    same(save({"w": torch.empty(0)}, tmp_path / "in.pt"), {"w": torch.empty(0)})


# --- the file ---


def members(path):
    with zipfile.ZipFile(path) as file:
        return [(entry, file.read(entry)) for entry in file.infolist()]


def rezip(path, out, change=lambda name, data: data, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(out, "w", method) as file:
        for entry, data in members(path):
            data = change(entry.filename.partition("/")[2], data)
            if data is not None:
                file.writestr(entry.filename, data)
    return out


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_that_were_packed_anew_are_read(random, tmp_path, method):
    made = {
        "a": random_tensor(random, "float32", (50, 40)),
        "b": random_tensor(random, "int64", ()),
        "v": random_tensor(random, "float32", (9, 9)).t(),
    }
    save(made, tmp_path / "in.pt")
    same(rezip(tmp_path / "in.pt", tmp_path / "out.pt", method=method), made)


def test_a_record_of_byte_order_big_is_swapped(random, tmp_path):
    made = {kind: random_tensor(random, kind, (7, 3)) for kind in KINDS if kind != "float4_e2m1fn_x2"}
    made["view"] = made["float32"].t()
    save(made, tmp_path / "in.pt")
    units = [t.element_size() // (2 if t.is_complex() else 1) for name, t in made.items() if name != "view"]

    def swap(name, data):
        if name == "byteorder":
            return b"big"
        if name.startswith("data/"):
            n = units[int(name[5:])]
            return numpy.frombuffer(data, f"V{n}").view("u1").reshape(-1, n)[:, ::-1].tobytes()
        return data

    rezip(tmp_path / "in.pt", tmp_path / "big.pt", swap)
    # torch itself leaves tensors of untyped storages (uint16, …) as they are, which is not what a big-endian machine saved.
    typed = {name: t for name, t in made.items() if not name.startswith("uint") or name == "uint8"}
    found = torch.load(tmp_path / "big.pt")
    equal({name: found[name] for name in typed}, typed)
    same(tmp_path / "big.pt", made)


def test_old_archives_without_byte_order_and_marks_are_read(random, tmp_path):
    made = {f"w{i}": random_tensor(random, "float32", (i,)) for i in range(13)}
    save(made, tmp_path / "in.pt")
    old = rezip(
        tmp_path / "in.pt", tmp_path / "old.pt", lambda name, data: None if name.startswith((".", "byteorder")) else data
    )
    same(old, made)


def test_a_large_file_is_mapped_and_read(tmp_path):
    made = {"big": torch.zeros(3 << 20), "small": torch.ones(3)}
    same(save(made, tmp_path / "in.pt"), made)


def test_a_pickle_of_its_own_and_other_files_are_told_apart(tmp_path):
    (tmp_path / "lone.pt").write_bytes(pickle.dumps({"a": 1}, 2))
    refused("inspect", tmp_path / "lone.pt", status=3)
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as file:
        file.writestr("README", "hello")
    refused("inspect", tmp_path / "other.pt", status=3)


def test_a_cut_file_is_refused_everywhere(random, tmp_path):
    made = {"a": random_tensor(random, "float32", (7, 3)), "n": 3}
    for how in SAVERS:
        data = save(made, tmp_path / "in.pt", **SAVERS[how]).read_bytes()
        for n in range(0, len(data), 17):
            (tmp_path / "cut.pt").write_bytes(data[:n])
            done = subprocess.run([HEFT, "digest", tmp_path / "cut.pt"], capture_output=True, text=True)
            assert done.returncode == 3, (how, n, done.stdout, done.stderr)


# --- pickles that would run something ---


class Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def attacks(mark):
    import builtins
    import functools
    import importlib
    import os
    import runpy
    import shutil

    return {
        "system": Call(os.system, f"touch {mark}"),
        "open": Call(builtins.open, str(mark), "w"),
        "eval": Call(builtins.eval, f"open({str(mark)!r}, 'w')"),
        "exec": Call(builtins.exec, f"open({str(mark)!r}, 'w')"),
        "import": Call(importlib.import_module, "antigravity"),
        "getattr": Call(builtins.getattr, "text", "upper"),
        "runpy": Call(runpy.run_path, str(mark)),
        "copy": Call(shutil.copy, "/etc/hostname", str(mark)),
        "partial": Call(functools.partial(os.system, f"touch {mark}")),
        "popen": Call(subprocess.Popen, ["touch", str(mark)]),
        "torch-load": Call(torch.load, str(mark)),
        "jit-load": Call(torch.jit.load, str(mark)),
        "numpy-load": Call(numpy.load, str(mark)),
        "numpy-tofile": Call(numpy.ndarray.tofile, numpy.zeros(1), str(mark)),
    }  # fmt: skip


# K2-2 and K2-4.
@pytest.mark.parametrize("how", SAVERS)
@pytest.mark.parametrize("name", attacks(""))
def test_a_call_of_anything_outside_the_list_is_refused_by_name_and_never_made(tmp_path, name, how):
    mark = tmp_path / "mark"
    path = save({"w": torch.ones(2), "x": attacks(mark)[name]}, tmp_path / "in.pt", **SAVERS[how])
    said = refused("inspect", path, status=3)
    assert not mark.exists()
    words = {
        "open": "open",
        "system": "system",
        "popen": "Popen",
        "torch-load": "load",
        "jit-load": "load",
        "numpy-load": "load",
        "getattr": "getattr",
    }
    assert words.get(name, "") in said


# --- metadata ---


def test_other_values_are_the_metadata(tmp_path):
    made = {
        "int": -3, "big": 2**40, "float": 0.1, "text": "ü\n", "yes": True, "none": None, "list": [1, [2.5, "x"]], "tuple": (1, 2),
        "dict": {"a": {"b": 1}, "c": []}, "w": torch.ones(2), "mixed": [1, torch.ones(1), "y"], "only": {"t": torch.ones(1)},
    }  # fmt: skip
    for how in SAVERS:
        meta = inspect(save(made, tmp_path / f"{how}.pt", **SAVERS[how]))["metadata"]
        for key in ("int", "big", "float", "text", "yes", "none", "list", "dict"):
            assert meta[key] == made[key], key
        assert meta["tuple"] == [1, 2] and "w" not in meta and "only" not in meta


def test_a_tensor_under_a_key_of_the_root_comes_back(random, tmp_path):
    weights = collections.OrderedDict(w=random_tensor(random, "float32", (2,)))
    made = {"model": weights, "rng_state": torch.get_rng_state(), "mean": torch.ones(3), "epoch": 3}
    path = save(made, tmp_path / "in.pt")
    assert [t[:2] for t in told(path)] == [("weights", "w"), ("state", "rng_state"), ("state", "mean")]
    heft("convert", path, tmp_path / "out.pt")
    found = load(tmp_path / "out.pt")
    equal(found["model"], weights)
    assert (
        found["epoch"] == 3 and torch.equal(found["rng_state"], made["rng_state"]) and torch.equal(found["mean"], made["mean"])
    )
    torch.set_rng_state(found["rng_state"])


def test_versions_of_a_state_dict_are_kept(tmp_path, net):
    state = net.state_dict()
    assert state._metadata
    path = save(state, tmp_path / "in.pt")
    assert inspect(path)["metadata"]["heft.versions"]["model.0.bn"] == {"version": 2}
    heft("convert", path, tmp_path / "out.pt")
    back = load(tmp_path / "out.pt")
    assert dict(back._metadata) == dict(state._metadata)
    fresh = Net()
    fresh.load_state_dict(back)
    equal(fresh.state_dict(), state)


# --- what heft writes ---

SAFE = ["BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "BF16", "F32", "F64", "C64",
        "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0"]  # fmt: skip


def written(random, tmp_path, metadata=None):
    arrays = {f"{dtype}.{i}": (dtype, random_array(random, dtype, shape)) for dtype in SAFE for i, shape in enumerate(SHAPES)}
    write(tmp_path / "in.safetensors", arrays, metadata)
    heft("convert", "-f", tmp_path / "in.safetensors", tmp_path / "out.pt")
    return tmp_path / "out.pt", {name: (dtype, a.shape, a.tobytes()) for name, (dtype, a) in arrays.items()}


@pytest.mark.parametrize("mmap", [False, True])
def test_torch_loads_what_heft_wrote(random, tmp_path, mmap):
    path, tensors = written(random, tmp_path)
    found = load(path, mmap=mmap)
    assert type(found) is collections.OrderedDict
    assert list(found) == [name for _, name, *_ in told(tmp_path / "in.safetensors")]
    assert {name: logical(t) for name, t in found.items()} == tensors
    assert all(t.is_contiguous() and not t.requires_grad for t in found.values())
    assert digest(path) == weights_digest(tensors)
    heft("verify", path)


def test_the_archive_is_like_torchs_own(random, tmp_path):
    path, _ = written(random, tmp_path)
    data = path.read_bytes()
    found = members(path)
    names = [entry.filename for entry, _ in found]
    n = sum(1 for t in inspect(path)["tensors"] if t["n_bytes"])
    assert names[:4] == ["out/data.pkl", "out/.format_version", "out/.storage_alignment", "out/byteorder"]
    assert names[-2:] == ["out/version", "out/.data/serialization_id"]
    assert len(set(names)) == len(names) and len(names) - 6 >= n
    contents = {entry.filename: content for entry, content in found}
    assert (contents["out/version"], contents["out/byteorder"]) == (b"3\n", b"little")
    assert (contents["out/.format_version"], contents["out/.storage_alignment"]) == (b"1", b"64")
    for entry, _ in found:
        assert entry.compress_type == zipfile.ZIP_STORED
        head = data[entry.header_offset : entry.header_offset + 30]
        start = entry.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        assert not entry.filename.startswith("out/data/") or start % 64 == 0
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
    # Nothing in it needs more than the safe list.
    assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == []


def test_the_folder_in_the_archive_is_called_as_the_file(random, tmp_path):
    write(tmp_path / "in.safetensors", {"w": ("F32", random_array(random, "F32", (3,)))})
    for name in ("a b.pt", "model.v2.pth", "ü.bin", "x.ckpt"):
        heft("convert", tmp_path / "in.safetensors", tmp_path / name)
        assert members(tmp_path / name)[0][0].filename == f"{name.rpartition('.')[0]}/data.pkl"
        assert list(load(tmp_path / name)) == ["w"]


def test_ties_share_a_storage(random, tmp_path):
    base = random_tensor(random, "float32", (6, 4))
    save({"a": base, "b": base, "c": base.clone(), "t": base.t()}, tmp_path / "in.pt")
    heft("convert", tmp_path / "in.pt", tmp_path / "kept.heft")
    for source in ("in.pt", "kept.heft"):
        heft("convert", "-f", tmp_path / source, tmp_path / "out.pt")
        found = load(tmp_path / "out.pt")
        assert found["a"].data_ptr() == found["b"].data_ptr() != found["c"].data_ptr()
        assert ties(tmp_path / "out.pt") == {"b": "a"}
        assert told(tmp_path / "out.pt") == told(tmp_path / "in.pt")
        assert sum(e.filename.startswith("out/data/") for e, _ in members(tmp_path / "out.pt")) == 3


def test_metadata_makes_a_dict_around_the_weights(random, tmp_path):
    path, tensors = written(random, tmp_path, {"license": "MIT"})
    found = load(path)
    assert found["license"] == "MIT" and type(found["state_dict"]) is collections.OrderedDict
    assert {name: logical(t) for name, t in found["state_dict"].items()} == tensors
    assert inspect(path)["metadata"] == {"license": "MIT"}
    assert digest(path) == weights_digest(tensors)


def test_a_wrapper_comes_back_as_it_was(random, tmp_path):
    for key in ("model", "weights", "state_dict"):
        made = {"epoch": 3, key: collections.OrderedDict(w=random_tensor(random, "float32", (2,))), "lr": 0.5}
        heft("convert", "-f", save(made, tmp_path / "in.pt"), tmp_path / "kept.heft")
        heft("convert", "-f", tmp_path / "kept.heft", tmp_path / "out.pt")
        found = load(tmp_path / "out.pt")
        equal(found[key], made[key])
        assert {k: v for k, v in found.items() if k != key} == {"epoch": 3, "lr": 0.5}
        assert told(tmp_path / "out.pt") == told(tmp_path / "in.pt")


def test_values_that_json_has_not_come_back(tmp_path):
    made = {
        "w": torch.ones(2),
        "inf": float("inf"),
        "nan": float("nan"),
        "big": 2**70,
        "minus": -(2**63),
        "ints": {1: "a", 2: [3]},
        "bytes": b"\0\xff",
    }
    heft("convert", save(made, tmp_path / "in.pt"), tmp_path / "kept.heft")
    heft("convert", tmp_path / "kept.heft", tmp_path / "out.pt")
    found = load(tmp_path / "out.pt")
    assert found["inf"] == made["inf"] and found["nan"] != found["nan"] and found["big"] == made["big"]
    assert found["minus"] == made["minus"] and found["ints"] == made["ints"] and found["bytes"] == made["bytes"]


def test_a_module_becomes_a_state_dict_and_the_rest_of_it_plain_values(tmp_path, net):
    for made in ({"model": net, "epoch": 3}, net):
        save(made, tmp_path / "in.pt")
        heft("convert", "-f", tmp_path / "in.pt", tmp_path / "out.pt")
        found = load(tmp_path / "out.pt")
        weights = found["model"] if isinstance(made, dict) else found["state_dict"]
        equal(collections.OrderedDict(weights), collections.OrderedDict(net.state_dict()))
        assert weights["out.weight"].data_ptr() == weights["embed.weight"].data_ptr()
        assert "Net" in str({key: value for key, value in found.items() if key not in ("model", "state_dict")})
        assert digest(tmp_path / "out.pt") == digest(tmp_path / "in.pt")
        Net().load_state_dict(weights)
        # Weights stand first in what is written, so the order is another one once, and never again.
        before = tmp_path / "out.pt"
        for i in range(2):
            (tmp_path / f"{i}").mkdir(exist_ok=True)
            heft("convert", "-f", before, tmp_path / "kept.heft")
            heft("convert", "-f", tmp_path / "kept.heft", tmp_path / f"{i}" / "out.pt")
            assert inspect(before)["metadata"] == inspect(tmp_path / f"{i}" / "out.pt")["metadata"]
            assert told(before) == told(tmp_path / f"{i}" / "out.pt")
            before = tmp_path / f"{i}" / "out.pt"
        assert before.read_bytes() == (tmp_path / "0" / "out.pt").read_bytes()
        heft("convert", "-f", tmp_path / "in.pt", tmp_path / "plain.pt", "--no-metadata", "--weights-only")
        equal(collections.OrderedDict(load(tmp_path / "plain.pt")), collections.OrderedDict(net.state_dict()))


def test_a_pipe_gets_the_file_or_a_word(random, tmp_path):
    write(tmp_path / "in.safetensors", {"a": ("F32", random_array(random, "F32", (3,)))})
    done = subprocess.run([HEFT, "convert", tmp_path / "in.safetensors", "-", "--to", "pytorch"], capture_output=True)
    assert done.returncode == 2 or list(load(io.BytesIO(done.stdout))) == ["a"]


def test_the_bytes_do_not_depend_on_the_threads(random, tmp_path):
    write(tmp_path / "in.safetensors", {f"w{i}": ("F32", random_array(random, "F32", (300, 1000 + i))) for i in range(8)})
    outs = []
    for n in (1, 3):
        heft("convert", "-f", "-j", n, tmp_path / "in.safetensors", tmp_path / "out.pt")
        outs.append((tmp_path / "out.pt").read_bytes())
    assert outs[0] == outs[1]
