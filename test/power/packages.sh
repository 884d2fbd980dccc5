#!/usr/bin/env bash
# Installs what the power-cut lab needs on this machine, and fetches the
# guest's kernel (Debian, arm64) into the directory given, which ends up with
#   vmlinuz    the kernel
#   modules    the paths of the modules to load, one a line, in this order
#   root/      the unpacked package
# The host's own package state is not touched by the foreign architecture.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)

packages=(qemu-system-arm e2fsprogs kmod cpio device-tree-compiler)
missing=()
for p in "${packages[@]}"; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
if ((${#missing[@]})); then
	install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}")
	if [ "$(id -u)" = 0 ]; then
		apt-get update -q
		"${install[@]}"
	else
		echo "these packages are missing; run:  sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
fi

if [ -f "$dir/vmlinuz" ] && [ -f "$dir/modules" ]; then
	exit 0
fi

# shellcheck source=test/foreign.sh
. "$(dirname "$0")/../foreign.sh"
foreign_begin "$dir"
# The name of the kernel changes with each security update.
kernel=$(apt-cache "${foreign[@]}" depends linux-image-arm64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
[ -n "$kernel" ] || { echo "the package linux-image-arm64 names no kernel" >&2; exit 1; }
release=${kernel#linux-image-}
foreign_unpack "$dir" "$dir/root" "$kernel"
rm -rf "$dir/apt"

/sbin/depmod -b "$dir/root" "$release"
for m in virtio_pci virtio_blk ext4; do
	/sbin/modprobe -d "$dir/root" -S "$release" --show-depends "$m"
done | sed -n 's/^insmod \([^ ]*\).*$/\1/p' | awk '!seen[$0]++' >"$dir/modules.new"
cp "$dir/root/boot/vmlinuz-$release" "$dir/vmlinuz"
mv "$dir/modules.new" "$dir/modules"
echo "guest kernel $release, $(wc -l <"$dir/modules") modules"
