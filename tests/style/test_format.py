# SPDX-License-Identifier: Apache-2.0
"""clang-format decides the layout, so that nobody argues about it; one version, because versions differ."""
import pathlib
import subprocess
import sys

import pytest

from tree import c_files, name

CLANG_FORMAT = pathlib.Path(sys.executable).parent / "clang-format"


def test_the_formatter_is_the_one_that_counts():
    done = subprocess.run([str(CLANG_FORMAT), "--version"], capture_output=True, text=True, check=True)
    assert " 14.0.6 " in done.stdout


@pytest.mark.parametrize("path", [p for p in c_files() if p.suffix in (".c", ".h")], ids=name)
def test_the_layout_is_that_of_clang_format(path):
    done = subprocess.run(
        [str(CLANG_FORMAT), "--style=file", "--dry-run", "-Werror", str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
