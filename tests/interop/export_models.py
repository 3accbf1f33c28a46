# SPDX-License-Identifier: Apache-2.0
"""Exports models with seeded random weights as ONNX: the shapes and operators of well-known ones.

    export_models.py FOLDER [NAME...]      all of them without a name; what is there already stays

Definitions are written here, after the papers, so that nothing but torch is needed. Weights are random and statistics of
normalisation are not 0 and 1, so that no operator can be left out unseen. Images may be of any size that is a multiple of
32, but where a model has positions (vit). The batch is free everywhere.
"""
import argparse
import os
import sys
import warnings

import torch
from torch import nn
from torch.nn import functional as F


def conv_bn(n_in, n_out, kernel=3, stride=1, groups=1, act=nn.ReLU):
    layers = [
        nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(n_out),
    ]
    return nn.Sequential(*layers, *([act()] if act else []))


class Residual(nn.Module):
    """x + f(x), then an activation."""

    def __init__(self, branch, shortcut=None, act=None):
        super().__init__()
        self.branch, self.shortcut, self.act = branch, shortcut, act

    def forward(self, x):
        y = self.branch(x) + (self.shortcut(x) if self.shortcut else x)
        return self.act(y) if self.act else y


def classifier(features, n, n_classes=1000):
    return nn.Sequential(*features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(n, n_classes))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )


def resnet(depths, bottleneck):
    layers = [conv_bn(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    n = 64
    for i, depth in enumerate(depths):
        width = 64 << i
        out = width * 4 if bottleneck else width
        for k in range(depth):
            stride = 2 if k == 0 and i > 0 else 1
            if bottleneck:
                branch = nn.Sequential(
                    conv_bn(n, width, 1), conv_bn(width, width, 3, stride), conv_bn(width, out, 1, act=None))
            else:
                branch = nn.Sequential(conv_bn(n, width, 3, stride), conv_bn(width, out, 3, act=None))
            shortcut = conv_bn(n, out, 1, stride, act=None) if stride > 1 or n != out else None
            layers.append(Residual(branch, shortcut, nn.ReLU()))
            n = out
    return classifier(layers, n)


def inverted(n_in, n_out, kernel, stride, hidden, act, squeeze=None):
    layers = [conv_bn(n_in, hidden, 1, act=act)] if hidden != n_in else []
    layers.append(conv_bn(hidden, hidden, kernel, stride, groups=hidden, act=act))
    if squeeze:
        layers.append(squeeze(hidden))
    layers.append(conv_bn(hidden, n_out, 1, act=None))
    branch = nn.Sequential(*layers)
    return Residual(branch) if stride == 1 and n_in == n_out else branch


def mobilenet_v2():
    layers, n = [conv_bn(3, 32, 3, 2, act=nn.ReLU6)], 32
    for t, c, repeat, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                 (6, 160, 3, 2), (6, 320, 1, 1)]:
        for k in range(repeat):
            layers.append(inverted(n, c, 3, stride if k == 0 else 1, n * t, nn.ReLU6))
            n = c
    return classifier([*layers, conv_bn(n, 1280, 1, act=nn.ReLU6)], 1280)


class Squeeze(nn.Module):
    def __init__(self, n, hidden, act, gate):
        super().__init__()
        self.down, self.up, self.act, self.gate = nn.Conv2d(n, hidden, 1), nn.Conv2d(hidden, n, 1), act(), gate()

    def forward(self, x):
        return x * self.gate(self.up(self.act(self.down(F.adaptive_avg_pool2d(x, 1)))))


def mobilenet_v3():
    layers, n = [conv_bn(3, 16, 3, 2, act=nn.Hardswish)], 16
    rows = [(3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2), (5, 240, 40, 1, 1, 1),
            (5, 240, 40, 1, 1, 1), (5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1), (5, 288, 96, 1, 1, 2),
            (5, 576, 96, 1, 1, 1), (5, 576, 96, 1, 1, 1)]
    for kernel, hidden, c, has_squeeze, is_hard, stride in rows:
        squeeze = (lambda h: Squeeze(h, max(8, h // 4 // 8 * 8), nn.ReLU, nn.Hardsigmoid)) if has_squeeze else None
        layers.append(inverted(n, c, kernel, stride, hidden, nn.Hardswish if is_hard else nn.ReLU, squeeze))
        n = c
    features = [*layers, conv_bn(n, 576, 1, act=nn.Hardswish)]
    return nn.Sequential(*features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(576, 1024), nn.Hardswish(),
                         nn.Linear(1024, 1000))


def efficientnet_b0():
    layers, n = [conv_bn(3, 32, 3, 2, act=nn.SiLU)], 32
    for t, c, repeat, stride, kernel in [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
                                         (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)]:
        for k in range(repeat):
            squeeze = lambda h, n=n: Squeeze(h, max(1, n // 4), nn.SiLU, nn.Sigmoid)
            layers.append(inverted(n, c, kernel, stride if k == 0 else 1, n * t, nn.SiLU, squeeze))
            n = c
    return classifier([*layers, conv_bn(n, 1280, 1, act=nn.SiLU)], 1280)


class Shuffle(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        half = n_out // 2
        self.stride = stride
        first = n_in if stride > 1 else half
        self.left = nn.Sequential(conv_bn(n_in, n_in, 3, 2, n_in, None), conv_bn(n_in, half, 1)) if stride > 1 else None
        self.right = nn.Sequential(
            conv_bn(first, half, 1), conv_bn(half, half, 3, stride, half, None), conv_bn(half, half, 1))

    def forward(self, x):
        a, b = (self.left(x), x) if self.left else x.chunk(2, 1)
        x = torch.cat([a, self.right(b)], 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def shufflenet_v2():
    layers, n = [conv_bn(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)], 24
    for c, repeat in [(116, 4), (232, 8), (464, 4)]:
        for k in range(repeat):
            layers.append(Shuffle(n, c, 2 if k == 0 else 1))
            n = c
    return classifier([*layers, conv_bn(n, 1024, 1)], 1024)


class Dense(nn.Module):
    def __init__(self, n, growth=32):
        super().__init__()
        self.body = nn.Sequential(nn.BatchNorm2d(n), nn.ReLU(), conv_bn(n, 4 * growth, 1),
                                  nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False))

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


def densenet121():
    layers, n = [conv_bn(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for i, depth in enumerate([6, 12, 24, 16]):
        for _ in range(depth):
            layers.append(Dense(n))
            n += 32
        if i < 3:
            layers += [nn.BatchNorm2d(n), nn.ReLU(), nn.Conv2d(n, n // 2, 1, bias=False), nn.AvgPool2d(2)]
            n //= 2
    return classifier([*layers, nn.BatchNorm2d(n), nn.ReLU()], n)


class Fire(nn.Module):
    def __init__(self, n, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(n, squeeze, 1)
        self.small, self.large = nn.Conv2d(squeeze, expand, 1), nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.small(x)), F.relu(self.large(x))], 1)


def squeezenet():
    pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), Fire(64, 16, 64), Fire(128, 16, 64), pool(), Fire(128, 32, 128),
        Fire(256, 32, 128), pool(), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
        nn.Dropout(0.5), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )


def vgg11():
    layers, n = [], 3
    for c in [64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0]:
        layers += [nn.Conv2d(n, c, 3, padding=1), nn.ReLU()] if c else [nn.MaxPool2d(2)]
        n = c or n
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1024), nn.ReLU(), nn.Dropout(),
                         nn.Linear(1024, 1000))


class ChannelNorm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNext(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(n, n, 7, padding=3, groups=n), nn.LayerNorm(n, eps=1e-6)
        self.up, self.down, self.scale = nn.Linear(n, 4 * n), nn.Linear(4 * n, n), nn.Parameter(torch.full((n, 1, 1), 0.1))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + self.scale * self.down(F.gelu(self.up(y))).permute(0, 3, 1, 2)


def convnext_t():
    layers, n = [nn.Conv2d(3, 96, 4, 4), ChannelNorm(96, eps=1e-6)], 96
    for i, depth in enumerate([3, 3, 9, 3]):
        if i > 0:
            layers += [ChannelNorm(n, eps=1e-6), nn.Conv2d(n, 2 * n, 2, 2)]
            n *= 2
        layers += [ConvNext(n) for _ in range(depth)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(n), nn.Linear(n, 1000))


class Attention(nn.Module):
    def __init__(self, n, n_heads):
        super().__init__()
        self.n_heads, self.size = n_heads, n // n_heads
        self.q, self.k, self.v, self.out = (nn.Linear(n, n) for _ in range(4))

    def forward(self, x, mask=None):
        b, t, n = x.shape
        q, k, v = (p(x).view(b, t, self.n_heads, self.size).transpose(1, 2) for p in (self.q, self.k, self.v))
        scores = q @ k.transpose(2, 3) / self.size**0.5
        if mask is not None:
            scores = scores + mask
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, n))


class Layer(nn.Module):
    """A transformer's layer; normalised before (ViT) or behind (BERT)."""

    def __init__(self, n, n_heads, before):
        super().__init__()
        self.attention, self.before = Attention(n, n_heads), before
        self.norm1, self.norm2 = nn.LayerNorm(n), nn.LayerNorm(n)
        self.up, self.down = nn.Linear(n, 4 * n), nn.Linear(4 * n, n)

    def forward(self, x, mask=None):
        if self.before:
            x = x + self.attention(self.norm1(x), mask)
            return x + self.down(F.gelu(self.up(self.norm2(x))))
        x = self.norm1(x + self.attention(x, mask))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class Vit(nn.Module):
    def __init__(self, n=192, depth=6, n_heads=3, size=64, patch=8):
        super().__init__()
        self.patches = nn.Conv2d(3, n, patch, patch)
        self.first = nn.Parameter(torch.randn(1, 1, n) * 0.02)
        self.places = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, n) * 0.02)
        self.layers = nn.ModuleList(Layer(n, n_heads, True) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(n), nn.Linear(n, 100)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.first.expand(x.shape[0], -1, -1), x], 1) + self.places
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, 0])


class Bert(nn.Module):
    def __init__(self, n=384, depth=6, n_heads=12, n_words=5000, n_places=128):
        super().__init__()
        self.words, self.places, self.kinds = nn.Embedding(n_words, n), nn.Embedding(n_places, n), nn.Embedding(2, n)
        self.norm = nn.LayerNorm(n)
        self.layers = nn.ModuleList(Layer(n, n_heads, False) for _ in range(depth))
        self.pool, self.head = nn.Linear(n, n), nn.Linear(n, 2)

    def forward(self, input_ids, attention_mask):
        places = torch.arange(input_ids.shape[1]).unsqueeze(0)
        x = self.norm(self.words(input_ids) + self.places(places) + self.kinds.weight[0])
        mask = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * -10000.0
        for layer in self.layers:
            x = layer(x, mask)
        return self.head(torch.tanh(self.pool(x[:, 0])))


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.body = kind(40, 64, batch_first=True, **options)
        self.head = nn.Linear(64 * (2 if options.get("bidirectional") else 1), 12)

    def forward(self, x):
        return self.head(self.body(x)[0][:, -1])


def image(size, n=3):
    return lambda: (torch.randn(2, n, size, size),)


# Name: how it is built, an example of its inputs, their names, which of their dimensions are free.
NCHW = {0: "batch", 2: "height", 3: "width"}
MODELS = {
    "lenet": (lenet, image(28, 1), {"image": {0: "batch"}}),
    "resnet18": (lambda: resnet([2, 2, 2, 2], False), image(64), {"image": NCHW}),
    "resnet50": (lambda: resnet([3, 4, 6, 3], True), image(64), {"image": NCHW}),
    "mobilenet_v2": (mobilenet_v2, image(64), {"image": NCHW}),
    "mobilenet_v3": (mobilenet_v3, image(64), {"image": NCHW}),
    "efficientnet_b0": (efficientnet_b0, image(64), {"image": NCHW}),
    "shufflenet_v2": (shufflenet_v2, image(64), {"image": NCHW}),
    "densenet121": (densenet121, image(64), {"image": NCHW}),
    "squeezenet": (squeezenet, image(64), {"image": NCHW}),
    "vgg11": (vgg11, image(64), {"image": NCHW}),
    "convnext_t": (convnext_t, image(64), {"image": NCHW}),
    "vit": (Vit, image(64), {"image": {0: "batch"}}),
    "bert6": (
        Bert,
        lambda: (torch.randint(0, 5000, (2, 32)), torch.ones(2, 32, dtype=torch.int64)),
        {"input_ids": {0: "batch", 1: "time"}, "attention_mask": {0: "batch", 1: "time"}},
    ),
    "lstm": (lambda: Recurrent(nn.LSTM, num_layers=2), lambda: (torch.randn(2, 20, 40),), {"x": {0: "batch", 1: "time"}}),
    "gru": (
        lambda: Recurrent(nn.GRU, bidirectional=True),
        lambda: (torch.randn(2, 20, 40),),
        {"x": {0: "batch", 1: "time"}},
    ),
}
OPSETS = {"bert6": 14, "vit": 17, "mobilenet_v3": 13, "efficientnet_b0": 11}


def build(name):
    """The module, ready for inference, with statistics that are not 0 and 1."""
    torch.manual_seed(sum(map(ord, name)))
    module = MODELS[name][0]().eval()
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(m.weight, 0.8, 1.2)
            nn.init.normal_(m.bias, 0, 0.1)
        elif isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
    return module


def export(name, path):
    _, example, inputs = MODELS[name]
    module, args = build(name), example()
    axes = {**inputs, "output": {0: "batch"}}
    beside = path + ".part"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, args, beside, input_names=list(inputs), output_names=["output"], dynamic_axes=axes,
                          opset_version=OPSETS.get(name, 17), dynamo=False)
    os.rename(beside, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    for name in options.names or MODELS:
        path = os.path.join(options.folder, name + ".onnx")
        if not os.path.exists(path):
            export(name, path)
        print(path)


if __name__ == "__main__":
    sys.exit(main())
