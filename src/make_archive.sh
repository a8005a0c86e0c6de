#!/bin/sh
# make_archive.sh CC OBJCOPY AR OUTPUT ARCHIVE... [-- ARCHIVE...]
# Makes the static library one relocatable object whose internal symbols are local: a plain archive would
# let a host program's own conn_run or buf_append take the place of ours, without a word from the linker.
# Of the archives behind -- only what is needed is taken. Not for objects of link-time optimisation.
set -eu
cc=$1 objcopy=$2 ar=$3 output=$4
shift 4
object=$output.o
whole=-Wl,--whole-archive
for argument in "$@"; do
    shift
    [ "$argument" != -- ] || argument=-Wl,--no-whole-archive
    set -- "$@" "$argument"
done
$cc -r -nostdlib -o "$object" "$whole" "$@"
$objcopy --localize-hidden "$object"
rm -f "$output"
$ar rcD "$output" "$object"
rm -f "$object"
