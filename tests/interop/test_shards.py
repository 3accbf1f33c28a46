# SPDX-License-Identifier: Apache-2.0
"""Sets of safetensors files beside huggingface_hub, which decides what is in which shard and how they are called."""
import json
import subprocess

import numpy
import pytest

from peers import HEFT, DTYPES, digest, expected, heft, inspect, random, random_array, read, refused, weights_digest, write

hub = pytest.importorskip("huggingface_hub")

INDEX = "model.safetensors.index.json"


def split(arrays, size):
    return hub.split_state_dict_into_shards_factory(
        arrays,
        get_storage_size=lambda tensor: tensor[1].nbytes,
        filename_pattern="model{suffix}.safetensors",
        max_shard_size=size,
    )


def index_text(found):
    """As save_torch_state_dict of the hub writes it, which itself needs torch."""
    index = {"metadata": found.metadata, "weight_map": found.tensor_to_filename}
    return json.dumps(index, indent=2, sort_keys=True) + "\n"


def write_set(folder, arrays, size, metadata=None):
    """A set as the hub writes it."""
    folder.mkdir(exist_ok=True)
    found = split(arrays, size)
    for name, keys in found.filename_to_tensors.items():
        write(folder / name, {key: arrays[key] for key in keys}, metadata)
    if found.is_sharded:
        (folder / INDEX).write_text(index_text(found))
    return found


def read_set(folder):
    """A set as the hub and its users read it: what the index names, from where it says."""
    index = json.loads((folder / INDEX).read_text())
    shards = {name: read(folder / name) for name in set(index["weight_map"].values())}
    assert sum(map(len, shards.values())) == len(index["weight_map"])
    assert index["metadata"]["total_size"] == sum(len(t[2]) for shard in shards.values() for t in shard.values())
    return {name: shards[shard][name] for name, shard in index["weight_map"].items()}


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.fixture
def model(random):
    """Some 200 kB of tensors of several dtypes, empty ones and large ones among them."""
    arrays = {}
    for i in range(20):
        dtype = ["F32", "BF16", "I64", "F8_E4M3", "BOOL"][i % 5]
        arrays[f"model.layers.{i}.weight"] = (dtype, random_array(random, dtype, (64, 5 * i)))
    arrays["model.large.weight"] = ("F32", random_array(random, "F32", (100, 100)))
    arrays["model.embed.weight"] = ("F32", random_array(random, "F32", (7, 3)))
    arrays["model.scale"] = ("F32", random_array(random, "F32", ()))
    return arrays


SIZES = [20_000, 50_000, "100KB"]


@pytest.mark.parametrize("size", SIZES)
def test_a_set_of_the_hub_is_one_model(tmp_path, model, size):
    found = write_set(tmp_path / "set", model, size, {"format": "pt"})
    assert found.is_sharded
    for path in (tmp_path / "set", tmp_path / "set" / INDEX):
        seen = inspect(path)
        assert seen["n_tensors"] == len(model) and seen["metadata"]["format"] == "pt"
        assert {t["name"]: (t["dtype"], tuple(t["shape"]), t["n_bytes"]) for t in seen["tensors"]} == {
            name: (dtype, a.shape, a.nbytes) for name, (dtype, a) in model.items()
        }
        assert digest(path) == weights_digest(expected(model))
    heft("verify", tmp_path / "set")


@pytest.mark.parametrize("compress", ["none", "fast"])
@pytest.mark.parametrize("metadata", [None, {"format": "pt", "b": "2", "a": "1"}])
def test_shards_and_index_come_back_byte_for_byte(tmp_path, model, metadata, compress):
    write_set(tmp_path / "set", model, 50_000, metadata)
    heft("convert", tmp_path / "set", tmp_path / "kept.heft", f"--compress={compress}")
    assert digest(tmp_path / "kept.heft") == weights_digest(expected(model))
    (tmp_path / "back").mkdir()
    heft("convert", tmp_path / "kept.heft", tmp_path / "back" / INDEX)
    assert files(tmp_path / "back") == files(tmp_path / "set")


def test_one_shard_opens_as_itself(tmp_path, model):
    found = write_set(tmp_path / "set", model, 50_000)
    for name, keys in found.filename_to_tensors.items():
        assert digest(tmp_path / "set" / name) == weights_digest(expected({key: model[key] for key in keys}))


def source_order(path):
    return [t["name"] for t in inspect(path)["tensors"]]


@pytest.mark.parametrize("size", ["20000", "50kB", "100kB", "40960"])
def test_heft_cuts_and_names_shards_as_the_hub_does(tmp_path, model, size):
    write(tmp_path / "in.safetensors", model, {"format": "pt"})
    (tmp_path / "set").mkdir()
    heft("convert", tmp_path / "in.safetensors", tmp_path / "set" / INDEX, "--shard", size)
    ordered = {name: model[name] for name in source_order(tmp_path / "in.safetensors")}
    want = split(ordered, int(size.replace("kB", "000")))
    assert want.is_sharded
    assert (tmp_path / "set" / INDEX).read_text() == index_text(want)
    assert set(files(tmp_path / "set")) == {INDEX, *want.filename_to_tensors}
    for name, keys in want.filename_to_tensors.items():
        assert read(tmp_path / "set" / name) == expected({key: model[key] for key in keys})
    assert read_set(tmp_path / "set") == expected(model)
    assert digest(tmp_path / "set") == weights_digest(expected(model))


def test_a_model_that_fits_one_file_gets_no_index(tmp_path, model):
    write(tmp_path / "in.safetensors", model)
    (tmp_path / "set").mkdir()
    heft("convert", tmp_path / "in.safetensors", tmp_path / "set" / "model.safetensors", "--shard", "5GB")
    assert set(files(tmp_path / "set")) == {"model.safetensors"}
    assert read(tmp_path / "set" / "model.safetensors") == expected(model)


def test_more_than_ten_thousand_tensors_and_a_thousand_shards(random, tmp_path):
    data = random.integers(0, 256, 4 * 12_000, numpy.uint8).tobytes()
    arrays = {f"t.{i:05}": ("F32", numpy.frombuffer(data[4 * i : 4 * i + 4], "<f4")) for i in range(12_000)}
    write(tmp_path / "in.safetensors", arrays)
    (tmp_path / "set").mkdir()
    heft("convert", "--no-sync", tmp_path / "in.safetensors", tmp_path / "set" / INDEX, "--shard", "40")
    assert len(files(tmp_path / "set")) == 1201
    assert digest(tmp_path / "set") == digest(tmp_path / "in.safetensors")


def test_the_hub_loads_what_heft_wrote(tmp_path, model):
    torch = pytest.importorskip("torch")
    write(tmp_path / "in.safetensors", model, {"format": "pt"})
    (tmp_path / "set").mkdir()
    heft("convert", tmp_path / "in.safetensors", tmp_path / "set" / INDEX, "--shard", "50kB")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.loaded = {}

        def load_state_dict(self, state, strict=False):
            self.loaded |= state

        def state_dict(self):
            return dict.fromkeys(model)

    taken = Model()
    hub.load_torch_model(taken, tmp_path / "set")
    assert set(taken.loaded) == set(model)


# --- what must be refused ---


def damaged(folder, change):
    """Changes the index; gives its path."""
    index = json.loads((folder / INDEX).read_text())
    change(index)
    (folder / INDEX).write_text(json.dumps(index))
    return folder / INDEX


def rename_shard(to):
    def change(index):
        first = next(iter(index["weight_map"].values()))
        for name, shard in index["weight_map"].items():
            if shard == first:
                index["weight_map"][name] = to

    return change


DAMAGES = {
    "tensor-missing-in-index": lambda index: index["weight_map"].pop("model.scale"),
    "tensor-missing-in-shard": lambda index: index["weight_map"].update({"more": "model-00001-of-00006.safetensors"}),
    "shard-missing": rename_shard("model-00009-of-00006.safetensors"),
    "separator": rename_shard("../set/model-00001-of-00006.safetensors"),
    "folder": rename_shard("sub/model-00001-of-00006.safetensors"),
    "absolute": rename_shard("/etc/passwd"),
    "backslash": rename_shard("..\\model.safetensors"),
    "parent": rename_shard(".."),
    "empty-name": rename_shard(""),
    "number": rename_shard(7),
    "null": rename_shard(None),
    "no-weight-map": lambda index: index.pop("weight_map"),
    "weight-map-is-a-list": lambda index: index.update({"weight_map": []}),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_an_index_that_does_not_fit_its_shards_is_refused(tmp_path, model, name):
    assert len(write_set(tmp_path / "set", model, 50_000).filename_to_tensors) == 6
    path = damaged(tmp_path / "set", DAMAGES[name])
    refused("inspect", path, status=3)


def test_a_shard_that_is_there_but_not_in_the_index_is_left_alone(tmp_path, model):
    write_set(tmp_path / "set", model, 50_000)
    write(tmp_path / "set" / "other.safetensors", {"x": model["model.scale"]})
    assert digest(tmp_path / "set") == weights_digest(expected(model))


def test_a_tensor_in_two_shards_is_refused(tmp_path, model):
    found = write_set(tmp_path / "set", model, 50_000)
    first, second = list(found.filename_to_tensors)[:2]
    keys = [*found.filename_to_tensors[second], found.filename_to_tensors[first][0]]
    write(tmp_path / "set" / second, {key: model[key] for key in keys})
    refused("inspect", tmp_path / "set", status=3)


def test_a_key_twice_is_refused(tmp_path, model):
    write_set(tmp_path / "set", model, 50_000)
    text = (tmp_path / "set" / INDEX).read_text()
    line = next(line for line in text.split("\n") if "model.scale" in line)
    (tmp_path / "set" / INDEX).write_text(text.replace('"weight_map": {', '"weight_map": {' + line.rstrip(",") + ","))
    refused("inspect", tmp_path / "set", status=3)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"weight_map": {"a": "b.safetensors"}', "{}"])
def test_what_is_no_index_is_refused(tmp_path, text):
    (tmp_path / INDEX).write_text(text)
    refused("inspect", tmp_path / INDEX, status=3)


def test_a_damaged_shard_is_named(tmp_path, model):
    found = write_set(tmp_path / "set", model, 50_000)
    name = list(found.filename_to_tensors)[2]
    path = tmp_path / "set" / name
    path.write_bytes(path.read_bytes()[:-1])
    refused("inspect", tmp_path / "set", status=3, words=[name])


def test_a_folder_without_an_index_is_no_model(tmp_path, model):
    (tmp_path / "set").mkdir()
    done = subprocess.run([HEFT, "inspect", tmp_path / "set"], capture_output=True, text=True)
    assert done.returncode == 2 and "folder" in done.stderr


def test_a_failed_conversion_leaves_no_shard_behind(tmp_path, model):
    write(tmp_path / "in.safetensors", model)
    damaged_source = (tmp_path / "in.safetensors").read_bytes()
    heft("convert", tmp_path / "in.safetensors", tmp_path / "kept.heft")
    data = bytearray((tmp_path / "kept.heft").read_bytes())
    at = data.index(model["model.large.weight"][1].tobytes())
    data[at] ^= 1
    (tmp_path / "kept.heft").write_bytes(data)
    (tmp_path / "set").mkdir()
    refused("convert", tmp_path / "kept.heft", tmp_path / "set" / INDEX, "--shard", "50kB", status=3)
    assert files(tmp_path / "set") == {} and damaged_source
    # What is there already stays, unless it is to be replaced.
    (tmp_path / "set" / "model-00001-of-00006.safetensors").write_text("mine")
    refused("convert", tmp_path / "in.safetensors", tmp_path / "set" / INDEX, "--shard", "50kB", status=2)
    assert files(tmp_path / "set") == {"model-00001-of-00006.safetensors": b"mine"}


def test_every_dtype_goes_into_shards_and_back(random, tmp_path):
    arrays = {dtype: (dtype, random_array(random, dtype, (3, 4))) for dtype in DTYPES}
    write(tmp_path / "in.safetensors", arrays)
    (tmp_path / "set").mkdir()
    heft("convert", tmp_path / "in.safetensors", tmp_path / "set" / INDEX, "--shard", "64")
    assert read_set(tmp_path / "set") == expected(arrays)
    heft("convert", tmp_path / "set", tmp_path / "one.safetensors")
    assert read(tmp_path / "one.safetensors") == expected(arrays)
