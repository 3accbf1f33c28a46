# SPDX-License-Identifier: Apache-2.0
"""What the make_*.py scripts and the tests of their fixtures share: writing the files, and asking heft about them."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
HEFT = os.environ.get("HEFT", "heft")


def write(made):
    """Writes {path: bytes} into the folder that the command line names, else into fixtures/."""
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES
    for path, content in made.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def valid(pattern):
    return sorted((FIXTURES / "valid").glob(pattern))


def invalid(pattern):
    return sorted((FIXTURES / "invalid").glob(pattern))


def stem(path):
    return path.stem


def run(*words):
    return subprocess.run([HEFT, *words], capture_output=True, text=True, check=False)


def check_made(script, prefix, folder):
    """The script writes the fixtures of that prefix, byte for byte, and no other ones."""
    subprocess.run([sys.executable, ROOT / "tests" / "vectors" / script, folder], check=True)
    made = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    there = {p.relative_to(FIXTURES) for p in FIXTURES.rglob(f"{prefix}*")}
    assert set(made) == there
    for path, content in made.items():
        assert (FIXTURES / path).read_bytes() == content, path


def check_digest(path):
    """heft gives the digest that stands beside a valid file."""
    told = run("digest", path)
    assert told.returncode == 0, told.stderr
    assert ["ok", told.stdout.split()[0]] == path.with_suffix(".expect").read_text().split()


def check_refused(path, offset=None):
    """heft refuses an invalid file at the offset that stands beside it, or at this one."""
    told = run("digest", path)
    if offset is None:
        offset = path.with_suffix(".expect").read_text().split()[-1]
    assert told.returncode == 3 and told.stdout == ""
    assert f"(at byte {offset})" in told.stderr
