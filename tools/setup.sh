#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# setup.sh [build|test] - installs what heft needs to be built, or to be built and tested, through the
# system's package manager, and only what is missing. tools/demo.sh and tools/test.sh call it.
#
# Exit: 0 all is there; 1 the package manager failed; 2 this system or user cannot install.
set -u

say() { printf 'setup: %s\n' "$*"; }

# lacks PACKAGE COMMAND... - notes a Debian package when the command says that what it gives is absent.
missing=
all=
lacks()
{
	package=$1
	shift
	all="$all $package"
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

has_meson()
{
	version=$(meson --version 2>/dev/null) || return 1
	[ "${version%%.*}" -ge 1 ]
}

has_libc()
{
	echo '#include <stdio.h>' | cc -E -x c - 2>/dev/null
}

has_sanitizers()
{
	probe=$(mktemp) || return 1
	echo 'int LLVMFuzzerTestOneInput(const char *s, long n); int LLVMFuzzerTestOneInput(const char *s, long n) { return s && n < 0; }' |
		clang -fsanitize=fuzzer,address -x c - -o "$probe"
	found=$?
	rm -f "$probe"
	return $found
}

find_missing()
{
	missing=
	all=
	lacks gcc command -v cc
	lacks libc6-dev has_libc
	lacks meson has_meson
	lacks ninja-build command -v ninja
	lacks pkg-config command -v pkg-config
	lacks libzstd-dev pkg-config --exists libzstd
	lacks zlib1g-dev pkg-config --exists zlib
	lacks libssl-dev pkg-config --exists 'libcrypto >= 3.0'
	[ "$what" = test ] || return 0
	lacks gcc command -v gcc
	lacks g++ command -v g++
	lacks check pkg-config --exists check
	lacks clang command -v clang
	lacks libclang-rt-dev has_sanitizers
	lacks python3-venv python3 -c 'import ensurepip, venv'
}

# unique WORD... - the words, each once.
unique()
{
	words=
	for word; do
		case " $words " in
		*" $word "*) ;;
		*) words="$words $word" ;;
		esac
	done
	echo $words
}

what=${1-build}
case $what in
build | test) ;;
*)
	say "usage: setup.sh [build|test]" >&2
	exit 2
	;;
esac

find_missing
[ -n "$missing" ] || exit 0
missing=$(unique $missing)

if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
	{
		say "this system has no apt-get; install these with its own package manager and run this again"
		say "(Debian's names): $(unique $all)"
		say "not found now: $missing"
	} >&2
	exit 2
fi

root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		say "these packages are missing, and only root can install them:" >&2
		say "	apt-get install $missing" >&2
		exit 2
	fi
	root=sudo
fi

say "installing with apt-get${root:+ and sudo}: $missing"
$root apt-get -qq update || say "the package lists are as old as they are" >&2
if ! out=$($root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 \
	install --no-install-recommends $missing 2>&1); then
	printf '%s\n' "$out" >&2
	say "apt-get could not install: $missing" >&2
	exit 1
fi

find_missing
if [ -n "$missing" ]; then
	say "still not found after the installation: $(unique $missing)" >&2
	say "heft needs meson 1.0 and OpenSSL 3.0 or newer: Debian 12, Ubuntu 24.04 or later" >&2
	exit 1
fi
