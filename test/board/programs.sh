#!/usr/bin/env bash
# Fetches the programs that make file systems (Debian, arm64) into the directory
# given, with the libraries they need, as they lie in a root file system.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
[ ! -x "$dir/root/sbin/mkfs.ext4" ] || exit 0

# shellcheck source=test/foreign.sh
. "$(dirname "$0")/../foreign.sh"
foreign_begin "$dir"
foreign_unpack "$dir" "$dir/all" libc6 libblkid1 libuuid1 libext2fs2 libcom-err2 libsmartcols1 e2fsprogs util-linux

rm -rf "$dir/new"
mkdir -p "$dir/new/sbin" "$dir/new/lib/aarch64-linux-gnu" "$dir/new/etc"
for f in mke2fs blkid wipefs; do
	cp "$(find "$dir/all" -type f -name "$f" -path '*sbin*' | head -n 1)" "$dir/new/sbin/$f"
done
ln -s mke2fs "$dir/new/sbin/mkfs.ext4"
cp "$dir/all/etc/mke2fs.conf" "$dir/new/etc/"
for l in ld-linux-aarch64.so.1 libc.so.6 libblkid.so.1 libuuid.so.1 libext2fs.so.2 libe2p.so.2 libcom_err.so.2 libsmartcols.so.1 libpthread.so.0; do
	cp -L "$(find "$dir/all" -name "$l" | head -n 1)" "$dir/new/lib/aarch64-linux-gnu/$l"
done
ln -s aarch64-linux-gnu/ld-linux-aarch64.so.1 "$dir/new/lib/ld-linux-aarch64.so.1"
rm -rf "$dir/all" "$dir/apt" "$dir/root"
mv "$dir/new" "$dir/root"
