# SPDX-License-Identifier: Apache-2.0
"""Real checkpoints, where they lie beside the checkout: from h5py's arrays to safetensors, to heft and back."""
import pytest

from peers import REAL, digest, expected, heft, inspect, read, weights_digest, write

h5py = pytest.importorskip("h5py")
FILES = sorted(p for folder in ("textgenrnn", "face-emotion") for p in (REAL / folder).glob("*.hdf5"))
NAMES = {"float16": "F16", "float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64", "uint8": "U8"}


def arrays_of(path):
    """Every data set of numbers, by its path: {name: (dtype name, array)}."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.name in NAMES:
            array = item[()]
            found[name] = (NAMES[item.dtype.name], array if array.shape else array.reshape(()))

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


@pytest.mark.skipif(not FILES, reason="no real weights beside the checkout")
@pytest.mark.parametrize("compress", ["none", "fast", "best"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_real_model_goes_both_ways(tmp_path, path, compress):
    source, kept, back = (tmp_path / name for name in ("in.safetensors", "kept.heft", "back.safetensors"))
    arrays = arrays_of(path)
    assert arrays
    write(source, arrays, {"format": "hdf5"})
    heft("convert", source, kept, f"--compress={compress}")
    heft("verify", kept)
    assert digest(source) == digest(kept) == weights_digest(expected(arrays))
    heft("convert", kept, back)
    assert back.read_bytes() == source.read_bytes()
    if compress == "best":
        assert kept.stat().st_size < source.stat().st_size


@pytest.mark.skipif(not FILES, reason="no real weights beside the checkout")
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_real_model_written_anew_is_read_by_the_library(tmp_path, path):
    arrays = arrays_of(path)
    write(tmp_path / "in.safetensors", arrays)
    heft("convert", tmp_path / "in.safetensors", tmp_path / "kept.heft")
    # Another name makes the recipe void, so the ordinary writer runs.
    name = sorted(arrays)[0]
    heft("convert", tmp_path / "kept.heft", tmp_path / "out.safetensors", "--rename", f"{name}=other")
    arrays["other"] = arrays.pop(name)
    assert read(tmp_path / "out.safetensors") == expected(arrays)
    assert {t["name"]: (t["dtype"], tuple(t["shape"])) for t in inspect(tmp_path / "out.safetensors")["tensors"]} == {
        name: (dtype, a.shape) for name, (dtype, a) in arrays.items()
    }
