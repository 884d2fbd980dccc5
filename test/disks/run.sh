#!/usr/bin/env bash
# The disk lab: boots a real arm64 kernel with an NVMe, a SATA and an SD disk in
# an emulator, and expects hal/disk to tell what each is and how it is. Fetches
# the kernel that the power-cut lab uses.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
lab=$root/var/disks
kernel=$root/var/power/kernel
mkdir -p "$lab" "$kernel"
../power/packages.sh "$kernel"
command -v cpio >/dev/null || { echo "cpio is missing; run:  make deps" >&2; exit 1; }

rm -rf "$lab/tree"
mkdir -p "$lab/tree/modules" "$lab/tree/dev"
(cd "$root" && CGO_ENABLED=0 GOARCH=arm64 go build -trimpath -o "$lab/tree/init" ./test/disks/guest)
release=$(basename "$kernel"/root/lib/modules/*)
number=0
for m in virtio_pci virtio_blk nvme ahci sd_mod sdhci_pci mmc_block; do
	/sbin/modprobe -d "$kernel/root" -S "$release" --show-depends "$m"
done | sed -n 's/^insmod \([^ ]*\).*$/\1/p' | awk '!seen[$0]++' | while read -r file; do
	cp "$file" "$lab/tree/modules/$(printf '%02d' $number)-$(basename "$file")"
	number=$((number + 1))
done
(cd "$lab/tree" && find . | cpio -o -H newc --quiet) >"$lab/initrd"

for d in nvme sata sd; do truncate -s 64M "$lab/$d.img"; done
timeout 300 qemu-system-aarch64 -M virt -cpu cortex-a72 -m 512 -nodefaults -no-user-config -display none -serial stdio -nic none -no-reboot \
	-kernel "$kernel/vmlinuz" -initrd "$lab/initrd" -append "console=ttyAMA0 rdinit=/init panic=-1 quiet" \
	-drive "if=none,id=nvme,format=raw,file=$lab/nvme.img" -device nvme,drive=nvme,serial=n1 \
	-drive "if=none,id=sata,format=raw,file=$lab/sata.img" -device ahci,id=ahci -device ide-hd,drive=sata,bus=ahci.0,serial=s1 \
	-drive "if=none,id=sd,format=raw,file=$lab/sd.img" -device sdhci-pci -device sd-card,drive=sd \
	</dev/null >"$lab/console" 2>&1

failed=0
expect() { # NAME PATTERN
	local line
	line=$(tr -d '\r' <"$lab/console" | grep "^disk $1 " || true)
	if ! grep -qE "$2" <<<"$line"; then
		printf '%s: want %s\n  got %s\n' "$1" "$2" "${line:-nothing}" >&2
		failed=1
	else
		printf '%s\n' "$line"
	fi
}
expect nvme0n1 'kind=nvme model="QEMU NVMe Ctrl" .*bytes=67108864 .*status=good used=0 spare=- written=[0-9]+ temperature=[0-9]+'
expect sda 'kind=scsi model="QEMU HARDDISK" .*bytes=67108864 .*status=good'
expect mmcblk0 'kind=sd .*bytes=67108864 .*status=unknown .*reason="an SD card does not tell its wear"'
if [ $failed -ne 0 ]; then
	tail -n 40 "$lab/console" >&2
	exit 1
fi
