# SPDX-License-Identifier: Apache-2.0
"""Real checkpoints, where they lie beside the checkout, in every format: one model, one digest."""
import json
import subprocess

import numpy
import pytest

from peers import HEFT, REAL, digest, expected, heft, logical, weights_digest, write
from test_real_weights import FILES, arrays_of
from test_shards import INDEX, files, write_set

pytestmark = pytest.mark.skipif(not FILES, reason="no real weights beside the checkout")


def ident(path):
    return f"{path.parent.name}-{path.stem}"


@pytest.mark.parametrize("path", FILES, ids=ident)
def test_one_model_has_one_digest_in_every_format(tmp_path, path):
    arrays = arrays_of(path)
    plain = {name: array for name, (_, array) in arrays.items()}
    want = weights_digest(expected(arrays))
    write(tmp_path / "a.safetensors", arrays)
    numpy.savez(tmp_path / "stored.npz", **plain)
    numpy.savez_compressed(tmp_path / "deflated.npz", **plain)
    numpy.savez(tmp_path / "fortran.npz", **{name: numpy.asarray(a, order="F") for name, a in plain.items()})
    numpy.savez(tmp_path / "big.npz", **{name: a.astype(a.dtype.newbyteorder(">")) for name, a in plain.items()})
    write_set(tmp_path / "set", arrays, 100_000)
    sources = [p for p in tmp_path.iterdir() if p.name != "set"] + [tmp_path / "set" / INDEX]
    assert len(sources) == 6
    for source in sources:
        assert digest(source) == want, source
        for extension, options in [("heft", []), ("heft", ["--compress=best"]), ("npz", ["--compress"]), ("safetensors", [])]:
            out = tmp_path / f"out.{extension}"
            heft("convert", "-f", "--no-sync", source, out, *options)
            assert digest(out) == want, (source, out)
    heft("convert", tmp_path / "set", tmp_path / "kept.heft")
    (tmp_path / "back").mkdir()
    heft("convert", tmp_path / "kept.heft", tmp_path / "back" / INDEX)
    assert files(tmp_path / "back") == files(tmp_path / "set")


@pytest.mark.parametrize("path", FILES, ids=ident)
def test_every_array_by_itself_goes_both_ways(tmp_path, path):
    for name, (_, array) in arrays_of(path).items():
        for order in "CF":
            numpy.save(tmp_path / "in.npy", numpy.asarray(array, order=order))
            heft("convert", "-f", "--no-sync", tmp_path / "in.npy", tmp_path / "kept.heft")
            heft("convert", "-f", "--no-sync", tmp_path / "kept.heft", tmp_path / "back.npy")
            assert (tmp_path / "back.npy").read_bytes() == (tmp_path / "in.npy").read_bytes(), name
            assert digest(tmp_path / "in.npy") == weights_digest({"arr_0": logical(array)})


def difference(a, b):
    done = subprocess.run([HEFT, "diff", "--json", a, b], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    # They stand in the order of A, which is another one in each format.
    found["changed"].sort(key=lambda change: change["name"])
    return found


PAIRS = {
    "textgenrnn": ("base.hdf5", "hacker_news.hdf5"),
    "face-emotion": ("fer2013_mini_XCEPTION.00-0.47.hdf5", "fer2013_mini_XCEPTION.102-0.66.hdf5"),
}


@pytest.mark.parametrize("folder", PAIRS)
def test_a_model_and_its_tuned_self_differ_as_numpy_says(tmp_path, folder):
    both = [arrays_of(REAL / folder / name) for name in PAIRS[folder]]
    for arrays, name in zip(both, "ab"):
        write(tmp_path / f"{name}.safetensors", arrays)
        numpy.savez_compressed(tmp_path / f"{name}.npz", **{key: array for key, (_, array) in arrays.items()})
    found = difference(tmp_path / "a.safetensors", tmp_path / "b.npz")
    assert found == difference(tmp_path / "a.npz", tmp_path / "b.safetensors")
    assert not found["equal"] and found["only_in_a"] == found["only_in_b"] == []
    a, b = ({name: array for name, (_, array) in arrays.items()} for arrays in both)
    assert {c["name"] for c in found["changed"]} == {name for name in a if a[name].tobytes() != b[name].tobytes()}
    for change in found["changed"]:
        x, y = (numpy.asarray(arrays[change["name"]], "f8").ravel() for arrays in (a, b))
        bits = [arrays[change["name"]].reshape(-1).view("u1").reshape(x.size, -1) for arrays in (a, b)]
        assert change["n_different"] == numpy.count_nonzero((bits[0] != bits[1]).any(axis=1))
        assert change["max_abs"] == pytest.approx(numpy.abs(x - y).max(), rel=1e-12)
        assert change["rms"] == pytest.approx(numpy.sqrt(numpy.mean((x - y) ** 2)), rel=1e-9)
        if x.any() and y.any():
            assert change["cosine"] == pytest.approx(x @ y / numpy.sqrt((x @ x) * (y @ y)), rel=1e-9)
    if folder == "textgenrnn":
        assert len(found["changed"]) == 10
        for change in found["changed"]:
            assert 0.9 <= change["cosine"] <= 0.9996
