#!/usr/bin/env bash
# Puts a root file system together as Buildroot would, of the same overlay and the same
# vedette, with Debian's programs in the place of Buildroot's packages; and the initial
# RAM disk that Debian's kernel needs, since it has drivers as modules.
#   rootfs.sh PROGRAMS KERNEL VEDETTE TARGET INITRD
# VERSION and VEDETTE_KEYS are post-build.sh's.
set -euo pipefail
[ $# = 5 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
programs=$(realpath "$1") kernel=$(realpath "$2") vedette=$(realpath "$3") target=$(realpath "$4") initrd=$(realpath "$5")
cd "$(dirname "$0")"
common=../../buildroot/board/common

rm -rf "$target"
mkdir -p "$target"/{dev,proc,sys,run,tmp,root}
cp -a "$programs/." "$target/"
chmod -R u+rwX,go-w "$target"
for a in init sh mount umount mkdir cat ln sed grep tr dd sleep touch hostname ip udhcpc pidof killall sync reboot poweroff mv tail cp rm; do
	ln -sf /bin/busybox "$target/bin/$a"
done
for a in init reboot poweroff; do ln -sf /bin/busybox "$target/sbin/$a"; done
cp -a "$common/rootfs-overlay/." "$target/"
cp "$vedette" "$target/usr/bin/vedette"
BOARD_DIR=../../buildroot/board/qemu_aarch64 "$common/post-build.sh" "$target"
"$common/post-fakeroot.sh" "$target"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{bin,proc,sys,dev,root,modules}
cp "$programs/bin/busybox" "$tree/bin/busybox"
release=$(basename "$kernel"/root/lib/modules/*)
for m in virtio_pci virtio_blk virtio_net nvme sdhci_pci mmc_block i6300esb virtio_input evdev gpio-keys leds-gpio ledtrig-timer ledtrig-pattern squashfs ext4 vfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8 loop efi_pstore; do
	/sbin/modprobe -d "$kernel/root" -S "$release" --show-depends "$m" 2>/dev/null || echo "no module $m, or built in" >&2
done | sed -n 's/^insmod \([^ ]*\).*$/\1/p' | awk '!seen[$0]++' >"$tree/list"
number=100
while read -r file; do
	cp "$file" "$tree/modules/$number-$(basename "$file")"
	number=$((number + 1))
done <"$tree/list"
rm "$tree/list"
cp initrd-init "$tree/init"
chmod 0755 "$tree/init"
(cd "$tree" && find . | LC_ALL=C sort | cpio -o -H newc --quiet --reproducible) | gzip -n1 >"$initrd"
