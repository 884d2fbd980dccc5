#!/bin/sh
# Makes the image of a slot (docs/format/card.md): squashfs, header, FIT.
#   slot-image.sh --squashfs FILE --kernel FILE --load ADDRESS --board ID --version V --out FILE
#                 [--dtb FILE]… [--initrd FILE]
# ADDRESS is where the kernel goes in memory. Wants mkimage and python3. The same input
# gives the same bytes.
set -eu

usage() {
	sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
	exit 2
}
squashfs='' kernel='' load='' board='' version='' out='' initrd='' dtb=''
while [ $# -gt 1 ]; do
	case $1 in
	--squashfs) squashfs=$2 ;;
	--kernel) kernel=$2 ;;
	--load) load=$2 ;;
	--dtb) dtb=$2 ;;
	--initrd) initrd=$2 ;;
	--board) board=$2 ;;
	--version) version=$2 ;;
	--out) out=$2 ;;
	*) usage ;;
	esac
	shift 2
done
for v in "$squashfs" "$kernel" "$load" "$board" "$version" "$out"; do [ -n "$v" ] || usage; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# node NAME FILE TYPE [PROPERTY…]: an image of the FIT
node() {
	name=$1 file=$(realpath "$2") type=$3
	shift 3
	printf '\t\t%s {\n\t\t\tdata = /incbin/("%s");\n\t\t\ttype = "%s";\n\t\t\tarch = "arm64";\n\t\t\tcompression = "none";\n' "$name" "$file" "$type"
	for p; do printf '\t\t\t%s;\n' "$p"; done
	printf '\t\t\thash-1 { algo = "sha256"; };\n\t\t};\n'
}
{
	# shellcheck disable=SC2016
	printf '/dts-v1/;\n/ {\n\tdescription = "vedette %s %s";\n\t#address-cells = <1>;\n\timages {\n' "$board" "$version"
	node kernel "$kernel" kernel 'os = "linux"' "load = <$load>" "entry = <$load>"
	[ -z "$dtb" ] || node fdt "$dtb" flat_dt
	[ -z "$initrd" ] || node ramdisk "$initrd" ramdisk 'os = "linux"'
	printf '\t};\n\tconfigurations {\n\t\tdefault = "conf";\n\t\tconf {\n\t\t\tkernel = "kernel";\n'
	[ -z "$dtb" ] || printf '\t\t\tfdt = "fdt";\n'
	[ -z "$initrd" ] || printf '\t\t\tramdisk = "ramdisk";\n'
	printf '\t\t};\n\t};\n};\n'
} >"$work/slot.its"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0} mkimage -f "$work/slot.its" "$work/slot.fit" >"$work/log" 2>&1 || {
	cat "$work/log" >&2
	exit 1
}

python3 - "$squashfs" "$work/slot.fit" "$out" "$board" "$version" "${initrd:+1}" "${dtb:+1}" <<'P'
import struct, sys, zlib
squashfs, fit, out, board, version, ramdisk, fdt = sys.argv[1:]
root = open(squashfs, "rb").read()
if root[:4] != b"hsqs":
    sys.exit(f"{squashfs}: not a squashfs")
size, = struct.unpack_from("<Q", root, 40)
page = 4096
up = lambda n: (n + page - 1) // page * page
if size > len(root):
    sys.exit(f"{squashfs}: shorter than it says")
fit = open(fit, "rb").read()
vars = {"board": board, "fit_blocks": hex((len(fit) + 511) // 512), "version": version}
if ramdisk: vars["fit_ramdisk"] = "1"
if fdt: vars["fit_fdt"] = "1"
text = b"".join(f"{k}={v}".encode() + b"\0" for k, v in sorted(vars.items()))
if len(text) > 507:
    sys.exit("the header of the slot is too long")
text = text.ljust(508, b"\0")
header = struct.pack("<I", zlib.crc32(text)) + text
with open(out, "wb") as f:
    f.write(root[:size].ljust(up(size), b"\0"))
    f.write(header.ljust(page, b"\0"))
    f.write(fit.ljust(up(len(fit)), b"\0"))
P
