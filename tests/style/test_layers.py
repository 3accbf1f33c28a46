# SPDX-License-Identifier: Apache-2.0
"""lib/LAYERS says what each folder of lib/ may include; here every include is held against it."""
import pytest

from tree import LIB, c_files, files, includes, name

# What C11 and POSIX give, and intrinsics; anything else in <> belongs to another project.
SYSTEM = set(
    """assert.h complex.h ctype.h errno.h fenv.h float.h inttypes.h limits.h locale.h math.h setjmp.h
    signal.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h
    string.h strings.h threads.h time.h wchar.h
    dirent.h dlfcn.h fcntl.h fnmatch.h ftw.h getopt.h glob.h langinfo.h libgen.h poll.h pthread.h regex.h sched.h
    semaphore.h spawn.h sysexits.h termios.h unistd.h
    arm_acle.h arm_neon.h cpuid.h immintrin.h nmmintrin.h wmmintrin.h""".split()
)


def read_layers():
    """{folder: (folders it may include, prefixes of outside headers)}, from the bottom up."""
    layers = {}
    for line in (LIB / "LAYERS").read_text().split("\n"):
        line = line.split("#")[0].strip()
        if not line:
            continue
        folder, _, rest = line.partition(":")
        below, _, uses = rest.partition(";")
        uses = uses.split()
        assert not uses or uses.pop(0) == "uses", f"LAYERS: {line}"
        layers[folder] = (below.split(), uses)
    return layers


LAYERS = read_layers()


def is_system(header):
    return header in SYSTEM or header.startswith(("sys/", "linux/", "asm/"))


def test_a_row_names_only_rows_above_it():
    seen = []
    for folder, (below, _) in LAYERS.items():
        assert set(below) <= set(seen), f"{folder} names a folder that is not above it"
        seen.append(folder)


def test_every_folder_has_a_row():
    folders = {p.name for p in LIB.iterdir() if p.is_dir()} - {"include"}
    assert folders == set(LAYERS)


@pytest.mark.parametrize("path", files("lib", suffixes={".c", ".h", ".inc"}), ids=name)
def test_a_layer_includes_only_what_its_row_allows(path):
    folder = path.relative_to(LIB).parts[0]
    below, uses = LAYERS.get(folder, ([], []))
    own = [] if folder == "include" else [folder]
    wrong = []
    for i, kind, header in includes(path):
        first = header.split("/")[0]
        if kind == "<":
            fine = is_system(header) or any(header.startswith(u) for u in uses)
        else:
            fine = first == "heft" or ("/" in header and first in own + below)
        if not fine:
            wrong.append(f"{name(path)}:{i}: {folder} may not include {header}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "path", [p for p in c_files() if p.is_relative_to(LIB.parent / "tools") or p.is_relative_to(LIB.parent / "examples")],
    ids=name,
)
def test_programs_include_only_public_headers_and_their_own(path):
    wrong = []
    for i, kind, header in includes(path):
        own = "/" not in header and ((path.parent / header).exists() or header.endswith("_list.inc"))
        # Examples write <heft/file.h>, as the installed headers are used.
        fine = header.startswith("heft/") or (is_system(header) if kind == "<" else own)
        if not fine:
            wrong.append(f"{name(path)}:{i}: may not include {header}")
    assert not wrong, "\n".join(wrong)
