#!/bin/sh
# Builds the image of a board twice, from nothing and in two places, and compares: reproduce.sh
# BOARD. The variables are those of image.sh; of O the names O.1 and O.2 are made. The bundle
# is left out: its signature says when it was made.
set -eu
[ $# = 1 ] || {
	sed -n '2,4s/^# \{0,1\}//p' "$0" >&2
	exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
base=${O:-$here/../var/reproduce/$1}
for n in 1 2; do
	rm -rf "$base.$n"
	mkdir -p "$base.$n/dist"
	O=$base.$n/o DIST=$base.$n/dist "$here/image.sh" "$1"
done
for f in "$base.1"/dist/*; do
	case $f in *.raucb) continue ;; esac
	cmp "$f" "$base.2/dist/$(basename "$f")" || same=no
done
[ "${same:-yes}" = yes ] || {
	echo "reproduce: the two differ; root file systems:" >&2
	sha256sum "$base".?/o/images/rootfs.squashfs "$base".?/o/images/Image "$base".?/o/images/u-boot* >&2
	exit 1
}
echo "reproduce: $1: twice the same"
sha256sum "$base.1"/dist/*
