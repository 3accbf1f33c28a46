# SPDX-License-Identifier: Apache-2.0
"""`heft run` against onnxruntime: real models, and exports of well-known shapes with random weights.

What differs by more than 1e-4 of the output's largest magnitude is wrong: both compute in F32, in different orders.
"""

import os
import pathlib
import re
import subprocess
import sys

import numpy
import pytest

from peers import HEFT, REAL, heft

onnxruntime = pytest.importorskip("onnxruntime")
onnxruntime.set_default_logger_severity(3)

HERE = pathlib.Path(__file__).parent
MODELS = pathlib.Path(os.environ.get("HEFT_BUILD", ".")) / "models"
NAMES = re.findall(r'^    "(\w+)": \(', (HERE / "export_models.py").read_text(), re.MULTILINE)
DTYPES = {"tensor(float)": numpy.float32, "tensor(int64)": numpy.int64, "tensor(uint8)": numpy.uint8}
# Free dimensions by name, where 2 would not do.
SIZES = {"height": 64, "width": 64, "time": 24, "unk__1095": 1}


def arrays(session, seed=1, pins=()):
    """Random inputs of the shapes that a model asks for."""
    rng = numpy.random.default_rng(seed)
    inputs = {}
    for value in session.get_inputs():
        if value.name in pins:
            continue
        shape = [d if isinstance(d, int) else SIZES.get(d, 2) for d in value.shape]
        dtype = DTYPES[value.type]
        if dtype == numpy.int64:
            inputs[value.name] = rng.integers(0, 2 if "mask" in value.name else 1000, shape)
        else:
            inputs[value.name] = (rng.standard_normal(shape) * 0.5).astype(dtype)
    return inputs


def run_heft(path, inputs, folder, *options):
    """The outputs by name, and how they were saved."""
    given = []
    for i, (name, array) in enumerate(inputs.items()):
        numpy.save(folder / f"in{i}.npy", array)
        given += ["--input", f"{name}={folder / f'in{i}.npy'}"]
    out = folder / "out.npz"
    heft("run", path, *given, "-o", out, "-f", *options)
    with numpy.load(out) as file:
        return {name: file[name] for name in file.files}


def check(path, tmp_path, inputs=None, pins=None):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pins = pins or {}
    inputs = inputs or arrays(session, pins=pins)
    options = [f"--pin={name}={value}" for name, value in pins.items()]
    typed = {name: numpy.array(value, dtype=numpy.int64) for name, value in pins.items()}
    wanted = dict(zip([o.name for o in session.get_outputs()], session.run(None, {**inputs, **typed})))
    found = run_heft(path, inputs, tmp_path, *options)
    assert set(found) == set(wanted)
    for name, expected in wanted.items():
        assert found[name].shape == expected.shape and found[name].dtype == expected.dtype, name
        most = numpy.abs(expected).max(initial=0)
        assert numpy.abs(found[name] - expected).max(initial=0) <= 1e-4 * most, name
        assert numpy.isfinite(expected).all() and (expected.size < 2 or numpy.ptp(expected) > 0), name


@pytest.fixture(scope="module")
def exported():
    if os.environ.get("HEFT_TEST_TORCH") != "1":
        pytest.importorskip("torch")
    run = subprocess.run([sys.executable, HERE / "export_models.py", MODELS], capture_output=True, text=True)
    if run.returncode != 0 and "No module named 'torch'" in run.stderr:
        pytest.skip("torch is not installed")
    assert run.returncode == 0, run.stderr
    return MODELS


@pytest.mark.parametrize("name", NAMES)
def test_an_exported_model_computes_what_onnxruntime_does(exported, tmp_path, name):
    check(exported / f"{name}.onnx", tmp_path)


def test_a_row_does_not_depend_on_the_batch_around_it(exported, tmp_path):
    image = numpy.random.default_rng(3).standard_normal((5, 3, 64, 64)).astype(numpy.float32)
    path = exported / "mobilenet_v2.onnx"
    whole = run_heft(path, {"image": image}, tmp_path)["output"]
    for i in range(5):
        alone = run_heft(path, {"image": image[i : i + 1]}, tmp_path)["output"]
        assert alone.tobytes() == whole[i : i + 1].tobytes()


REAL_MODELS = {
    "face-detector/RFB-320": {},
    "face-detector/RFB-320_bn-folded": {},
    "face-detector/slim-320": {},
    "face-detector/slim-320_bn-folded": {},
    "basic-pitch/nmp": {},
    "dtln/model_1": {},
    "dtln/model_2": {},
    "silero-vad/silero_vad": {"sr": 16000},
}


@pytest.mark.parametrize("name", REAL_MODELS)
def test_a_real_model_computes_what_onnxruntime_does(tmp_path, name):
    path = REAL / f"{name}.onnx"
    if not path.exists():
        pytest.skip("no real weights beside the checkout")
    inputs = None
    if name.startswith("silero"):
        rng = numpy.random.default_rng(2)
        inputs = {
            "input": (rng.standard_normal((2, 576)) * 0.1).astype(numpy.float32),
            "state": rng.standard_normal((2, 2, 128)).astype(numpy.float32),
        }
    check(path, tmp_path, inputs, REAL_MODELS[name])


# The command as other compilers built it at other levels: tools/test.sh names them, as PATH names folders.
OTHERS = [command for command in os.environ.get("HEFT_OTHERS", "").split(os.pathsep) if command]


def saved(command, path, given, out, *options):
    subprocess.run([command, "run", path, *given, "-q", "-f", "-o", out, *options], check=True)
    return out.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_compilers_threads_and_instructions_change_no_bit(exported, tmp_path, name):
    path = exported / f"{name}.onnx"
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = []
    for key, value in arrays(session).items():
        numpy.save(tmp_path / f"{key}.npy", value[:1])
        given.append(f"--input={key}={tmp_path / f'{key}.npy'}")
    first = saved(HEFT, path, given, tmp_path / "first.safetensors", "-j1")
    for command in OTHERS or [HEFT]:
        for options in (["-j1"], ["-j3"], ["-j1", "--cpu=scalar"], ["-j3", "--cpu=scalar"]):
            assert saved(command, path, given, tmp_path / "out.safetensors", *options) == first, (command, options)


def test_the_command_is_the_one_that_was_built():
    assert pathlib.Path(HEFT).exists()
