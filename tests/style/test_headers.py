# SPDX-License-Identifier: Apache-2.0
"""The public headers: each stands alone, in C and in C++, and says the same of every function."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from tree import PUBLIC, LIB, name, word_list

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", f"-I{LIB / 'include'}"]
COMPILERS = [
    [compiler, f"-std={standard}", "-x", language]
    for compiler, standard, language in (
        ("gcc", "c11", "c"),
        ("clang", "c11", "c"),
        ("g++", "c++17", "c++"),
        ("clang++", "c++17", "c++"),
    )
    if shutil.which(compiler)
]
DECLARATION = re.compile(r"^HEFT_API\s[^;{]*?\b(heft_\w+)\s*\(", re.M)
WORDS = ("Owns:", "Units:", "Errors:", "Threads:")


def declared():
    return {f for path in PUBLIC for f in DECLARATION.findall(path.read_text())}


@pytest.mark.parametrize("compiler", COMPILERS, ids=lambda c: f"{c[0]} {c[1]}")
@pytest.mark.parametrize("path", PUBLIC, ids=name)
def test_a_public_header_compiles_alone(path, compiler, tmp_path):
    source = tmp_path / "alone"
    source.write_text(f'#include "heft/{path.name}"\n')
    done = subprocess.run([*compiler, *STRICT, str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", PUBLIC, ids=name)
def test_every_function_says_what_it_owns_its_units_errors_and_threads(path):
    text = path.read_text()
    wrong = []
    for match in DECLARATION.finditer(text):
        before = text[: match.start()].rstrip()
        block = before[before.rfind("/**") :] if before.endswith("*/") else ""
        wrong += [f"{match.group(1)} lacks '{word}'" for word in WORDS if f"\n * {word} " not in block]
    assert not wrong, "\n".join(wrong)


def test_every_public_header_is_installed():
    assert word_list(LIB / "include" / "heft" / "meson.build", "public_headers") == [p.name for p in PUBLIC]


def test_the_library_exports_what_the_headers_declare_and_nothing_else():
    build = os.environ.get("HEFT_BUILD")
    if not build:
        pytest.skip("HEFT_BUILD does not name a build folder")
    library = pathlib.Path(build) / "lib" / "libheft.so"
    done = subprocess.run(["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True)
    exported = {line.split()[-1].split("@")[0] for line in done.stdout.splitlines()} - {"_init", "_fini"}
    assert exported == declared()


def test_no_two_files_define_the_same_function():
    build = os.environ.get("HEFT_BUILD")
    if not build:
        pytest.skip("HEFT_BUILD does not name a build folder")
    # A static library with two of one name links, with whichever comes first.
    objects = sorted((pathlib.Path(build) / "lib").glob("libheft*.p/*.o"))
    done = subprocess.run(["nm", "-A", "--defined-only", *map(str, objects)], capture_output=True, text=True, check=True)
    where = {}
    for line in done.stdout.splitlines():
        place, kind, symbol = line.rsplit(maxsplit=2)
        if kind in "TDBR":
            where.setdefault(symbol, []).append(place.split(":")[0])
    assert objects
    assert {symbol: places for symbol, places in where.items() if len(places) > 1} == {}
