# SPDX-License-Identifier: Apache-2.0
"""`heft inspect --stats` beside NumPy, which computes in float64: spec/stats.md."""
import json
import os
import subprocess
import warnings

import ml_dtypes
import numpy
import pytest

from peers import DTYPES, HEFT, heft, random, random_array, write

COUNTS = {"n_zero", "n_nan", "n_inf", "n_subnormal"}
FIGURES = {"min", "max", "mean", "std", "abs_max", "l2", "quantiles", "histogram"} | COUNTS
# Each value has its own counter: quantiles are exact.
EXACT = [name for name, (_, dtype) in DTYPES.items() if numpy.dtype(dtype).itemsize <= 2]
EXACT += ["I4", "U4", "I2", "U2", "F4", "F6_E2M3", "F6_E3M2"]
INTEGERS = ["I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64"]
LEAST_NORMAL = {
    "F16": 2.0**-14, "BF16": 2.0**-126, "F32": 2.0**-126, "F64": 2.0**-1022, "C64": 2.0**-126, "C128": 2.0**-1022,
    "F8_E4M3": 2.0**-6, "F8_E5M2": 2.0**-14, "F8_E4M3FNUZ": 2.0**-7, "F8_E5M2FNUZ": 2.0**-15, "F4": 1.0,
    "F6_E2M3": 1.0, "F6_E3M2": 0.25,
}  # fmt: skip


def inspect(path, *options):
    return {t["name"]: t["stats"] for t in json.loads(heft("inspect", "--stats", "--json", *options, path))["tensors"]}


def one(tmp_path, dtype, values, *options):
    write(tmp_path / "a.safetensors", {"w": (dtype, values)})
    return inspect(tmp_path / "a.safetensors", *options)["w"]


# T1-3
def wide(values):
    """In float64, a complex number as its magnitude."""
    if numpy.iscomplexobj(values):
        values = values.astype(numpy.complex128)
        # An infinite part makes an infinite magnitude, whatever the other one is.
        infinite = numpy.isinf(values.real) | numpy.isinf(values.imag)
        with numpy.errstate(invalid="ignore"):
            return numpy.where(infinite, numpy.inf, numpy.sqrt(values.real**2 + values.imag**2))
    return values.astype(numpy.float64)


def near(found, wanted, scale=0.0):
    """Within 1e-12 of the figure, or of what it was summed up from."""
    found, wanted = float(found), float(wanted)
    if not numpy.isfinite(wanted):
        return found == wanted or numpy.isnan(found) and numpy.isnan(wanted)
    return abs(found - wanted) <= 1e-12 * max(abs(wanted), scale)


def check_sums(s, x):
    with numpy.errstate(all="ignore"):
        largest = numpy.abs(x).max()
        # A mean near zero is what rounding leaves of sums that cancel, in NumPy too.
        scale = 1e-3 * numpy.sqrt(numpy.mean(x * x)) if numpy.isfinite(largest) else 0.0
        assert near(s["mean"], x.mean(), scale)
        assert near(s["std"], x.std())
        assert near(s["l2"], numpy.sqrt(numpy.sum(x * x)))
    assert float(s["min"]) == x.min()
    assert float(s["max"]) == x.max()
    assert float(s["abs_max"]) == largest


# T4-1, T4-2
def check_quantiles(dtype, s, x):
    x = numpy.sort(x)
    fractions = ["0.001", "0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99", "0.999"]
    assert list(s["quantiles"]) == fractions
    for fraction in fractions:
        at = float(fraction) * (x.size - 1)
        low, high = x[int(at)], x[min(int(at) + 1, x.size - 1)]
        found = float(s["quantiles"][fraction])
        if not numpy.isfinite([low, high]).all():
            assert found in (low, high)
            continue
        if dtype not in EXACT and max(abs(low), abs(high)) >= 2.0**128:
            continue  # beyond the keys
        wanted = numpy.quantile(x, float(fraction))
        bound = 1e-12 if dtype in EXACT else 2.0**-8
        assert abs(found - wanted) <= bound * max(abs(low), abs(high)) + 2.0**-133


# T5-1, T5-2, T5-3
def check_histogram(s, x):
    x = x[numpy.isfinite(x)]
    edges, counts = s["histogram"]["edges"], s["histogram"]["counts"]
    if x.size == 0:
        assert edges == counts == []
        return
    assert edges[0] == x.min() and edges[-1] == x.max()
    assert len(edges) == len(counts) + 1 <= 33
    if len(counts) == 1:
        assert counts == [x.size]
        return
    assert (numpy.diff(edges) > 0).all()
    assert counts == numpy.histogram(x, edges)[0].tolist()


# T1-1, T1-2, T3-2
def check(dtype, s, values):
    x = wide(values)
    assert set(s) == FIGURES
    assert s["n_nan"] == numpy.isnan(x).sum()
    assert s["n_inf"] == numpy.isinf(x).sum()
    assert s["n_zero"] == (x == 0).sum()
    assert s["n_subnormal"] == ((x != 0) & (numpy.abs(x) < LEAST_NORMAL.get(dtype, 0))).sum()
    x = x[~numpy.isnan(x)]
    if x.size == 0:
        assert {s[name] for name in ("min", "max", "mean", "std", "abs_max")} == {"nan"}
        assert s["l2"] == 0
        return
    check_sums(s, x)
    check_quantiles(dtype, s, x)
    check_histogram(s, x)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 16, 17, 65, 1000, 300_001])
@pytest.mark.parametrize("dtype", DTYPES)
def test_small_numbers_of_every_dtype_have_numpys_figures(random, tmp_path, dtype, n):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = random.standard_normal(n) * 3
        if dtype == "C64":
            drawn = drawn + 1j * random.standard_normal(n)
        values = numpy.abs(drawn) if dtype.startswith(("U", "B", "F8_E8M0")) else drawn
        values = values.astype(DTYPES[dtype][1])
    check(dtype, one(tmp_path, dtype, values), values)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
def test_random_bits_of_every_dtype_have_numpys_figures(random, tmp_path, dtype):
    """NaNs, infinities, subnormals, the largest numbers."""
    values = random_array(random, dtype, (200_003,))
    if dtype == "F64":
        values = numpy.ldexp(values, -600).astype(numpy.float64)  # squares that NumPy can add
    check(dtype, one(tmp_path, dtype, values), values)


def unpack(data, n_bits, n):
    bits = numpy.unpackbits(numpy.frombuffer(data, numpy.uint8), bitorder="little")[: n * n_bits]
    return bits.reshape(n, n_bits) @ (1 << numpy.arange(n_bits))


def fp(exponent_bits, mantissa_bits, bias, codes):
    sign = numpy.where(codes >> (exponent_bits + mantissa_bits), -1.0, 1.0)
    exponent = codes >> mantissa_bits & (1 << exponent_bits) - 1
    mantissa = codes & (1 << mantissa_bits) - 1
    fraction = mantissa / (1 << mantissa_bits) + (exponent > 0)
    return sign * fraction * 2.0 ** (numpy.maximum(exponent, 1) - bias)


PACKED = {
    "U4": (4, lambda c: c),
    "I4": (4, lambda c: c - 16 * (c > 7)),
    "U2": (2, lambda c: c),
    "I2": (2, lambda c: c - 4 * (c > 1)),
    "F4": (4, lambda c: fp(2, 1, 1, c)),
    "F6_E2M3": (6, lambda c: fp(2, 3, 1, c)),
    "F6_E3M2": (6, lambda c: fp(3, 2, 3, c)),
}


@pytest.mark.parametrize("n", [4, 8, 60, 4000, 1_600_004])
@pytest.mark.parametrize("dtype", PACKED)
def test_packed_dtypes_have_numpys_figures(random, tmp_path, dtype, n):
    n_bits, decode = PACKED[dtype]
    data = random.integers(0, 256, n * n_bits // 8, numpy.uint8).tobytes()
    (tmp_path / "a.text").write_text(f'heft-text 1\ntensor "w" {dtype} [{n}]\nhex {data.hex()}\n')
    heft("pack", tmp_path / "a.text", tmp_path / "a.heft")
    check(dtype, inspect(tmp_path / "a.heft")["w"], decode(unpack(data, n_bits, n)).astype(numpy.float64))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7])
def test_bits_behind_the_last_element_do_not_count(tmp_path, n):
    (tmp_path / "a.text").write_text(f'heft-text 1\ntensor "w" U2 [{n}]\nvalues {" ".join(["3"] * n)}\n')
    heft("pack", tmp_path / "a.text", tmp_path / "a.heft")
    check("U2", inspect(tmp_path / "a.heft")["w"], numpy.full(n, 3.0))


def test_complex_numbers_of_two_doubles_count_as_their_magnitudes(random, tmp_path):
    values = random.standard_normal(40_000) + 1j * random.standard_normal(40_000)
    values[:4] = [0, complex("nan"), complex(numpy.inf, numpy.nan), complex(1e300, 1e300)]
    data = values.astype("<c16").tobytes()
    (tmp_path / "a.text").write_text(f'heft-text 1\ntensor "w" C128 [{values.size}]\nhex {data.hex()}\n')
    heft("pack", tmp_path / "a.text", tmp_path / "a.heft")
    s = inspect(tmp_path / "a.heft")["w"]
    assert (s["n_zero"], s["n_nan"], s["n_inf"]) == (1, 1, 1)
    assert s["min"] == 0 and s["max"] == "inf"
    finite = numpy.concatenate([values[:1], values[4:]])
    data = finite.astype("<c16").tobytes()
    (tmp_path / "a.text").write_text(f'heft-text 1\ntensor "w" C128 [{finite.size}]\nhex {data.hex()}\n')
    heft("pack", "-f", tmp_path / "a.text", tmp_path / "a.heft")
    s = inspect(tmp_path / "a.heft")["w"]
    x = numpy.abs(finite)
    assert near(s["mean"], x.mean()) and near(s["std"], x.std()) and near(s["max"], x.max())


@pytest.mark.parametrize(
    "dtype, mean, spread",
    [("F32", 1e8, 30.0), ("F32", -3e6, 2.0), ("F32", 1.0, 1e-5), ("F64", 1e6, 1.0), ("F64", 1e9, 1.0), ("F64", -1e-3, 1e-9)],
)
def test_a_large_mean_takes_nothing_from_a_small_spread(random, tmp_path, dtype, mean, spread):
    values = (mean + spread * random.standard_normal(1_000_000)).astype(DTYPES[dtype][1])
    values[0] = 0  # an outlier where a shifted sum would take its shift from
    s = one(tmp_path, dtype, values)
    x = values.astype(numpy.longdouble)
    assert near(s["mean"], x.mean())
    assert near(s["std"], x.std())
    assert near(s["l2"], numpy.sqrt((x * x).sum()))
    values[0] = mean
    s = one(tmp_path, dtype, values)
    x = values.astype(numpy.longdouble)
    assert near(s["mean"], x.mean())
    assert near(s["std"], x.std())


def test_sorted_values_have_numpys_figures(random, tmp_path):
    """Every block has another mean."""
    for values in (numpy.sort(random.standard_normal(1_000_000)), numpy.arange(1_000_000) * 1e4):
        values = values.astype(numpy.float32)
        check("F32", one(tmp_path, "F32", values), values)


def test_squares_beyond_float64_do_not_overflow(random, tmp_path):
    small = random.standard_normal(5000)
    for scale in (1e200, 1e307, 1e-200, 1e-300):
        s = one(tmp_path, "F64", small * scale)
        assert near(s["mean"] / scale, (small * scale / scale).mean(), 1e-3)
        assert abs(s["std"] / scale / small.std() - 1) < 1e-12
    both = numpy.concatenate([small, small * 1e200, small])
    s = one(tmp_path, "F64", both)
    assert abs(s["std"] / 1e200 / (both / 1e200).std() - 1) < 1e-12


@pytest.mark.parametrize("dtype", ["I64", "U64"])
def test_extremes_of_integers_are_exact(random, tmp_path, dtype):
    limits = numpy.iinfo(DTYPES[dtype][1])
    values = numpy.array([limits.max - 1, limits.min + 1, 5, (1 << 53) + 1], DTYPES[dtype][1])
    write(tmp_path / "a.safetensors", {"w": (dtype, values)})
    text = heft("inspect", "--stats", "--json", tmp_path / "a.safetensors")
    assert f'"min": {limits.min + 1}, "max": {limits.max - 1},' in text


# T1-5
@pytest.mark.parametrize("dtype", ["F32", "F64", "F16", "BF16", "F8_E5M2"])
def test_infinities_make_of_sums_what_they_make_in_numpy(tmp_path, dtype):
    for infinities in ([numpy.inf], [-numpy.inf], [numpy.inf, -numpy.inf]):
        for rest in ([], [1.0, 2.0, numpy.nan]):
            values = numpy.array(rest + infinities).astype(DTYPES[dtype][1])
            s = one(tmp_path, dtype, values)
            x = wide(values)
            x = x[~numpy.isnan(x)]
            with numpy.errstate(invalid="ignore"):
                for name, wanted in (("mean", x.mean()), ("std", x.std()), ("min", x.min()), ("max", x.max())):
                    assert near(s[name], wanted), (name, s)
            assert s["l2"] == s["abs_max"] == "inf"
            assert (s["n_inf"], s["n_nan"]) == (len(infinities), numpy.isnan(wide(values)).sum())


@pytest.mark.parametrize("suffix", ["safetensors", "heft"])
def test_the_number_of_threads_changes_no_byte(random, tmp_path, suffix):
    """Tensors of many chunks, of one and of few elements, in one file; compressed or mapped."""
    arrays = {"first": ("F32", random.standard_normal(3).astype(numpy.float32))}
    for i, (dtype, n) in enumerate([("F32", 900_001), ("BF16", 1_500_003), ("F64", 300_005), ("I32", 700_007), ("U8", 3_000_001)] * 2):
        drawn = random.standard_normal(n) * 20 + 50
        if dtype[0] == "F":
            drawn[random.integers(0, n, 50)] = numpy.nan
        arrays[f"large.{i}"] = (dtype, drawn.astype(DTYPES[dtype][1]))
        arrays[f"small.{i}"] = ("F16", random.standard_normal(i * 7).astype(numpy.float16))
    write(tmp_path / "a.safetensors", arrays)
    path = tmp_path / f"a.{suffix}"
    if suffix == "heft":
        heft("convert", "-q", "--compress=fast", tmp_path / "a.safetensors", path)
    texts = {heft("inspect", "--stats", "--json", "-j", j, path) for j in (1, 2, 3, 7)}
    assert len(texts) == 1
    for name, (dtype, values) in arrays.items():
        check(dtype, inspect(path)[name], values)
    names = {heft("inspect", "--stats", "-j", j, "--sort", "std", path) for j in (1, 7)}
    assert len(names) == 1


def test_statistics_of_a_large_tensor_fit_into_64_mib(random, tmp_path):
    arrays = {f"w.{i}": ("F32", random.standard_normal(2_000_000).astype(numpy.float32)) for i in range(12)}
    write(tmp_path / "a.safetensors", arrays)
    for j in (1, 2, 16, 64):
        command = ["prlimit", "--data=67108864", HEFT, "inspect", "--stats", "--json", "-j", str(j), tmp_path / "a.safetensors"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_many_small_tensors_fit_into_64_mib(tmp_path):
    one = numpy.ones(2, numpy.float32)
    write(tmp_path / "a.safetensors", {f"layer.{i}.w": ("F32", one) for i in range(20_000)})
    for options in (["--json"], ["--sort", "std", "--top", "5"]):
        command = ["prlimit", "--data=67108864", HEFT, "inspect", "--stats", *options, tmp_path / "a.safetensors"]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "ASAN_OPTIONS": ""})
        assert done.returncode == 0, done.stderr
