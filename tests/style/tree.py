# SPDX-License-Identifier: Apache-2.0
"""The project's files, and how the style tests look at C."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIB = ROOT / "lib"
PUBLIC = sorted((LIB / "include" / "heft").glob("*.h"))


def files(*folders, suffixes):
    """The files below the folders that end in one of the suffixes."""
    found = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
                found.append(path)
    return found


def c_files():
    return files("lib", "tools", "examples", "tests", suffixes={".c", ".h", ".inc"})


def name(path):
    """A path as a message shows it; it names the parametrized tests too."""
    return str(path.relative_to(ROOT))


_COMMENT_OR_STRING = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


def code(text):
    """C without the words in its comments and strings; lines keep their numbers."""

    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + " " * (len(found) - 2) + found[0]

    return _COMMENT_OR_STRING.sub(blank, text)


def lines_that_match(pattern, text):
    """[(line number, line)] of the lines with a match."""
    return [(i, line) for i, line in enumerate(text.split("\n"), 1) if re.search(pattern, line)]


def includes(path):
    """[(line number, '"' or '<', name)] of a C file."""
    found = []
    for i, line in enumerate(path.read_text().split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match:
            found.append((i, match.group(1), match.group(2)))
    return found


def word_list(path, variable):
    """The words of `variable = ['a', 'b']` or `variable = files('a.c')` in a meson.build."""
    match = re.search(rf"^{variable} = (?:files\(|\[)(.*?)[\])]", path.read_text(), re.S | re.M)
    assert match, f"{name(path)} has no list {variable}"
    return re.findall(r"'([^']*)'", re.sub(r"#[^\n]*", "", match.group(1)))
