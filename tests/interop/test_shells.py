# SPDX-License-Identifier: Apache-2.0
"""Completion in real shells, and manual pages as real formatters see them. All are held against `heft help`."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from peers import HEFT, heft

OVERVIEW = heft("--help")
COMMANDS = re.findall(r"^  (\w+)  +\S", OVERVIEW.split("commands:")[1].split("\n\n")[0], re.M)
FORMATS = re.findall(r"^  ([\w-]+)  +\.", OVERVIEW, re.M)
WRITTEN = re.findall(r"^  ([\w-]+)  +\..*write$", OVERVIEW, re.M)


def options(command):
    """[(letter or "", name)] of a command's help."""
    return re.findall(r"^  (?:-(\w),|   ) --([\w-]+)", heft("help", command), re.M)


def words(command):
    return {f"-{letter}" for letter, _ in options(command) if letter} | {f"--{name}" for _, name in options(command)}


def needs(program):
    if not shutil.which(program):
        pytest.skip(f"there is no {program}")


def test_the_help_is_understood():
    assert {"inspect", "convert"} <= set(COMMANDS) and {"heft", "safetensors"} <= set(FORMATS)
    assert {"--to", "-t", "--help", "-h"} <= words("convert")


# --- manual pages ---


def page(command):
    return heft("man", *([command] if command else []))


def without_escapes(roff):
    for escape, text in (("\\-", "-"), ("\\fB", ""), ("\\fI", ""), ("\\fR", ""), ("\\&", ""), ("\\(aq", "'"),
                         ("\\(ga", "`"), ("\\(ha", "^"), ("\\(ti", "~"), ("\\e", "\\")):  # fmt: skip
        roff = roff.replace(escape, text)
    return re.sub(r"\\\[u([0-9A-F]+)\]", lambda match: chr(int(match.group(1), 16)), roff)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_has_every_option_and_what_the_help_says_of_it(command):
    plain = without_escapes(page(command))
    for letter, name in options(command):
        head = f"-{letter}, --{name}" if letter else f"--{name}"
        assert re.search(rf"^\.TP\n{head}(\n| |\[)", plain, re.M), head
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"):
        assert f"\n.SH {section}\n" in plain
    unfilled = " ".join(plain.split())
    details = heft("help", command).split("\n\n", 2)[2].split("\n\noptions:\n")[0]
    for line in details.split("\n"):
        assert " ".join(line.split()) in unfilled


def test_the_overview_has_every_command_and_format():
    plain = without_escapes(page(None))
    for command in COMMANDS:
        assert f"\n.TP\nheft {command} " in plain
        assert f"\n.BR heft-{command} (1)" in plain
    for name in FORMATS:
        assert f"\n.TP\n{name}\n" in plain


@pytest.mark.parametrize("command", [None, *COMMANDS])
@pytest.mark.parametrize(
    "formatter",
    [["groff", "-man", "-ww", "-Tutf8"], ["man", "--warnings", "-E", "UTF-8", "-l", "-"], ["mandoc", "-T", "lint"]],
    ids=lambda words: words[0],
)
def test_formatters_have_nothing_to_say(formatter, command):
    needs(formatter[0])
    env = dict(os.environ, MANPAGER="cat", LC_ALL="C.UTF-8")
    done = subprocess.run(formatter, input=page(command), capture_output=True, text=True, env=env)
    assert done.returncode == 0 and done.stderr == ""
    if formatter[0] == "mandoc":
        assert done.stdout == ""


# --- bash ---

# What bash passes to a completion function, cut at blanks and '='; prints what the function offers.
SIMULATE = r"""
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
set -f
COMP_WORDS=(${2//=/ = })
[[ $2 == *[\ ] ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
set +f
_heft
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory):
    needs("bash")
    path = tmp_path_factory.mktemp("bash") / "heft"
    path.write_text(heft("completion", "bash"))
    return path


def offers(bash_script, line):
    done = subprocess.run(
        ["bash", "--norc", "-c", SIMULATE, "bash", bash_script, line], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_takes_the_script(bash_script):
    done = subprocess.run(["bash", "-n", bash_script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_bash_offers_commands(bash_script):
    assert set(offers(bash_script, "heft ")) == {*COMMANDS, "help", "--help", "--version"}
    assert offers(bash_script, "heft conv") == ["convert"]
    assert set(offers(bash_script, "heft help ")) == {*COMMANDS, "help"}
    assert offers(bash_script, "heft man dig") == ["digest"]


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_offers_every_option(bash_script, command):
    offered = offers(bash_script, f"heft {command} -")
    assert {word for word in offered if "=" not in word} == words(command)
    assert {word.partition("=")[0] for word in offered} == words(command)


def test_bash_offers_values(bash_script):
    assert offers(bash_script, "heft convert a b --to ") == WRITTEN
    assert offers(bash_script, "heft convert a b -t hef") == ["heft"]
    assert offers(bash_script, "heft convert --to=saf") == [name for name in WRITTEN if name.startswith("saf")]
    assert offers(bash_script, "heft convert a b --dtype BF") == ["BF16"]
    assert "F8_E4M3" in offers(bash_script, "heft convert a b -d F8_")
    assert offers(bash_script, "heft convert a --compress=") == ["none", "fast", "best"]
    assert offers(bash_script, "heft convert a --compress=b") == ["best"]
    assert offers(bash_script, "heft convert --dtype-of *.bias=F3") == ["F32"]
    assert offers(bash_script, "heft convert --dtype-of=*.bias=F3") == ["F32"]
    assert offers(bash_script, "heft inspect --sort si") == offers(bash_script, "heft inspect --sort=si") == ["size"]
    assert offers(bash_script, "heft digest --assume V2=BF") == ["BF16"]
    assert offers(bash_script, "heft completion ") == ["bash", "zsh"]


def test_bash_offers_nothing_of_its_own_where_files_go_and_where_nothing_is_known(bash_script):
    for line in ("heft inspect ", "heft convert a.heft b", "heft dump -o ", "heft digest a b ", "heft convert -j ",
                 "heft convert --include enc", "heft convert --dtype-of enc", "heft nonsense --"):  # fmt: skip
        assert offers(bash_script, line) == []


# --- a shell on a terminal, into which keys are typed ---


class Typist:
    def __init__(self, command, folder, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, env)

    def read_until(self, pattern, seconds=20):
        seen, end = "", time.monotonic() + seconds
        while not re.search(pattern, seen):
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"no {pattern!r} in {seen!r}"
            seen += os.read(self.fd, 4096).decode(errors="replace")
        return seen

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def typed(shell, setup, folder, keys):
    """What the command `heft` is called with when the keys, then Enter, are typed."""
    env = dict(os.environ, PS1="> ", TERM="dumb", HOME=str(folder), LC_ALL="C.UTF-8")
    (folder / "model.safetensors").touch()
    typist = Typist(shell, folder, env)
    try:
        typist.read_until("> ")
        typist.type(f"{setup}; heft() {{ printf '<%s>' \"$@\"; echo; }}; echo rea''dy\n")
        typist.read_until("ready\r?\n")
        typist.type(keys)
        time.sleep(0.3)  # a line that is entered before the key was heard is not completed
        typist.type("\n")
        return re.search(r"<.*>", typist.read_until(r"<[^\r\n]*>\r?\n")).group(0)
    finally:
        typist.close()


def test_bash_completes_as_keys_are_typed(bash_script, tmp_path):
    shell = ["bash", "--norc", "--noprofile", "-i"]
    keys = "heft conv\t--to he\t--dtype BF\tm\t"
    want = "<convert><--to><heft><--dtype><BF16><model.safetensors>"
    assert typed(shell, f"source {bash_script}", tmp_path, keys) == want


@pytest.fixture(scope="module")
def zsh_script(tmp_path_factory):
    needs("zsh")
    path = tmp_path_factory.mktemp("zsh") / "_heft"
    path.write_text(heft("completion", "zsh"))
    return path


def test_zsh_takes_the_script(zsh_script):
    done = subprocess.run(["zsh", "-f", "-n", zsh_script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert zsh_script.read_text().startswith("#compdef heft\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_zsh_script_has_every_option(zsh_script, command):
    (part,) = re.findall(rf"^\t{command}\)\n(.*?)\n\t\t;;$", zsh_script.read_text(), re.M | re.S)
    found = re.findall(r"(?:[{, \t'](--?[\w-]+?)(?:=-|=|\+|-)?)(?=[,}']|\[)", re.sub(r"\[.*?[^\\]\]", "[]", part))
    assert set(found) - {"-"} == words(command)


@pytest.mark.parametrize("how", ["source {file}", "fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D"])
def test_zsh_completes_as_keys_are_typed(zsh_script, tmp_path, how):
    shell = ["zsh", "-f", "-i"]
    setup = "autoload -Uz compinit; compinit -u -D; " if "source" in how else ""
    setup += how.format(file=zsh_script, folder=zsh_script.parent)
    keys = "heft conv\t--to he\t--dtype BF\tm\t"
    want = "<convert><--to><heft><--dtype><BF16><model.safetensors>"
    assert typed(shell, setup, tmp_path, keys) == want
    keys = "heft convert --compress=be\t--dtype-of 'a*'=F3\tmod\t"
    assert typed(shell, setup, tmp_path, keys) == "<convert><--compress=best><--dtype-of><a*=F32><model.safetensors>"
