# SPDX-License-Identifier: Apache-2.0
"""Real PyTorch and ONNX files, where they lie beside the checkout: what different tools wrote of one model is equal."""

import hashlib

import numpy
import pytest

from peers import REAL, digest, heft, in_words, inspect, told

FACES, VAD, DTLN = REAL / "face-detector", REAL / "silero-vad", REAL / "dtln"
FILES = sorted(p for suffix in ("*.onnx", "*.pth", "*.th", "*.jit") for p in REAL.glob(f"*/{suffix}"))

pytestmark = pytest.mark.skipif(not FILES, reason="no real weights beside the checkout")


def ident(path):
    return path.name


def loaded(path, tmp_path, *options):
    """{name: array} by way of an .npz."""
    out = tmp_path / f"{path.name}.npz"
    heft("convert", "-f", path, out, "--weights-only", "--no-metadata", *options)
    with numpy.load(out) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.parametrize("path", FILES, ids=ident)
def test_a_real_file_is_read_and_kept(tmp_path, path):
    heft("verify", path)
    kept = tmp_path / "kept.heft"
    heft("convert", path, kept, "--compress=fast")
    heft("verify", kept)
    assert told(kept) == told(path) and digest(kept) == digest(path)
    heft("diff", path, kept)


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".onnx"], ids=ident)
def test_a_real_onnx_model_is_what_onnx_says_and_comes_back(tmp_path, path):
    onnx = pytest.importorskip("onnx")
    from onnx_peer import open_model, tensors_of_model

    model = open_model(path)
    tensors = tensors_of_model(model)
    assert told(path) == in_words(tensors)
    heft("convert", path, tmp_path / "kept.heft")
    heft("convert", tmp_path / "kept.heft", tmp_path / "back.onnx")
    back = open_model(tmp_path / "back.onnx")
    assert tensors_of_model(back) == tensors
    assert len(back.graph.node) == len(model.graph.node) and back.graph.output == model.graph.output
    if all(t.HasField("raw_data") for t in model.graph.initializer) and path.parent != VAD:
        assert (tmp_path / "back.onnx").read_bytes() == path.read_bytes()
    onnx.checker.check_model(str(tmp_path / "back.onnx"))
    heft("convert", path, tmp_path / "out.onnx", "--external")
    assert tensors_of_model(onnx.load(str(tmp_path / "out.onnx"))) == tensors


@pytest.mark.parametrize(("name", "n"), [("RFB-320", 244), ("slim-320", 184)])
def test_the_face_detector_has_the_same_tensors_in_both_formats(tmp_path, name, n):
    torch_file, onnx_file = told(FACES / f"{name}.pth"), told(FACES / f"{name}.onnx")
    assert len(torch_file) == n and set(torch_file) <= set(onnx_file)
    # The exporter made three constants of code, the places of the boxes.
    constants = [t for t in onnx_file if t not in torch_file]
    assert [t[2:4] for t in constants] == [("F32", (1, 4420, 2))] * 3
    assert heft("diff", "--json", FACES / f"{name}.pth", FACES / f"{name}.onnx", status=1)
    names = [t[1] for t in constants]
    heft("diff", FACES / f"{name}.pth", FACES / f"{name}.onnx", *(word for key in names for word in ("--exclude", key)))
    # The weights of one go into the graph of the other, whose constants stay: it then is the file that it was.
    heft("convert", FACES / f"{name}.pth", tmp_path / "out.onnx", "--into", FACES / f"{name}.onnx")
    assert told(tmp_path / "out.onnx") == onnx_file
    assert (tmp_path / "out.onnx").read_bytes() == (FACES / f"{name}.onnx").read_bytes()


@pytest.mark.parametrize(("name", "n"), [("RFB-320", 35), ("slim-320", 25)])
def test_folding_the_normalisation_gives_the_folded_model(tmp_path, name, n):
    plain, folded = loaded(FACES / f"{name}.pth", tmp_path), loaded(FACES / f"{name}_bn-folded.onnx", tmp_path)
    kernels = {a.tobytes() for a in folded.values() if a.ndim == 4}
    names = list(plain)
    n_found = 0
    for i, key in enumerate(names):
        if key.endswith("running_var"):
            # A convolution stands in front of its normalisation: weight, bias, mean, variance.
            kernel, gamma = plain[names[i - 4]], plain[names[i - 3]]
            assert kernel.ndim == 4 and names[i - 3] == key.replace("running_var", "weight")
            factor = gamma / numpy.sqrt(plain[key] + numpy.float32(1e-5))
            n_found += (kernel * factor[:, None, None, None]).astype("f4").tobytes() in kernels
    assert n_found == n


def test_silero_is_the_same_in_torchscript_and_onnx():
    torch_file, onnx_file = told(VAD / "silero_vad.jit"), told(VAD / "silero_vad.onnx")
    weights = [t for t in torch_file if not t[1].startswith("constants.")]
    assert len(weights) == 32
    assert {t[2:] for t in weights if 0 not in t[3]} == {t[2:] for t in onnx_file}
    assert sum(0 in t[3] for t in weights) == 2


def test_resnet_has_97_tensors_under_module():
    path = REAL / "resnet-cifar10" / "resnet20-12fca82f.th"
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith("12fca82f")
    found = told(path)
    assert len(found) == 97 and all(space == "weights" and name.startswith("module.") for space, name, *_ in found)
    assert ("module.conv1.weight", "F32", (16, 3, 3, 3)) in [t[1:4] for t in found]
    assert inspect(path)["metadata"] == {"best_prec1": pytest.approx(91.78)}


def test_dtln_is_in_typed_fields():
    onnx = pytest.importorskip("onnx")
    from onnx_peer import logical, open_model

    tensors = [t for t in open_model(DTLN / "model_1.onnx").graph.initializer if not t.HasField("raw_data")]
    assert len(tensors) == 24 and onnx
    found = {name: rest for _, name, *rest in told(DTLN / "model_1.onnx")}
    for tensor in tensors:
        assert in_words([("", tensor.name, *logical(tensor))])[0][2:] == tuple(found[tensor.name])


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix in (".pth", ".th", ".jit")], ids=ident)
def test_a_real_pytorch_file_is_what_torch_says_and_is_written_as_one(tmp_path, path):
    torch = pytest.importorskip("torch")
    from torch_peer import logical, tensors_of_value

    out = tmp_path / "out.pt"
    if path.suffix == ".jit":
        state = torch.jit.load(str(path)).state_dict()
        found = {t[1]: t[2:] for t in told(path)}
        for name, tensor in state.items():
            assert found[name] == in_words([("", name, *logical(tensor.detach()))])[0][2:]
        heft("convert", path, out, "--weights-only", "--no-metadata")
    else:
        value = torch.load(path, map_location="cpu", weights_only=True)
        assert told(path) == in_words(tensors_of_value(value))
        heft("convert", path, out)
        back = torch.load(out, weights_only=True, mmap=True)
        assert tensors_of_value(back) == tensors_of_value(value)
        if "state_dict" in value:
            assert {k: v for k, v in back.items() if k != "state_dict"} == {k: v for k, v in value.items() if k != "state_dict"}
    assert digest(out) == digest(path)


@pytest.mark.parametrize("path", FILES, ids=ident)
def test_a_real_model_goes_around_the_ring(tmp_path, path):
    before, want = path, digest(path)
    for i, extension in enumerate(["heft", "pt", "onnx", "npz", "safetensors", "heft"]):
        after = tmp_path / f"{i}.{extension}"
        heft("convert", before, after, "--weights-only", "--no-metadata")
        assert digest(after) == want, extension
        before = after
