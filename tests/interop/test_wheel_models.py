# SPDX-License-Identifier: Apache-2.0
"""`heft run` against onnxruntime on models of wheels, where tools/test.sh --long has fetched them: the text recognition of
rapidocr-onnxruntime (Apache-2.0) and the content types of magika (Apache-2.0). Unpacked, never installed.

What differs by more than 1e-4 of the output's largest magnitude is wrong: both compute in F32, in different orders.
"""

import os
import pathlib
import zipfile

import numpy
import pytest

from peers import HEFT, heft

onnxruntime = pytest.importorskip("onnxruntime")
onnxruntime.set_default_logger_severity(3)

FOLDER = pathlib.Path(os.environ.get("HEFT_TEST_WHEELS", "/nonexistent"))


def member(wheel, ending, folder):
    """The file of that ending in the wheel of that name, unpacked."""
    found = sorted(FOLDER.glob(f"{wheel}-*.whl"))
    if not found:
        pytest.skip(f"no wheel of {wheel}: tools/test.sh --long fetches it")
    with zipfile.ZipFile(found[-1]) as file:
        (name,) = [name for name in file.namelist() if name.endswith(ending)]
        return pathlib.Path(file.extract(name, folder))


# --- inputs of the kind that each model is for ---


def page(rng, n, height, width):
    """Images with lines of dark strokes on light paper, as text is, of which the parts are random; in [0, 1]."""
    images = numpy.full((n, height, width, 3), 0.9, numpy.float32)
    for image in images:
        image += rng.normal(0, 0.02, image.shape).astype(numpy.float32)
        for top in range(6, height - 20, 32):
            for left in range(8, width - 16, 12):
                if rng.random() < 0.8:
                    column = left + rng.integers(0, 6)
                    image[top : top + 20, column : column + 2] = 0.1
                    row = top + rng.integers(0, 18)
                    image[row : row + 2, left : left + 9] = 0.1
    return images.clip(0, 1)


def scaled(images, mean, std):
    """To channels first, normalised."""
    images = (images - numpy.float32(mean)) / numpy.float32(std)
    return numpy.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=numpy.float32)


def detected(rng, n, height, width):
    return scaled(page(rng, n, height, width), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def recognised(rng, n, height, width):
    return scaled(page(rng, n, height, width), 0.5, 0.5)


def tokens(rng, n):
    """First and last 1024 bytes of files; 256 stands where a file has no more."""
    kinds = [
        rng.integers(0, 256, 2048),
        numpy.frombuffer((b"#include <stdio.h>\n\nint main(void)\n{\n\treturn 0;\n}\n" * 41)[:2048], numpy.uint8),
        numpy.frombuffer((b'{"name": "x", "values": [1, 2.5, null]}\n' * 52)[:2048], numpy.uint8),
        rng.integers(32, 127, 2048),
    ]
    rows = numpy.stack([kinds[i % len(kinds)] for i in range(n)]).astype(numpy.int32)
    rows[0, 700:1024] = 256
    return rows


RAPIDOCR, MAGIKA = "rapidocr_onnxruntime", "magika"
MODELS = {
    "detection": (RAPIDOCR, "ch_PP-OCRv4_det_infer.onnx", "x", lambda rng: detected(rng, 1, 320, 416)),
    "detection-of-two": (RAPIDOCR, "ch_PP-OCRv4_det_infer.onnx", "x", lambda rng: detected(rng, 2, 96, 160)),
    "direction": (RAPIDOCR, "ch_ppocr_mobile_v2.0_cls_infer.onnx", "x", lambda rng: recognised(rng, 3, 48, 192)),
    "recognition": (RAPIDOCR, "ch_PP-OCRv4_rec_infer.onnx", "x", lambda rng: recognised(rng, 2, 48, 320)),
    "recognition-of-long-lines": (RAPIDOCR, "ch_PP-OCRv4_rec_infer.onnx", "x", lambda rng: recognised(rng, 1, 48, 611)),
    "content-types": (MAGIKA, "/model.onnx", "bytes", lambda rng: tokens(rng, 5)),
}


@pytest.fixture(params=MODELS)
def model(request, tmp_path):
    wheel, ending, name, make = MODELS[request.param]
    return member(wheel, ending, tmp_path), name, make(numpy.random.default_rng(7))


def run_heft(model, folder, *options):
    path, name, array = model
    numpy.save(folder / "in.npy", array)
    heft("run", path, "--input", f"{name}={folder / 'in.npy'}", "-o", folder / "out.npz", "-f", *options)
    with numpy.load(folder / "out.npz") as file:
        return {name: file[name] for name in file.files}


def test_a_model_of_a_wheel_computes_what_onnxruntime_does(model, tmp_path):
    path, name, array = model
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    wanted = dict(zip([o.name for o in session.get_outputs()], session.run(None, {name: array})))
    found = run_heft(model, tmp_path)
    assert set(found) == set(wanted)
    for output, expected in wanted.items():
        assert found[output].shape == expected.shape and found[output].dtype == expected.dtype, output
        assert numpy.isfinite(expected).all() and numpy.ptp(expected) > 0, output
        most, apart = numpy.abs(expected).max(), numpy.abs(found[output] - expected).max()
        print(f"{path.name} {output} {expected.shape}: {apart:.3g} of {most:.3g}")
        assert apart <= 1e-4 * most, output


def test_threads_and_instructions_change_no_bit_of_it(model, tmp_path):
    first = {name: a.tobytes() for name, a in run_heft(model, tmp_path, "-j1").items()}
    for options in (["-j3"], ["-j3", "--cpu=scalar"]):
        assert {name: a.tobytes() for name, a in run_heft(model, tmp_path, *options).items()} == first, options


def test_the_command_is_the_one_that_was_built():
    assert pathlib.Path(HEFT).exists()
