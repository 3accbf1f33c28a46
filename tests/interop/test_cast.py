# SPDX-License-Identifier: Apache-2.0
"""`heft convert --dtype` beside the conversions of numpy and ml_dtypes."""
import warnings

import ml_dtypes
import numpy
import pytest

from peers import DTYPES, heft, random, random_array, read, write

# NaNs among random bits.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")

FLOATS = ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"]
INTEGERS = ["U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64"]
FINITE_TARGETS = ("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ")


def cast(tmp_path, source, values, target):
    """By heft; gives an array of the target's type."""
    write(tmp_path / "in.safetensors", {"w": (source, values)})
    heft("convert", "-f", tmp_path / "in.safetensors", tmp_path / "out.safetensors", "--dtype-of", f"*={target}")
    dtype, shape, data = read(tmp_path / "out.safetensors")["w"]
    assert (dtype, shape) == (target, values.shape)
    return numpy.frombuffer(data, DTYPES[target][1]).reshape(shape)


def floats(random, source):
    """Random bits, random sizes, and what lies on and beside the places where rounding turns."""
    dtype = DTYPES[source][1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scaled = random.standard_normal(4000) * 2.0 ** random.integers(-30, 20, 4000)
        halves = numpy.arange(-600, 600) / 16
        values = numpy.concatenate([scaled, halves, [0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan]]).astype(dtype)
    return numpy.concatenate([random_array(random, source, (4000,)), values])


@pytest.mark.parametrize("target", FLOATS)
@pytest.mark.parametrize("source", FLOATS)
def test_floats_become_other_floats_as_ml_dtypes_rounds_them(random, tmp_path, source, target):
    values = floats(random, source)
    got = cast(tmp_path, source, values, target)
    # Through F64, which holds every one of these types, so that rounding happens once.
    wide = values.astype(numpy.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = wide.astype(DTYPES[target][1])
        if target in FINITE_TARGETS and source != target:
            # heft saturates, as ONNX does; ml_dtypes gives infinity or NaN.
            limit = float(ml_dtypes.finfo(DTYPES[target][1]).max)
            over = ~numpy.isnan(wide) & ~numpy.isfinite(want.astype(numpy.float64))
            want = numpy.where(over, (numpy.sign(wide) * limit).astype(DTYPES[target][1]), want)
    got, want = got.astype(numpy.float64), want.astype(numpy.float64)
    same = (got == want) & (numpy.signbit(got) == numpy.signbit(want)) | numpy.isnan(got) & numpy.isnan(want)
    wrong = numpy.flatnonzero(~same)
    assert wrong.size == 0, [(wide[i], got[i], want[i]) for i in wrong[:5]]


@pytest.mark.parametrize("target", FLOATS[:4])
@pytest.mark.parametrize("source", INTEGERS)
def test_integers_become_floats_rounded_once(random, tmp_path, source, target):
    values = random_array(random, source, (4000,))
    got = cast(tmp_path, source, values, target)
    if target in ("F64", "F32"):
        want = values.astype(DTYPES[target][1])
    else:
        # By way of a wider type: correct where no bit is lost on the way, that is below 2^53.
        keep = numpy.abs(values.astype(object)) < 1 << 53
        values, got = values[keep], got[keep]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = values.astype(numpy.float64).astype(DTYPES[target][1])
    assert numpy.array_equal(got, want)


@pytest.mark.parametrize("target", INTEGERS)
@pytest.mark.parametrize("source", FLOATS[:4])
def test_floats_become_integers_by_truncation_within_the_range(random, tmp_path, source, target):
    values = floats(random, source)
    got = cast(tmp_path, source, values, target)
    limits = numpy.iinfo(DTYPES[target][1])

    def truncated(x):
        x = float(x)
        if x != x:
            return 0
        if x in (numpy.inf, -numpy.inf):
            return int(limits.max if x > 0 else limits.min)
        return min(max(int(x), int(limits.min)), int(limits.max))

    assert [int(x) for x in got] == [truncated(x) for x in values]


@pytest.mark.parametrize("source", FLOATS + INTEGERS)
def test_a_cast_to_the_same_dtype_keeps_every_bit(random, tmp_path, source):
    values = random_array(random, source, (1000,))
    assert cast(tmp_path, source, values, source).tobytes() == values.tobytes()


def test_dtype_casts_only_what_floats(random, tmp_path):
    arrays = {
        "w": ("F32", random_array(random, "F32", (8,))),
        "ids": ("I64", random_array(random, "I64", (8,))),
        "mask": ("BOOL", random_array(random, "BOOL", (8,))),
    }
    write(tmp_path / "in.safetensors", arrays)
    heft("convert", tmp_path / "in.safetensors", tmp_path / "out.safetensors", "--dtype", "BF16")
    assert {name: t[0] for name, t in read(tmp_path / "out.safetensors").items()} == {
        "w": "BF16",
        "ids": "I64",
        "mask": "BOOL",
    }
