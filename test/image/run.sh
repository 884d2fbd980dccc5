#!/usr/bin/env bash
# The image lab (docs/decisions/image-lab.md): makes cards and updates with the scripts that
# Buildroot calls, with Debian's programs and kernel in the place of Buildroot's, and runs
# the tests of this directory on them. Wants root.
#   CUTS   at how many points the power is cut (default 50)
#   RUN    only the tests that match
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
lab=$root/var/image
kernel=$root/var/power/kernel
[ "$(id -u)" = 0 ] || { echo "the image lab needs root; run:  sudo make test-image" >&2; exit 1; }
mkdir -p "$lab" "$kernel"
../power/packages.sh "$kernel"
./packages.sh "$lab/debian"
export VEDETTE_KEYS=$lab/keys CGO_ENABLED=0 SOURCE_DATE_EPOCH=1700000000
older=v0.1.0 newer=v0.2.0

# The board of the lab is that of the emulator, but for how long a new system has to prove
# itself.
rm -rf "$lab/board" "$lab/foreign" "$lab/dist" "$lab/slots" "$lab/other"
mkdir -p "$lab/dist" "$lab/slots"
cp -a ../../buildroot/board/qemu_aarch64 "$lab/board"
sed -i 's/^trial_seconds=.*/trial_seconds=50/' "$lab/board/boot.env"
cp -a "$lab/board" "$lab/foreign"
sed -i 's/^BOARD_ID=.*/BOARD_ID=rpi4/' "$lab/foreign/meta"

# The machine's own device tree, with lights. (With ACPI there would be no button.)
qemu-system-aarch64 -M "virt,acpi=off,dumpdtb=$lab/board.dtb" -cpu cortex-a72 -smp 2 -m 768 -nodefaults -display none -nic none 2>/dev/null
gpio=$(fdtget -t x "$lab/board.dtb" /pl061@9030000 phandle)
fdtput -c "$lab/board.dtb" /leds
fdtput -t s "$lab/board.dtb" /leds compatible gpio-leds
light() { # LABEL LINE
	fdtput -c "$lab/board.dtb" "/leds/led$2"
	fdtput -t s "$lab/board.dtb" "/leds/led$2" label "$1"
	fdtput -t x "$lab/board.dtb" "/leds/led$2" gpios "$gpio" "$2" 0
}
light green:status 1
light red:fault 2

for v in $older $newer; do
	(cd "$root" && GOARCH=arm64 go build -trimpath -ldflags "-s -w -X main.version=$v" -o "$lab/vedette-$v" ./firmware/cmd/vedette)
done
# system VERSION VEDETTE: the root file system of it, with $1/changes on top
system() {
	VERSION=$1 ./rootfs.sh "$lab/debian/root" "$kernel" "$2" "$lab/target" "$lab/initrd"
}
squash() {
	mksquashfs "$lab/target" "$lab/rootfs.squashfs" -noappend -all-root -comp zstd -Xcompression-level 9 -quiet -no-progress
	touch "$lab/u-boot.bin"
}
# image VERSION BOARD DIST [NAME=VALUE…]: the card and the update
image() {
	local version=$1 board=$2 dist=$3
	shift 3
	mkdir -p "$dist"
	env BINARIES_DIR="$lab" BOARD_DIR="$board" VERSION="$version" VEDETTE_DIST="$dist" KERNEL="$kernel/vmlinuz" INITRD="$lab/initrd" "$@" \
		../../buildroot/board/common/post-image.sh
}
slot() { # VERSION: what is in the slot of a card
	dd if="$lab/dist/vedette-qemuvirt-$1.img" of="$lab/slots/$1.img" bs=1M skip=81 count=256 status=none
	python3 - "$lab/slots/$1.img" <<-'P'
		import sys
		with open(sys.argv[1], "r+b") as f:
		    data = f.read().rstrip(b"\0")
		    f.truncate((len(data) + 4095) // 4096 * 4096)
	P
}
mkdir -p "$lab/target"
: >"$lab/initrd"

system $older "$lab/vedette-$older"
squash
image $older "$lab/board" "$lab/dist" COMPRESS=no
slot $older
# The same inputs give the same card.
image $older "$lab/board" "$lab/other" COMPRESS=no >/dev/null
cmp "$lab/dist/vedette-qemuvirt-$older.img" "$lab/other/vedette-qemuvirt-$older.img"
(cd "$lab/dist" && xz -T0 -1 -kf vedette-qemuvirt-$older.img && sha256sum vedette-qemuvirt-$older.img.xz >vedette-qemuvirt-$older.img.xz.sha256)
image v0.0.9 "$lab/board" "$lab/other" COMPRESS=no
mv "$lab/other/vedette-qemuvirt-v0.0.9.raucb" "$lab/dist/"

system $newer "$lab/vedette-$newer"
squash
image $newer "$lab/board" "$lab/dist" COMPRESS=no
slot $newer
rm "$lab/dist"/*.img
image v0.4.0 "$lab/foreign" "$lab/other" COMPRESS=no
mv "$lab/other/vedette-rpi4-v0.4.0.raucb" "$lab/dist/vedette-qemuvirt-v0.4.0-board.raucb"
other=$(../../buildroot/board/common/signing.sh "$lab/other/keys" 2>/dev/null)
image v0.4.0 "$lab/board" "$lab/other" COMPRESS=no VEDETTE_SIGN_KEY="${other% *}" VEDETTE_SIGN_CERT="${other#* }"
mv "$lab/other/vedette-qemuvirt-v0.4.0.raucb" "$lab/dist/vedette-qemuvirt-v0.4.0-key.raucb"

# Systems that must be given up: the recorder ends at once, does nothing, or is healthy
# itself and reaches no camera.
for bad in crash hang sick; do
	mv "$lab/target/usr/bin/vedette" "$lab/target/usr/bin/vedette-real"
	case $bad in
	crash) does='exit 1' ;;
	hang) does='exec sleep 2147483647' ;;
	sick) does='ip route add blackhole 10.0.2.2/32; exec -a vedette /usr/bin/vedette-real "$@"' ;;
	esac
	# shellcheck disable=SC2016 # for the shell over there
	printf '#!/bin/sh\nif [ "$1" = run ]; then %s; fi\nexec /usr/bin/vedette-real "$@"\n' "$does" >"$lab/target/usr/bin/vedette"
	chmod 0755 "$lab/target/usr/bin/vedette"
	squash
	image v0.3.0 "$lab/board" "$lab/other" COMPRESS=no
	mv "$lab/other/vedette-qemuvirt-v0.3.0.raucb" "$lab/dist/vedette-qemuvirt-v0.3.0-$bad.raucb"
	mv "$lab/target/usr/bin/vedette-real" "$lab/target/usr/bin/vedette"
done
rm -rf "$lab/other"

VEDETTE_LAB=$lab VEDETTE_KERNEL=$kernel go test -count=1 -timeout 20m -parallel 3 -v ${RUN:+-run "$RUN"} .
