#!/usr/bin/env bash
# Installs what the image lab needs on this machine, and fetches the programs (Debian, arm64)
# that stand in for Buildroot's packages into the directory given:
#   root/       programs and the libraries they need, as they lie in a root file system
#   u-boot.bin  U-Boot for the emulator
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)

packages=(
	qemu-system-arm genimage mtools dosfstools squashfs-tools u-boot-tools bmap-tools rauc
	xz-utils device-tree-compiler binutils python3 openssl fdisk e2fsprogs kmod cpio
)
missing=()
for p in "${packages[@]}"; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
if ((${#missing[@]})); then
	[ "$(id -u)" = 0 ] || { echo "these packages are missing; run:  sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2; exit 1; }
	apt-get update -q
	env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
fi
[ ! -f "$dir/done-2" ] || exit 0

# shellcheck source=test/foreign.sh
. "$(dirname "$0")/../foreign.sh"
foreign_begin "$dir"
wanted=(rauc squashfs-tools dbus-daemon util-linux e2fsprogs)
mapfile -t libraries < <(apt-cache "${foreign[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts \
	--no-breaks --no-replaces --no-enhances "${wanted[@]}" | grep -E '^(lib|zlib)' | grep -vE '^lib(perl|python|.*-perl$)' | sort -u)
foreign_unpack "$dir" "$dir/all" busybox-static u-boot-qemu "${wanted[@]}" "${libraries[@]}"
cp "$dir/all/usr/lib/u-boot/qemu_arm64/u-boot.bin" "$dir/u-boot.bin"

# copy TARGET FILE: and the libraries it needs, and theirs
rm -rf "$dir/root"
mkdir -p "$dir/root"/{bin,sbin,etc,lib,usr/bin,usr/sbin,usr/lib}
lib=$dir/root/lib/aarch64-linux-gnu
mkdir -p "$lib"
needs() {
	local name file
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | while read -r name; do
		[ ! -e "$lib/$name" ] || continue
		file=$(find "$dir/all" -name "$name" \( -type f -o -type l \) | head -n 1)
		[ -n "$file" ] || { echo "$1 wants $name, which no package has" >&2; exit 1; }
		cp -L "$file" "$lib/$name"
		needs "$lib/$name"
	done
}
program() { # PATH in the root, NAME in the packages
	local file
	file=$(find "$dir/all" -type f -name "$2" -path '*bin/*' | head -n 1)
	[ -n "$file" ] || { echo "no package has a program $2" >&2; exit 1; }
	cp "$file" "$dir/root/$1"
	needs "$file"
}
program bin/busybox busybox
program usr/bin/rauc rauc
program usr/bin/unsquashfs unsquashfs
program usr/bin/dbus-daemon dbus-daemon
for p in blkid wipefs; do program "sbin/$p" "$p"; done
for p in e2fsck resize2fs; do program "sbin/$p" "$p"; done
program sbin/mkfs.ext4 mke2fs
cp "$dir/all/etc/mke2fs.conf" "$dir/root/etc/"
cp -L "$(find "$dir/all" -name ld-linux-aarch64.so.1 | head -n 1)" "$lib/"
ln -s aarch64-linux-gnu/ld-linux-aarch64.so.1 "$dir/root/lib/ld-linux-aarch64.so.1"
rm -rf "$dir/all" "$dir/apt"
touch "$dir/done-2"
