# SPDX-License-Identifier: Apache-2.0
"""The habits that a program can check; house rules in CONTRIBUTING.md."""
import re

import pytest

from tree import LIB, ROOT, c_files, code, files, lines_that_match, name, word_list

SCRIPTS = files("tools", "tests", "spec", "examples", "fixtures", suffixes={".sh", ".py"})
SOURCES = c_files() + SCRIPTS
TEXTS = SOURCES + files(
    "lib", "tools", "tests", "examples", "spec", "fixtures", suffixes={".md", ".build", ".txt", ".in", ".text", ".expect"}
)
TEXTS += [p for p in sorted(ROOT.glob("*")) if p.is_file()]
LIB_CODE = [p for p in c_files() if p.is_relative_to(LIB)]

# Unbounded, stateful or surprising; there is a better one of each in base/ or in C11.
BANNED = "strcpy strcat sprintf vsprintf strtok gets atoi atol atof alloca"
# The library takes its memory through base/alloc.h ...
HEAP = "malloc calloc realloc free strdup strndup reallocarray aligned_alloc posix_memalign"
# ... and never prints, ends the process or looks at its surroundings.
HOST = "printf fprintf puts fputs putchar perror exit _exit abort getenv setenv setlocale syslog"
PLATFORM = (
    r"^\s*#\s*(if|ifdef|ifndef|elif)\b.*\b("
    r"__linux__|__APPLE__|__FreeBSD__|_WIN32|__x86_64__|__i386__|__aarch64__|__arm__|__GNUC__|__clang__|__BYTE_ORDER__|"
    r"__SSE\w*|__AVX\w*|__SIZEOF_\w+)"
)


def calls(functions):
    return r"(?<![\w.>])(" + "|".join(functions.split()) + r")\s*\("


def fail_on(path, pattern, text, why):
    wrong = [f"{name(path)}:{i}: {why}: {line.strip()}" for i, line in lines_that_match(pattern, text)]
    assert not wrong, "\n".join(wrong)


def test_every_source_names_its_licence_first():
    wrong = []
    for path in SOURCES:
        first = path.read_text().split("\n")[:2]
        line = first[1] if first[0].startswith("#!") else first[0]
        if not re.fullmatch(r"(/\* |# )SPDX-License-Identifier: Apache-2.0( \*/)?", line):
            wrong.append(name(path))
    assert not wrong, f"no SPDX line first: {wrong}"


def test_every_c_file_says_its_job_in_the_first_comment():
    wrong = []
    for path in c_files():
        second = path.read_text().partition("\n")[2]
        comment = second[: second.find("*/")] if second.startswith("/*") else ""
        if path.name not in comment and path.suffix != ".inc":
            wrong.append(name(path))
    assert not wrong, f"the comment behind the licence does not name the file and its job: {wrong}"


@pytest.mark.parametrize("path", c_files(), ids=name)
def test_c_keeps_to_the_house(path):
    text = path.read_text()
    plain = code(text)
    fail_on(path, calls(BANNED), plain, "a banned function")
    fail_on(path, r"^\s*#\s*if\s+0\b", text, "code that is switched off")
    fail_on(path, r"[ \t]+$", text, "a blank at the end")
    fail_on(path, r"^.{101,}$", "\n".join(line.expandtabs(8) for line in text.split("\n")), "more than 100 columns")
    assert text.endswith("\n") and not text.endswith("\n\n")
    if path.suffix != ".inc":
        assert text.count("\n") <= 600, f"{name(path)} is longer than 600 lines: it holds two jobs"


@pytest.mark.parametrize("path", LIB_CODE, ids=name)
def test_the_library_is_a_good_guest(path):
    plain = code(path.read_text())
    fail_on(path, calls(HOST), plain, "the library never prints, exits or reads its surroundings")
    if path.relative_to(LIB).as_posix() != "base/alloc.c":
        fail_on(path, calls(HEAP), plain, "memory goes through base/alloc.h")
    if path.relative_to(LIB).parts[0] not in ("base", "include"):
        fail_on(path, PLATFORM, plain, "platforms are told apart in base/ only")


def test_text_carries_nothing_private_or_forgotten():
    wrong = []
    for path in TEXTS:
        if path.name == "test_style.py":
            continue
        text = path.read_text(errors="replace")
        forgotten = lines_that_match(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))", text)
        private = lines_that_match(r"(?<![\w.$}~])/(home|root|work|Users|opt|mnt)/", text)
        wrong += [f"{name(path)}:{i}: lacks the number of an issue: {line.strip()}" for i, line in forgotten]
        wrong += [f"{name(path)}:{i}: a path of somebody's machine: {line.strip()}" for i, line in private]
    assert not wrong, "\n".join(wrong)


def test_every_source_stands_in_a_word_list():
    for folder in sorted(p for p in LIB.iterdir() if p.is_dir() and p.name != "include"):
        text = (folder / "meson.build").read_text()
        listed = {word.removesuffix(".c") for word in re.findall(r"'([\w.]+)'", text)}
        # A list whose words become files of a longer name: files('op_' + operator + '.c').
        prefixes = re.findall(r"files\('(\w+_)' \+ \w+ \+ '\.c'\)", text)
        listed |= {prefix + word for prefix in prefixes for word in listed}
        unlisted = {p.stem for p in folder.glob("*.c")} - listed
        assert not unlisted, f"not in {name(folder)}/meson.build: {sorted(unlisted)}"


@pytest.mark.parametrize(
    "folder, pattern, variables",
    [
        ("tests/unit", "test_*.c", ["unit_tests", "threaded_unit_tests", "alloc_unit_tests", "io_unit_tests", "making_unit_tests"]),
        ("tests/robust", "test_*.c", ["robust_tests"]),
        ("tests/fuzz", "fuzz_*.c", ["fuzz_targets"]),
        ("tests/cli", "*.stdout", ["cli_tests"]),
        ("tools", "cmd_*.c", ["commands"]),
        ("examples", "*.c", ["examples"]),
    ],
)
def test_every_test_command_and_example_stands_in_its_list(folder, pattern, variables):
    prefix = pattern.split("*")[0]
    there = sorted(p.stem.removeprefix(prefix) for p in (ROOT / folder).glob(pattern))
    listed = {word for variable in variables for word in word_list(ROOT / folder / "meson.build", variable)}
    assert sorted(listed) == there
