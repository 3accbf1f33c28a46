# SPDX-License-Identifier: Apache-2.0
"""From PyTorch to ONNX by way of torch's own exporter: tuned weights go into the exported graph, which then computes with them."""

import numpy
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (HEFT_TEST_TORCH=1 tools/test.sh installs it)")
onnx = pytest.importorskip("onnx")

from onnx.reference import ReferenceEvaluator  # noqa: E402

from peers import digest, heft, refused, told  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def convolutions():
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Conv2d(4, 2, 3, bias=False),
        torch.nn.Flatten(),
        torch.nn.Linear(32, 5),
    ).eval(), (1, 3, 8, 8)


class Tokens(torch.nn.Module):
    """Linear layers on three dimensions: the exporter writes their weights transposed, and without names."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(6, 7)
        self.norm = torch.nn.LayerNorm(7)
        self.second = torch.nn.Linear(7, 3, bias=False)

    def forward(self, x):
        return self.second(self.norm(torch.tanh(self.first(x))))


def tokens():
    return Tokens().eval(), (2, 5, 6)


def exported(model, shape, path, **options):
    torch.onnx.export(model, (torch.zeros(shape),), str(path), dynamo=False, **options)
    return path


def plain(model, shape, path):
    """Nothing folded, every parameter by its own name."""
    training = torch.onnx.TrainingMode.PRESERVE
    return exported(model, shape, path, training=training, do_constant_folding=False, keep_initializers_as_inputs=True)


def tuned(make, tmp_path):
    """The same model with other weights, saved by torch."""
    torch.manual_seed(11)
    model, shape = make()
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.25)
    torch.save(model.state_dict(), tmp_path / "tuned.pt")
    return model, shape


def computes_the_same(path, model, shape):
    onnx.checker.check_model(str(path))
    x = torch.rand(shape)
    session = ReferenceEvaluator(str(path))
    found = session.run(None, {session.input_names[0]: x.numpy()})[0]
    with torch.no_grad():
        numpy.testing.assert_allclose(found, model(x).numpy(), rtol=2e-5, atol=1e-5)


def test_a_state_dict_and_its_export_have_the_same_tensors(tmp_path):
    model, shape = convolutions()
    torch.save(model.state_dict(), tmp_path / "in.pt")
    plain(model, shape, tmp_path / "in.onnx")
    both = [{t[1]: t[2:] for t in told(tmp_path / name)} for name in ("in.pt", "in.onnx")]
    both[0].pop("1.num_batches_tracked")
    assert both[0] == both[1]


def test_tuned_weights_go_into_the_exported_graph_by_name(tmp_path):
    plain(*convolutions(), tmp_path / "in.onnx")
    model, shape = tuned(convolutions, tmp_path)
    heft("convert", tmp_path / "tuned.pt", tmp_path / "out.onnx", "--into", tmp_path / "in.onnx")
    computes_the_same(tmp_path / "out.onnx", model, shape)
    heft("convert", tmp_path / "tuned.pt", tmp_path / "kept.heft", "--into", tmp_path / "in.onnx")
    heft("convert", tmp_path / "kept.heft", tmp_path / "again.onnx", "--external")
    computes_the_same(tmp_path / "again.onnx", model, shape)
    assert digest(tmp_path / "again.onnx") == digest(tmp_path / "out.onnx")


def test_transposed_weights_without_names_are_found_by_their_shapes(tmp_path):
    exported(*tokens(), tmp_path / "in.onnx")
    assert any(name.startswith("onnx::MatMul") for _, name, *_ in told(tmp_path / "in.onnx"))
    model, shape = tuned(tokens, tmp_path)
    into = [tmp_path / "tuned.pt", tmp_path / "out.onnx", "--into", tmp_path / "in.onnx"]
    assert "--allow-transpose" in refused("convert", *into, status=2, begins="")
    heft("convert", *into, "--allow-transpose")
    computes_the_same(tmp_path / "out.onnx", model, shape)


def test_weights_that_the_exporter_folded_are_told(tmp_path):
    exported(*convolutions(), tmp_path / "in.onnx")
    tuned(convolutions, tmp_path)
    # The kernel and bias of the first convolution are products: nothing of the state dict is bound to them in silence.
    names = [name for _, name, *_ in told(tmp_path / "in.onnx") if name.startswith("onnx::")]
    said = refused("convert", tmp_path / "tuned.pt", tmp_path / "out.onnx", "--into", tmp_path / "in.onnx", status=2, begins="")
    assert any(name in said for name in names)
