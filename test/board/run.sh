#!/usr/bin/env bash
# The board lab: boots a real arm64 kernel in an emulator, several machines at once:
#   disks    an NVMe, a SATA and an SD disk: hal/disk tells what each is and how it is
#   leds     a light of the kernel's shows each pattern of hal/led
#   fed      a watchdog that is fed, and then closed cleanly: the machine goes on
#   starved  one that is not fed, and
#   dropped  one that is let go without a word: the machine is reset
#   product  the product with a watchdog and a light, for longer than the watchdog
#            waits, and stopped: the machine goes on
#   button   the product with a button: pressed from outside it keeps footage, held
#            for more than 3 s it stops cleanly
#   frozen   the same as product, frozen by SIGSTOP: the machine is reset
#   wedged   the product while its footage disk hangs (the file system is frozen below it, so the
#            writer hangs in the kernel): the machine is reset; and
#   after    its next boot, on the same disks: it names what hung, and records again
#   hotplug  a USB stick is plugged in, prepared from the API, recorded to, pulled meanwhile,
#            plugged in again and removed safely: the camera moves and comes back
#   clock    the product on a machine whose clock begins in 1970 and is then set: footage is
#            kept, under its right time, and the real-time clock is set
#   board    lines of a GPIO controller are driven, claimed and refused; then the product, which
#            knows the board by its device tree: its light shows that a camera is recorded, a
#            button on a line, pressed from outside, keeps footage
# Fetches the kernel that the power-cut lab uses. Wants make build-all.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
lab=$root/var/board
kernel=$root/var/power/kernel
mkdir -p "$lab" "$kernel"
../power/packages.sh "$kernel"
./programs.sh "$root/var/board-programs"
command -v cpio >/dev/null || { echo "cpio is missing; run:  make deps" >&2; exit 1; }

[ -x "$root/bin/vedette-linux-arm64" ] || { echo "bin/vedette-linux-arm64 is missing; run:  make build-all" >&2; exit 1; }

rm -rf "$lab/tree"
mkdir -p "$lab/tree/modules" "$lab/tree/dev"
(cd "$root" && CGO_ENABLED=0 GOARCH=arm64 go build -trimpath -o "$lab/tree/init" ./test/board/guest)
cp "$root/bin/vedette-linux-arm64" "$lab/tree/vedette"
cp -a "$root/var/board-programs/root/." "$lab/tree/"
release=$(basename "$kernel"/root/lib/modules/*)
number=0
for m in virtio_pci virtio_blk nvme ahci sd_mod sdhci_pci mmc_block i6300esb virtio_input evdev ledtrig-timer leds-gpio ext4 xhci-pci usb-storage; do
	/sbin/modprobe -d "$kernel/root" -S "$release" --show-depends "$m"
done | sed -n 's/^insmod \([^ ]*\).*$/\1/p' | awk '!seen[$0]++' | while read -r file; do
	cp "$file" "$lab/tree/modules/$(printf '%02d' $number)-$(basename "$file")"
	number=$((number + 1))
done
(cd "$lab/tree" && find . | cpio -o -H newc --quiet) >"$lab/initrd"

for d in nvme sata sd; do truncate -s 64M "$lab/$d.img"; done
# boot WHAT [ARGUMENT…]: until the machine ends, or four minutes have passed
boot() {
	local what=$1 rc=0
	shift
	timeout 240 qemu-system-aarch64 -M virt -cpu cortex-a72 -m 512 -nodefaults -no-user-config -display none -serial stdio -nic none -no-reboot \
		-kernel "$kernel/vmlinuz" -initrd "$lab/initrd" -append "console=ttyAMA0 rdinit=/init panic=-1 quiet lab=$what" "$@" \
		</dev/null >"$lab/$what.console" 2>&1 || rc=$?
	echo "$rc" >"$lab/$what.rc"
}
rm -f "$lab"/*.monitor "$lab"/*.console
boot disks \
	-drive "if=none,id=nvme,format=raw,file=$lab/nvme.img" -device nvme,drive=nvme,serial=n1 \
	-drive "if=none,id=sata,format=raw,file=$lab/sata.img" -device ahci,id=ahci -device ide-hd,drive=sata,bus=ahci.0,serial=s1 \
	-drive "if=none,id=sd,format=raw,file=$lab/sd.img" -device sdhci-pci -device sd-card,drive=sd &
first=($!)
for d in state footage; do
	rm -f "$lab/$d.img"
	truncate -s 512M "$lab/$d.img"
	mkfs.ext4 -q -F "$lab/$d.img"
done
# with_disks WHAT: a machine with a system disk and a footage disk
with_disks() {
	boot "$1" -device i6300esb -action watchdog=reset \
		-drive "if=none,id=state,format=raw,file=$lab/state.img" -device virtio-blk-pci,drive=state,serial=state \
		-drive "if=none,id=footage,format=raw,file=$lab/footage.img" -device virtio-blk-pci,drive=footage,serial=footage
}
with_disks wedged && with_disks after &
for what in fed starved dropped product frozen; do boot $what -device virtio-keyboard-pci -device i6300esb -action watchdog=reset & first+=($!); done
boot leds -device virtio-keyboard-pci &
first+=($!)
boot button -device virtio-keyboard-pci -device i6300esb -action watchdog=reset -monitor "unix:$lab/button.monitor,server=on,wait=off" &
first+=($!)
# The machine's own device tree, with names for lines, a light, and line 3, which the
# emulator presses, left to us.
tree=$lab/board.dtb
qemu-system-aarch64 -M "virt,dumpdtb=$tree" -cpu cortex-a72 -m 512 -nodefaults -display none -nic none 2>/dev/null
gpio=$(fdtget -t x "$tree" /pl061@9030000 phandle)
fdtput -r "$tree" /gpio-keys
fdtput -t s "$tree" /pl061@9030000 gpio-line-names LED-A LED-B STATUS BUTTON
fdtput -c "$tree" /leds
fdtput -t s "$tree" /leds compatible gpio-leds
fdtput -c "$tree" /leds/status
fdtput -t s "$tree" /leds/status label green:status
fdtput -t x "$tree" /leds/status gpios "$gpio" 2 0
# says WHAT LINE: until the console of WHAT has LINE, for two minutes
says() {
	for ((i = 0; i < 240; i++)); do
		! grep -qsa "$2" "$lab/$1.console" || return 0
		sleep 0.5
	done
	return 1
}
# tell WHAT COMMAND: to the emulator of WHAT
tell() { python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(f"{sys.argv[2]}\n".encode())
time.sleep(1)' "$lab/$1.monitor" "$2"; }
if says button "^panel: "; then
	tell button "sendkey spc 300"
	says button "msg=button gesture=press" && tell button "sendkey spc 4000"
fi
wait "${first[@]}"
# The others after them: a machine that has no time to run shows nothing.
truncate -s 0 "$lab/stick.img"
truncate -s 1200M "$lab/stick.img"
boot hotplug -device qemu-xhci,id=usb -monitor "unix:$lab/hotplug.monitor,server=on,wait=off" &
boot clock -rtc base=1970-01-01T00:00:10 &
boot board -dtb "$tree" -device i6300esb -action watchdog=reset -monitor "unix:$lab/board.monitor,server=on,wait=off" &
# In time for a first file: a hold is of what is recorded.
if says board "light green:status lit" && sleep 10; then
	tell board system_powerdown
fi
# plug NAME: the stick, as another device of the emulator
plug() {
	tell hotplug "drive_add 0 if=none,id=$1,format=raw,file=$lab/stick.img"
	tell hotplug "device_add usb-storage,bus=usb.0,drive=$1,id=dev$1,serial=STICK1"
}
if says hotplug "^hotplug: plug"; then
	plug first
	says hotplug "^hotplug: pull" && tell hotplug "device_del devfirst"
	says hotplug "^hotplug: plug again" && plug second
fi
wait

failed=0
# told WHAT PATTERN: the console of WHAT has such a line. All of it is read: a grep that ends
# early ends tr with a signal, and that would count as a failure.
told() { tr -d '\r' <"$lab/$1.console" | grep -aE "$2" >/dev/null; }
# wants WHAT PATTERN…: it has each of them
wants() {
	local what=$1 pattern
	shift
	for pattern; do
		told "$what" "$pattern" && continue
		printf '%s: want %s\n' "$what" "$pattern" >&2
		tail -n 60 "$lab/$what.console" >&2
		failed=1
	done
}
expect() { # NAME PATTERN
	local line
	line=$(tr -d '\r' <"$lab/disks.console" | grep "^disk $1 " || true)
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
# Three seconds of each pattern: blink changes six times, fast 24 times.
for p in 'solid changes=0 on=60' 'blink changes=[4-8] on=[23][0-9]' 'fast changes=(1[5-9]|2[0-9]) on=[23][0-9]' 'off changes=0 on=0'; do
	if ! told leds "^light $p$"; then
		printf 'light: want %s\n' "$p" >&2
		tail -n 20 "$lab/leds.console" >&2
		failed=1
	fi
done
[ $failed -ne 0 ] || echo "lights: solid, blink, fast and off, by the kernel's trigger"

# dog WHAT DONE LINE: the machine ended by itself (1), or was reset before it could (0)
dog() {
	local ended
	ended=$(grep -c '^guest done' "$lab/$1.console" || true)
	if ! told "$1" "$3" || [ "$ended" != "$2" ] || [ "$(cat "$lab/$1.rc")" != 0 ] || grep -q '^guest failed' "$lab/$1.console"; then
		printf 'a watchdog that is %s: done %s, want %s; emulator ended with %s\n' "$1" "$ended" "$2" "$(cat "$lab/$1.rc")" >&2
		tail -n 20 "$lab/$1.console" >&2
		failed=1
	else
		printf 'watchdog %s: %s\n' "$1" "$([ "$2" = 1 ] && echo 'the machine went on' || echo 'the machine was reset')"
	fi
}
armed='^watchdog "i6300ESB timer" timeout=6s left=[1-6]'
dog fed 1 "$armed"
dog starved 0 "$armed"
dog dropped 0 "$armed"
dog product 1 'msg="watchdog armed" identity="i6300ESB timer" was_reset=false'
dog button 1 'msg=button gesture=hold'
dog wedged 0 '^wedged: the footage disk hangs'
dog after 1 'the watchdog has reset the machine.*disk'
wants after '^event watchdog_reset .*disk' '^footage files [1-9]'
dog hotplug 1 '^hotplug: removed safely'
wants hotplug '^hotplug: the camera records to the stick again' '^footage files [2-9]' '^event disk_offered' '^event disk_pulled' '^event disk_removed'
! grep -qa '^panic' "$lab/hotplug.console" || failed=1
dog clock 1 '^clock: begins in 1970'
wants clock '^clock: before the step footage of map\[1970:' '^clock: after the step footage of map\[2026:[0-9]*\]' '^clock: the real-time clock says 2026-12-01' '^event clock_stepped '
dog board 1 'msg="watchdog armed" identity="i6300ESB timer" was_reset=false'
wants board '^lines: driven, claimed, named' '^light green:status timer' '^light green:status lit' 'msg=button gesture=press' '^light green:status dark after the stop' '^footage files [1-9]' '^evidence files [1-9]'
dog frozen 0 '^watchdog: the recorder is frozen'
if [ $failed -ne 0 ]; then
	tail -n 40 "$lab/disks.console" >&2
	exit 1
fi
