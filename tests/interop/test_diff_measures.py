# SPDX-License-Identifier: Apache-2.0
"""The counts and measures of `heft diff` beside NumPy's in float64, over random bits of every dtype and over every
pair of real dtypes."""
import json
import warnings

import numpy
import pytest

from peers import DTYPES, heft, random, random_array, write

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

REALS = [dtype for dtype in DTYPES if dtype != "C64"]
LONG = ("I64", "U64")
SHAPE = (37, 131)


def diff(a, b, *options, status=1):
    return json.loads(heft("diff", "--json", a, b, *options, status=status))


def wide(values):
    """In float64 or complex128: without loss but for integers of 64 bits."""
    return values.astype(numpy.complex128 if values.dtype.kind == "c" else numpy.float64)


def check(found, a, b, is_different):
    x, y = wide(a).ravel(), wide(b).ravel()
    keep = numpy.isfinite(x) & numpy.isfinite(y)
    assert found["n_compared"] == a.size
    assert found["n_different"] == is_different.sum()
    assert found["n_not_finite"] == (is_different.ravel() & ~keep).sum()
    x, y = x[keep], y[keep]
    d = numpy.abs(x - y)
    x_norm, y_norm = numpy.linalg.norm(x), numpy.linalg.norm(y)
    want = {
        "max_abs": d.max(initial=0),
        "rms": numpy.sqrt(numpy.mean(d**2)) if d.size else 0,
        "relative": numpy.linalg.norm(d) / x_norm if x_norm else numpy.inf if d.any() else 0,
    }
    for key, value in want.items():
        assert float(found[key]) == pytest.approx(value, rel=1e-12, abs=0), key
    cosine = numpy.vdot(x, y).real / (x_norm * y_norm) if x_norm and y_norm else float(x_norm == y_norm)
    assert found["cosine"] == pytest.approx(cosine, rel=0, abs=1e-12)


def bits(values):
    return numpy.ascontiguousarray(values).view(numpy.uint8).reshape(values.size, values.dtype.itemsize)


def some(random, dtype, shape):
    """Random bits; of F64, whose squares would leave its range, plain numbers and all that is special."""
    if dtype != "F64":
        return random_array(random, dtype, shape).copy()
    values = random.standard_normal(shape)
    special = numpy.repeat([numpy.nan, numpy.inf, -numpy.inf, -0.0, 0.0], 10)
    values.flat[random.integers(0, values.size, special.size)] = special
    return values


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_dtype(random, tmp_path, dtype):
    a = some(random, dtype, SHAPE)
    b = a.copy()
    changed = random.integers(0, a.size, a.size // 3)
    b.flat[changed] = some(random, dtype, (changed.size,))
    write(tmp_path / "a.safetensors", {"w": (dtype, a)})
    write(tmp_path / "b.safetensors", {"w": (dtype, b)})
    (found,) = diff(tmp_path / "a.safetensors", tmp_path / "b.safetensors")["changed"]
    assert (found["name"], found["reason"], found["dtype"]) == ("w", "values", [dtype, dtype])
    check(found, a, b, (bits(a) != bits(b)).any(axis=1))


def differ(a, b):
    """By value: Python compares its numbers without loss."""
    if not {a.dtype.name, b.dtype.name} & {"int64", "uint64"}:
        x, y = wide(a).ravel(), wide(b).ravel()
        return (x != y) & ~(numpy.isnan(x) & numpy.isnan(y))
    x, y = (v.ravel() if v.dtype.kind in "iu" else wide(v).ravel() for v in (a, b))
    return numpy.array([p != q and not (p != p and q != q) for p, q in zip(x.tolist(), y.tolist())])


@pytest.mark.parametrize("dtype", REALS)
def test_two_dtypes(random, tmp_path, dtype):
    a, b = {}, {}
    for other in REALS:
        if other == dtype:
            continue
        a[other] = (dtype, some(random, dtype, SHAPE))
        values = some(random, other, SHAPE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Half of them as near as the other dtype comes, which is sometimes the same value.
            near = a[other][1].astype(numpy.float32 if dtype not in (*LONG, "F64") else numpy.float64)
            values.flat[2000:] = near.astype(DTYPES[other][1]).flat[2000:]
        b[other] = (other, values)
    write(tmp_path / "a.safetensors", a)
    write(tmp_path / "b.safetensors", b)
    found = diff(tmp_path / "a.safetensors", tmp_path / "b.safetensors")["changed"]
    assert len(found) == len(REALS) - 1
    for change in found:
        x, y = a[change["name"]][1], b[change["name"]][1]
        assert (change["reason"], change["dtype"]) == ("dtype", [dtype, change["name"]])
        check(change, x, y, differ(x, y))


def test_equal_files_may_have_other_metadata_and_order(random, tmp_path):
    arrays = {dtype: (dtype, random_array(random, dtype, (5, 7))) for dtype in DTYPES}
    write(tmp_path / "a.safetensors", arrays, {"made": "here"})
    write(tmp_path / "b.safetensors", dict(reversed(arrays.items())), {"made": "there"})
    found = diff(tmp_path / "a.safetensors", tmp_path / "b.safetensors", status=0)
    assert found["equal"] and not found["changed"] and found["n_equal"] == len(arrays)
    assert found["metadata"] == {"equal": False, "only_in_a": [], "only_in_b": [], "changed": ["made"]}
    assert heft("diff", "-q", tmp_path / "a.safetensors", tmp_path / "b.safetensors") == ""
