# SPDX-License-Identifier: Apache-2.0
"""R8.2-6 and R8.2-8 by two readers: every valid vector is edited, and the library and the second decoder agree on what it
holds then, which is what it held before, under the names that were asked for.

$HEFT is the command and $HEFT_BUILD the build folder, which has vector_check."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from expect import VECTORS, expectation

HEFT = os.environ.get("HEFT", "heft")
CHECK = pathlib.Path(os.environ.get("HEFT_BUILD", ".")) / "tests" / "vectors" / "vector_check"
VALID = sorted((VECTORS / "valid").glob("*.heft"))
SAME = ("dtype", "shape", "space", "n_bytes", "tensor_digest", "data_sha256")


def plain(tensors):
    """The names that a rule can mean literally."""
    return sorted({t["name"] for t in tensors if not set(t["name"]) & set("=*?[\\\0")})


def backwards(tensors):
    """Each name changes places with one that sorts elsewhere."""
    names = plain(tensors)
    return dict(zip(names, reversed(names)))


def longer(tensors):
    return {name: f"{len(name)}/{name[:4000]}" for name in plain(tensors)}


def nothing(_tensors):
    return {}


def every_other(tensors):
    return set(plain(tensors)[::2])


def everything(tensors):
    return {t["name"] for t in tensors}


def edit(path, renames, deletes):
    words = [word for name, new in renames.items() for word in ("--rename", f"{name}={new}")]
    if len(deletes) > len(plain([{"name": name} for name in deletes])):
        words += ["--delete", "*"]
    else:
        words += [word for name in deletes for word in ("--delete", name)]
    subprocess.run([HEFT, "edit", "-q", path, "--set", "edited=yes", *words], check=True, stderr=subprocess.DEVNULL)


def groups(tensors):
    """Which tensors are tied, whatever the numbers are."""
    ties = [t["tie"] for t in tensors]
    return [ties.index(tie) for tie in ties]


@pytest.mark.parametrize("renames, deletes", [(backwards, nothing), (longer, nothing), (nothing, every_other),
                                              (longer, every_other), (nothing, everything)],
                         ids=["swapped", "renamed", "deleted", "both", "emptied"])
@pytest.mark.parametrize("vector", VALID, ids=lambda path: path.stem)
def test_both_readers_agree_on_an_edited_file(vector, renames, deletes, tmp_path):
    before = expectation(vector)
    path = tmp_path / "edited.heft"
    gone = set(deletes(before["tensors"]))
    names = {name: new for name, new in renames(before["tensors"]).items() if name not in gone}
    shutil.copyfile(vector, path)
    edit(path, names, gone)
    after = expectation(path)
    stay = [t for t in before["tensors"] if t["name"] not in gone]

    assert [t["name"] for t in after["tensors"]] == [names.get(t["name"], t["name"]) for t in stay]
    for key in SAME:
        assert [t[key] for t in after["tensors"]] == [t[key] for t in stay], key
    assert groups(after["tensors"]) == groups(stay)

    run = subprocess.run([CHECK, path], stdout=subprocess.PIPE, check=True)
    found = json.loads(run.stdout)
    assert found["status"] == after["status"], (found, after["faults"])
    assert found["read"] == "ok"
    for key in ("generation", "tensors", "metadata", "weights_digest", "artifact_digest"):
        assert found[key] == after[key], key
    assert found["state"]["dead"] == after["state"]["dead"]

    subprocess.run([HEFT, "compact", "-q", path], check=True)
    compact = expectation(path)
    assert compact["status"] == "ok" and compact["state"]["compact"] and compact["tensors"] == after["tensors"]
    assert compact["artifact_digest"] == after["artifact_digest"]
