# SPDX-License-Identifier: Apache-2.0
"""`heft diff` beside NumPy in long double, over pairs of dtypes and formats."""
import json
import subprocess

import ml_dtypes
import numpy
import pytest

from peers import DTYPES, HEFT, heft, random, random_array, write

REAL = [name for name in DTYPES if name != "C64"]


def difference(a, b, *options):
    done = subprocess.run([HEFT, "diff", "--json", *map(str, options), a, b], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert found["equal"] == (done.returncode == 0)
    return found


def number(value):
    return numpy.nan if value is None else float(value)


def widened(array):
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        return array.astype(numpy.longdouble)
    if array.dtype.kind == "c":
        return array.astype(numpy.clongdouble)
    wide = array.astype(numpy.float32) if array.dtype.itemsize == 1 or array.dtype.kind == "V" else array
    return wide.astype(numpy.longdouble)


def check(change, a, b):
    """One changed tensor's measures."""
    if a.dtype == b.dtype:
        different = [x != y for x, y in zip(as_bytes(a), as_bytes(b))]
        assert change["n_different"] == sum(different)
    x, y = widened(a).ravel(), widened(b).ravel()
    if a.dtype != b.dtype:
        unequal = (x != y) & ~(numpy.isnan(x) & numpy.isnan(y))
        assert change["n_different"] == numpy.count_nonzero(unequal)
    finite = numpy.isfinite(x) & numpy.isfinite(y)
    assert change["n_compared"] == x.size
    x, y = x[finite], y[finite]
    if x.size == 0:
        return
    distance = numpy.abs(x - y)
    assert number(change["max_abs"]) == pytest.approx(float(distance.max()), rel=1e-12, abs=0)
    assert number(change["rms"]) == pytest.approx(float(numpy.sqrt(numpy.mean(distance**2))), rel=1e-9, abs=0)
    norms = numpy.sqrt(numpy.sum(numpy.abs(x) ** 2) * numpy.sum(numpy.abs(y) ** 2))
    if norms > 0:
        dot = numpy.sum((x * numpy.conj(y)).real if numpy.iscomplexobj(x) else x * y)
        assert number(change["cosine"]) == pytest.approx(float(dot / norms), rel=1e-9, abs=1e-12)


def as_bytes(array):
    data, n = array.tobytes(), array.dtype.itemsize
    return [data[i : i + n] for i in range(0, len(data), n)]


def with_values(random, dtype, shape):
    """Numbers of a size that every dtype has, and no two tensors alike."""
    kind = numpy.dtype(DTYPES[dtype][1])
    if kind.kind == "b":
        return random.integers(0, 2, shape).astype(kind)
    if kind.kind in "iu":
        return random.integers(0, 100, shape).astype(kind)
    if kind.kind == "c":
        return (random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(kind)
    return numpy.abs(random.standard_normal(shape)).astype(kind)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", DTYPES)
def test_measures_are_those_of_numpy(random, tmp_path, dtype):
    a = {f"t{i}": with_values(random, dtype, shape) for i, shape in enumerate([(1,), (7,), (300, 401), (2, 3, 4)])}
    b = {name: array.copy() for name, array in a.items()}
    for array in b.values():
        flat = array.reshape(-1)
        flat[::3] = with_values(random, dtype, flat[::3].shape)
    a["bits"], b["bits"] = (random_array(random, dtype, (3000,)) for _ in range(2))
    a["same"] = b["same"] = random_array(random, dtype, (50,))
    for arrays, name in ((a, "a"), (b, "b")):
        write(tmp_path / f"{name}.safetensors", {key: (dtype, array) for key, array in arrays.items()})
    found = difference(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert {c["name"] for c in found["changed"]} == {name for name in a if a[name].tobytes() != b[name].tobytes()}
    for change in found["changed"]:
        if change["name"] != "bits" or numpy.dtype(DTYPES[dtype][1]).itemsize < 4:
            check(change, a[change["name"]], b[change["name"]])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("other", REAL)
@pytest.mark.parametrize("dtype", ["F32", "BF16", "I64", "U8", "F64", "F8_E4M3"])
def test_different_dtypes_are_compared_after_exact_widening(random, tmp_path, dtype, other):
    if dtype == other:
        pytest.skip("one dtype")
    a, b = with_values(random, dtype, (500,)), with_values(random, other, (500,))
    b[:200] = a[:200].astype(numpy.float32).astype(b.dtype)
    write(tmp_path / "a.safetensors", {"w": (dtype, a)})
    write(tmp_path / "b.safetensors", {"w": (other, b)})
    (change,) = difference(tmp_path / "a.safetensors", tmp_path / "b.safetensors")["changed"]
    assert change["reason"] == "dtype" and change["dtype"] == [dtype, other]
    check(change, a, b)


def test_a_cast_is_told_from_a_change(random, tmp_path):
    array = random.standard_normal(1000).astype("<f4")
    write(tmp_path / "a.safetensors", {"w": ("F32", array)})
    heft("convert", tmp_path / "a.safetensors", tmp_path / "b.heft", "--dtype", "F64")
    (change,) = difference(tmp_path / "a.safetensors", tmp_path / "b.heft")["changed"]
    assert change["reason"] == "dtype" and change["n_different"] == 0 and change["max_abs"] == 0


def test_large_integers_differ_by_one(tmp_path):
    write(tmp_path / "a.safetensors", {"w": ("I64", numpy.array([2**62, 5]))})
    write(tmp_path / "b.safetensors", {"w": ("U64", numpy.array([2**62 + 1, 5], "u8"))})
    (change,) = difference(tmp_path / "a.safetensors", tmp_path / "b.safetensors")["changed"]
    assert change["n_different"] == 1


def test_shapes_and_names(random, tmp_path):
    base = {name: ("F32", random_array(random, "F32", (4, 6))) for name in ("same", "shape", "gone", "moved")}
    other = dict(base)
    other["shape"] = ("F32", random_array(random, "F32", (4, 7)))
    other["new"] = ("F32", random_array(random, "F32", (2,)))
    other["elsewhere"] = other.pop("moved")
    del other["gone"]
    write(tmp_path / "a.safetensors", base)
    write(tmp_path / "b.safetensors", other)
    found = difference(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert sorted(found["only_in_a"]) == ["gone", "moved"] and sorted(found["only_in_b"]) == ["elsewhere", "new"]
    assert [(c["name"], c["reason"]) for c in found["changed"]] == [("shape", "shape")]
    found = difference(tmp_path / "a.safetensors", tmp_path / "b.safetensors", "--by-content")
    assert found["only_in_a"] == ["gone"] and found["only_in_b"] == ["new"]
    assert "moved" in json.dumps(found["renamed"]) and "elsewhere" in json.dumps(found["renamed"])


def test_formats_and_threads_change_nothing(random, tmp_path):
    a, b = ({"w": ("F32", random_array(random, "F32", (1100, 1003)))} for _ in range(2))
    write(tmp_path / "a.safetensors", a)
    write(tmp_path / "b.safetensors", b)
    for name in "ab":
        heft("convert", tmp_path / f"{name}.safetensors", tmp_path / f"{name}.heft", "--compress")
        heft("convert", tmp_path / f"{name}.safetensors", tmp_path / f"{name}.npz", "--compress")
    found = {
        json.dumps(difference(tmp_path / f"a.{x}", tmp_path / f"b.{y}", "-j", n)["changed"])
        for x in ("safetensors", "heft", "npz") for y in ("safetensors", "npz") for n in (1, 3)
    }  # fmt: skip
    assert len(found) == 1
    for x in ("safetensors", "heft"):
        for y in ("heft", "npz"):
            assert difference(tmp_path / f"a.{x}", tmp_path / f"a.{y}")["equal"]


def test_what_is_not_finite_stays_out_of_the_measures(tmp_path):
    a = numpy.array([1, 2, numpy.nan, numpy.inf, -0.0, numpy.nan], "<f4")
    b = numpy.array([1, 3, numpy.nan, 5, 0.0, 7], "<f4")
    write(tmp_path / "a.safetensors", {"w": ("F32", a)})
    write(tmp_path / "b.safetensors", {"w": ("F32", b)})
    (change,) = difference(tmp_path / "a.safetensors", tmp_path / "b.safetensors")["changed"]
    assert change["n_different"] == 4 and change["max_abs"] == 1
    check(change, a, b)


def test_bits_of_half_are_seen(tmp_path):
    a = numpy.arange(0x7F00, dtype="<u2").view(ml_dtypes.bfloat16)
    b = (numpy.arange(0x7F00, dtype="<u2") ^ 1).view(ml_dtypes.bfloat16)
    write(tmp_path / "a.safetensors", {"w": ("BF16", a)})
    write(tmp_path / "b.safetensors", {"w": ("BF16", b)})
    (change,) = difference(tmp_path / "a.safetensors", tmp_path / "b.safetensors")["changed"]
    assert change["n_different"] == a.size
