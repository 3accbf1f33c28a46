# SPDX-License-Identifier: Apache-2.0
"""The library, the second decoder and the text form agree on every file of spec/vectors.

$HEFT is the command and $HEFT_BUILD the build folder, which has vector_check."""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from expect import VECTORS, expectation

HEFT = os.environ.get("HEFT", "heft")
CHECK = pathlib.Path(os.environ.get("HEFT_BUILD", ".")) / "tests" / "vectors" / "vector_check"
VALID = sorted((VECTORS / "valid").glob("*.text"))
INVALID = sorted((VECTORS / "invalid").glob("*.text"))
TAG = re.compile(r"([A-Z]\d+(?:\.\d+)*-\d+)-")
# Rules that another one, which a reader looks at first, carries out; the name says which is meant.
CARRIED_OUT_BY = {
    "R2.2-2-no-page-valid": "R2.1-3",
    "R2.2-3-cut-behind-the-pages": "R3-1",
    "R2.2-3-cut-by-one-byte": "R3-1",
    "R2.2-3-valid-page-over-a-bad-directory": "R3-2",
    "R6.1-1-frame-of-a-smaller-chunk": "R6.2-2",
}
# A dump keeps how a section is stored; the writer, which compaction goes through, stores these two its own way.
OTHER_FRAMES = {"R3-6-section-in-a-frame", "R7.1-2-meta-depth-64"}


def all_vectors(function):
    return pytest.mark.parametrize("text", VALID + INVALID, ids=lambda path: f"{path.parent.name}/{path.stem}")(function)


def valid_vectors(function):
    return pytest.mark.parametrize("text", VALID, ids=lambda path: path.stem)(function)


def invalid_vectors(function):
    return pytest.mark.parametrize("text", INVALID, ids=lambda path: path.stem)(function)


def expected(text):
    return json.loads(text.with_suffix(".expect").read_text())


@pytest.fixture(scope="session")
def library():
    """What vector_check says of each file."""
    paths = [str(text.with_suffix(".heft")) for text in VALID + INVALID]
    run = subprocess.run([CHECK, *paths], stdout=subprocess.PIPE, check=True)
    found = [json.loads(line) for line in run.stdout.decode().splitlines()]
    return {pathlib.Path(one["file"]): one for one in found}


def test_there_are_enough_vectors_and_each_is_whole():
    assert len(VALID) >= 30 and len(INVALID) >= 90
    kinds = collections.Counter(path.suffix for path in VECTORS.glob("*/*"))
    assert kinds == {suffix: len(VALID + INVALID) for suffix in (".text", ".heft", ".expect")}
    large = [path.name for path in VECTORS.glob("*/*") if path.stat().st_size > 65536]
    assert large == ["R3-3-1025-sections.heft"]
    assert sum(path.stat().st_size for path in VECTORS.glob("*/*")) < 4 << 20


@all_vectors
def test_pack_writes_the_committed_bytes(text, tmp_path):
    subprocess.run([HEFT, "pack", text, tmp_path / "out.heft"], check=True)
    assert (tmp_path / "out.heft").read_bytes() == text.with_suffix(".heft").read_bytes()


@all_vectors
def test_the_decoder_says_what_is_expected(text):
    assert expectation(text.with_suffix(".heft")) == expected(text)


@invalid_vectors
def test_a_vector_breaks_the_rule_that_it_is_named_after(text):
    assert expected(text)["rule"] == CARRIED_OUT_BY.get(text.stem, TAG.match(text.stem).group(1))


@invalid_vectors
def test_the_library_refuses_an_invalid_file_where_it_should(text, library):
    found, want = library[text.with_suffix(".heft")], expected(text)
    if want["stage"] == "open":
        code = {"not the format": "not_format"}.get(found["code"], found["code"])
        assert (found["status"], code) == ("refused", want["status"]), found
    else:
        assert found["status"] == "fault" and found["faults"], found
        assert found["read"] == (want["status"] if want["stage"] == "read" else "ok"), found


@valid_vectors
def test_the_library_says_the_same_of_a_valid_file(text, library):
    found, want = library[text.with_suffix(".heft")], expected(text)
    assert found["status"] == want["status"], found
    assert found["read"] == "ok"
    assert found["strict"] == (want["state"].pop("compact") and found["status"] == "ok")
    assert found["state"].pop("dead_verified") == want["state"]["dead"]
    if want["metadata"] is None:
        want["metadata"] = "{}"
    for key in ("generation", "state", "tensors", "metadata", "weights_digest", "artifact_digest"):
        assert found[key] == want[key], key
    if want["status"] == "ok":
        # D1-7: what is computed from the data is what is stated.
        assert found["computed_weights_digest"] == want["weights_digest"]
        assert found["computed_artifact_digest"] == want["artifact_digest"]


def test_a_trusted_index_leads_nowhere_else():
    """R9-1: with the tables unchecked, every file is read, or refused, without a crash."""
    subprocess.run([CHECK, "--trust", *(text.with_suffix(".heft") for text in VALID + INVALID)], check=True)


def artifact_digest(path):
    run = subprocess.run([HEFT, "verify", "--json", path], stdout=subprocess.PIPE, check=False)
    return json.loads(run.stdout)["artifact_digest"]


def dump_and_pack(source, packed):
    text = packed.with_suffix(".text")
    with open(text, "wb") as out:
        subprocess.run([HEFT, "dump", source], stdout=out, check=True)
    subprocess.run([HEFT, "pack", text, packed], check=True)
    return packed.read_bytes()


@valid_vectors
def test_a_dump_packs_to_the_compact_file(text, tmp_path):
    """R5-6, R8.2-5, D1-7: compacting and packing a dump give the same bytes, and keep the artifact digest."""
    source, compact = text.with_suffix(".heft"), tmp_path / "compact.heft"
    shutil.copyfile(source, compact)
    subprocess.run([HEFT, "compact", compact], stdout=subprocess.DEVNULL, check=True)
    assert dump_and_pack(compact, tmp_path / "again.heft") == compact.read_bytes()
    if text.stem not in OTHER_FRAMES:
        assert dump_and_pack(source, tmp_path / "packed.heft") == compact.read_bytes()
    assert artifact_digest(compact) == expected(text)["artifact_digest"]
