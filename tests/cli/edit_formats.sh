#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A file of another format is written anew; what it cannot hold is said before.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" a.safetensors
"$HEFT" convert -q a.safetensors a.heft
change()
{
	try edit "$1" --set license=MIT --unset model --rename 'encoder.0.*=*' --delete '*.bias'
	"$HEFT" digest "$1"
}
change a.safetensors
change a.heft
"$HEFT" inspect a.safetensors
sum=$(cksum a.safetensors)
try edit a.safetensors --set-json n=1
try edit a.safetensors --tie head.scale=norm.weight
try edit a.safetensors --untie head.scale
try edit a.safetensors --rename head.scale=norm.weight
try edit a.safetensors --rename head.scael=x
try edit a.safetensors --delete 'x*'
try edit a.safetensors --delete '*' --dry-run
try edit a.safetensors --rename head.scale=head.scale
test "$sum" = "$(cksum a.safetensors)" && echo same
try edit a.safetensors --rename head.scale=mlp.up.weight -r mlp.up.weight=head.scale --compact
"$HEFT" inspect a.safetensors | grep -e 'head.scale' -e 'up.weight'
ls

echo
"$HEFT" convert -q --shard 20KB "$FIXTURES/demo.safetensors" set/
index=set/model.safetensors.index.json
try edit $index --set by=me --rename 'encoder.0.*=*' --delete '*.bias'
"$HEFT" inspect $index | head -n 9
ls set
try edit $index --set-json n=1
try edit $index --tie head.scale=norm.weight
mv $index set/other.safetensors.index.json
try edit set/other.safetensors.index.json --set a=b

echo
"$HEFT" convert -q a.heft --include norm.weight --no-metadata w.npy
try edit w.npy --rename arr_0=w
try edit w.npy --set a=b
try edit w.npy --delete arr_0
