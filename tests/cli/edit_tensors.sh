#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Names, ties and number of tensors, in place: what is read before and after, and what is dead.
. "$(dirname "$0")/shared/make.sh"
safetensors '{"__metadata__":{"by":"hand"},"a.weight":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b.weight":{"dtype":"F32","shape":[4],"data_offsets":[16,32]},"b.bias":{"dtype":"F32","shape":[2],"data_offsets":[32,40]},"c":{"dtype":"I64","shape":[1],"data_offsets":[40,48]}}' 48 >m.safetensors
printf '\1' | dd of=m.safetensors bs=1 seek=$(($(stat -c %s m.safetensors) - 1)) conv=notrunc 2>/dev/null
"$HEFT" convert -q m.safetensors m.heft
list()
{
	"$HEFT" inspect "$1" | sed -n '/^name/,$p'
}
try edit m.heft --rename 'b.*=B/*' --delete c --set by=me
list m.heft
weights=$("$HEFT" digest m.heft)
try edit m.heft --tie B/weight=a.weight
list m.heft
test "$weights" = "$("$HEFT" digest m.heft)" && echo same weights
try edit m.heft --rename a.weight=B/weight -r B/weight=a.weight --compact
list m.heft
try verify --strict m.heft
try edit m.heft --untie a.weight
list m.heft
"$HEFT" verify m.heft >/dev/null && echo verifies

echo
try edit m.heft --dry-run --delete '*' --set x=y
try edit m.heft --dry-run --set by=me
try edit m.heft -n --rename 'B/*=*' --unset by
try edit m.heft --rename a.wieght=x
try edit m.heft --delete B/wight
try edit m.heft --delete 'x*'
try edit m.heft --tie a.weight=B/weigth
try edit m.heft --tie a.weight=B/bias
try edit m.heft --untie B/bias
try edit m.heft --rename a.weight=B/bias
try edit m.heft --rename 'B/*=x'
try edit m.heft --rename a.weight=x --delete 'a*'
try edit m.heft --rename a.weight
try edit m.heft --tie a.weight
try edit m.heft --compact
try edit m.heft --compact --keep-links --delete 'a*'
"$HEFT" verify m.heft >/dev/null && echo verifies
list m.heft

echo
try edit m.heft --delete '*'
try inspect m.heft
"$HEFT" verify m.heft >/dev/null && echo verifies
"$HEFT" verify --previous m.heft >/dev/null && echo so does the one before
try edit m.heft --unset by --compact
try verify --strict m.heft
