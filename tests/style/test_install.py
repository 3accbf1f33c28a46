# SPDX-License-Identifier: Apache-2.0
"""What another project gets: installed headers, both libraries, and a pkg-config file that leads to them."""
import os
import pathlib
import subprocess

import pytest

from tree import ROOT, word_list

PROGRAM = """
#include <heft/version.h>
#include <stdio.h>

int main(void)
{
	puts(heft_version());
	return 0;
}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    build = os.environ.get("HEFT_BUILD")
    if not build:
        pytest.skip("HEFT_BUILD does not name a build folder")
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", str(folder)], check=True, capture_output=True)
    (found,) = folder.rglob("heft.pc")
    return folder, found.parent


def pkg_config(installed, *arguments):
    folder, where = installed
    env = dict(os.environ, PKG_CONFIG_PATH=str(where), PKG_CONFIG_SYSROOT_DIR=str(folder))
    done = subprocess.run(["pkg-config", *arguments, "heft"], env=env, capture_output=True, text=True, check=True)
    # The libraries that heft needs lie in the system and not under the sysroot.
    return done.stdout.split()


def build_and_run(tmp_path, flags, library_path):
    source = tmp_path / "program.c"
    source.write_text(PROGRAM)
    subprocess.run(["gcc", "-std=c11", str(source), "-o", str(tmp_path / "program"), *flags], check=True)
    env = dict(os.environ, LD_LIBRARY_PATH=str(library_path))
    return subprocess.run([str(tmp_path / "program")], env=env, capture_output=True, text=True, check=True).stdout.strip()


def test_a_program_is_built_with_the_shared_library(installed, tmp_path):
    flags = pkg_config(installed, "--cflags", "--libs")
    version = pkg_config(installed, "--modversion")[0]
    assert "-lzstd" not in flags
    assert build_and_run(tmp_path, flags, installed[1].parent) == version


def test_a_program_is_built_with_the_static_library(installed, tmp_path):
    flags = pkg_config(installed, "--cflags", "--libs", "--static")
    assert {"-lzstd", "-lcrypto"} <= set(flags)
    # heft's own library inside the program, and the system's beside it: what those would need to be
    # static too (-lz, on some systems) is not installed with them.
    ours = [flag for flag in flags if flag.startswith("-I")] + [str(installed[1].parent / "libheft.a")]
    ours += ["-lzstd", "-lcrypto", "-pthread", "-lm"]
    assert build_and_run(tmp_path, ours, pathlib.Path("/nowhere")) == pkg_config(installed, "--modversion")[0]


def test_the_command_is_installed(installed):
    (command,) = installed[0].rglob("bin/heft")
    done = subprocess.run([str(command), "--version"], capture_output=True, text=True, check=True)
    assert pkg_config(installed, "--modversion")[0] in done.stdout


def test_manual_pages_and_completions_are_installed_and_are_what_the_command_prints(installed):
    (command,) = installed[0].rglob("bin/heft")

    def printed(*words):
        return subprocess.run([str(command), *words], capture_output=True, check=True).stdout

    (man,) = installed[0].rglob("man/man1")
    (bash,) = installed[0].rglob("share/bash-completion/completions")
    (zsh,) = installed[0].rglob("share/zsh/site-functions")
    assert (bash / "heft").read_bytes() == printed("completion", "bash")
    assert (zsh / "_heft").read_bytes() == printed("completion", "zsh")
    commands = word_list(ROOT / "tools" / "meson.build", "commands")
    assert {p.name for p in man.iterdir()} == {"heft.1", *(f"heft-{name}.1" for name in commands)}
    assert (man / "heft.1").read_bytes() == printed("man")
    for name in commands:
        assert (man / f"heft-{name}.1").read_bytes() == printed("man", name)
