# SPDX-License-Identifier: Apache-2.0
# common.sh - what the long tests share; each sources it. They need $HEFT, and work in an empty folder.
set -eu

: "${HEFT:?names the heft command}"
work=$(mktemp -d "${TMPDIR:-/tmp}/heft-long.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"

wrong()
{
	printf 'wrong: %s\n' "$*" >&2
	exit 1
}

# random N - a number from 0 to N - 1.
random()
{
	echo $(($(od -An -tu4 -N 4 /dev/urandom) % $1))
}

# kill_within MICROSECONDS COMMAND... - runs a command and kills it at a random point of that time.
kill_within()
{
	at=$(($(random "$1") + 1))
	shift
	timeout -s KILL "$(printf '%d.%06d' $((at / 1000000)) $((at % 1000000)))" "$@" >/dev/null 2>&1 || true
}

# le64 NUMBER - eight bytes.
le64()
{
	number=$1
	for _ in 1 2 3 4 5 6 7 8; do
		printf '%b' "\\0$(printf %o $((number & 255)))"
		number=$((number >> 8))
	done
}

# make_safetensors FILE MEBIBYTES - one tensor of random bytes.
make_safetensors()
{
	size=$(($2 * 1048576))
	header=$(printf '{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' $size $size)
	{
		le64 ${#header}
		printf %s "$header"
		head -c $size /dev/urandom
	} >"$1"
}

# digest FILE - the 64 digits alone.
digest()
{
	"$HEFT" digest "$1" | cut -c 1-64
}

# metadata FILE KEY - the number that stands in the metadata under the key.
metadata()
{
	"$HEFT" inspect --json "$1" | tr -d ' \n' | sed -n "s/.*\"metadata\":{[^}]*\"$2\":\"\{0,1\}\([0-9]*\).*/\1/p"
}
