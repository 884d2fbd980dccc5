#!/bin/sh
# Makes the card and the update (docs/format/card.md) of a root file system, a kernel and
# what the board's boot loader consists of. Buildroot calls it, and so does the image lab
# with Debian's programs. Arguments, or variables of the environment:
#   BINARIES_DIR ($1)  has rootfs.squashfs, the kernel and the files of the board's meta
#   BOARD_DIR ($2)     buildroot/board/NAME
#   VERSION            or VEDETTE_RELEASE: vX.Y.Z[-N-gHASH]
#   VEDETTE_DIST             where the results go; BINARIES_DIR
#   KERNEL, INITRD     files; BINARIES_DIR/Image, none
#   ROOT               file; BINARIES_DIR/rootfs.squashfs
#   VEDETTE_KEYS, VEDETTE_SIGN_KEY, VEDETTE_SIGN_CERT  as in signing.sh
#   COMPRESS           "no" leaves the image as it is, without .xz and .sha256
#   HOST_DIR           programs are looked for in its bin and sbin first
#   SOURCE_DATE_EPOCH  the time in everything; 0
# Wants genimage, mkimage, mkenvimage, mtools, dosfstools, e2fsprogs, rauc, openssl, python3, xz;
# bmaptool where there is one.
set -eu
common=$(dirname "$(realpath "$0")")
binaries=$(realpath "${BINARIES_DIR:-${1:?the directory of what was built}}")
board=$(realpath "${BOARD_DIR:-${2:?the directory of the board}}")
version=${VERSION:-${VEDETTE_RELEASE:-}}
dist=${VEDETTE_DIST:-$binaries}
kernel=${KERNEL:-$binaries/Image}
root=${ROOT:-$binaries/rootfs.squashfs}
[ -z "${HOST_DIR:-}" ] || PATH=$HOST_DIR/bin:$HOST_DIR/sbin:$PATH
PATH=$PATH:/usr/sbin:/sbin
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0}
E2FSPROGS_FAKE_TIME=$((SOURCE_DATE_EPOCH > 0 ? SOURCE_DATE_EPOCH : 1)) # 0 would be "now"
TZ=UTC LC_ALL=C
export PATH SOURCE_DATE_EPOCH E2FSPROGS_FAKE_TIME TZ LC_ALL
umask 022
# shellcheck source=/dev/null
. "$board/meta"
fail() {
	echo "post-image: $*" >&2
	exit 1
}
printf '%s\n' "$version" | grep -qE '^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9]+-g[0-9a-f]+)?$' ||
	fail "VERSION is \"$version\", and not as in v1.2.3 or v1.2.3-4-gabcdef0"
for f in "$kernel" "$root"; do [ -r "$f" ] || fail "$f: there is no such file"; done
name=vedette-$BOARD_ID-$version
work=$binaries/card
rm -rf "$work"
mkdir -p "$work/in" "$work/root" "$work/bundle" "$dist"
dist=$(realpath "$dist")

# A slot: root and kernel in one.
set -- --squashfs "$root" --kernel "$kernel" --load "$KERNEL_LOAD" --board "$BOARD_ID" --version "$version" --out "$work/in/slot.img"
[ -z "$SLOT_DTB" ] || set -- "$@" --dtb "$binaries/$SLOT_DTB"
[ -z "${INITRD:-}" ] || set -- "$@" --initrd "$INITRD"
"$common/slot-image.sh" "$@"
bytes=$(stat -c %s "$work/in/slot.img")
[ "$bytes" -le $((256 << 20)) ] || fail "the slot's image has $bytes bytes, and a slot 256 MiB"

# The boot partition.
mkimage -A arm64 -O linux -T script -C none -n vedette -d "$common/boot.cmd" "$work/in/boot.scr" >/dev/null
cp "$board/boot.env" "$work/in/boot.env"
files='"boot.scr", "boot.env"'
for f in $BOOT_FILES; do
	cp "$binaries/$f" "$work/in/$(basename "$f")"
	files="$files, \"$(basename "$f")\""
done
loaders=''
# shellcheck disable=SC2153 # of meta
for l in $LOADERS; do
	cp "$binaries/${l%@*}" "$work/in/${l%@*}"
	loaders="$loaders\\n	partition ${l%@*} {\\n		image = \"${l%@*}\"\\n		offset = ${l#*@}\\n		in-partition-table = false\\n	}"
done

# The state of a new card: there is one system, and nothing to go back to.
printf 'a_good=1\na_left=0\nb_good=0\nb_left=0\nslot_order=A B\n' >"$work/state.env"
mkenvimage -s 0x200 -p 0x00 -o "$work/state.block" "$work/state.env"
truncate -s 1M "$work/in/state.bin"
for block in 0 8; do dd if="$work/state.block" of="$work/in/state.bin" bs=512 seek=$block conv=notrunc status=none; done

# The data: 64 MiB that may grow to 512 GiB while mounted.
cp "$common/setup/vedette.toml.example" "$work/in/"
truncate -s 64M "$work/in/data.ext4"
mke2fs -q -F -t ext4 -b 4096 -I 256 -i 16384 -m 1 -J size=8 -L vedette-data -U 76656465-7474-4565-8001-000000000006 \
	-E hash_seed=76656465-7474-4565-8001-000000000007,root_owner=0:0,resize=134217728,discard "$work/in/data.ext4"

hybrid=''
[ "$PARTITION_TABLE" != hybrid ] || hybrid='partition-type = 0xc'
sed -e "s|@NAME@|$name|; s|@TABLE@|$PARTITION_TABLE|; s|@BOOT_FILES@|$files|; s|@HYBRID@|$hybrid|; s|@LOADERS@|$loaders|" \
	"$common/genimage.cfg" >"$work/genimage.cfg"
find "$work/in" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
genimage --loglevel 0 --config "$work/genimage.cfg" --rootpath "$work/root" --inputpath "$work/in" --outputpath "$work/out" --tmppath "$work/tmp"

image=$dist/$name.img
mv "$work/out/$name.img" "$image"
if command -v bmaptool >/dev/null; then
	bmaptool create -o "$image.bmap" "$image"
else
	rm -f "$image.bmap"
	echo "post-image: there is no bmaptool, so no $name.img.bmap: flashing takes longer" >&2
fi
if [ "${COMPRESS:-yes}" != no ]; then
	xz -T1 -6 -c "$image" >"$image.xz"
	rm "$image"
	(cd "$dist" && sha256sum "$name.img.xz" >"$name.img.xz.sha256")
fi
for f in ${BESIDE:-}; do cp "$binaries/$f" "$dist/$name.$f"; done

# The update: the same slot, signed.
pair=$("$common/signing.sh" "${VEDETTE_KEYS:-$common/../../../var/keys}")
mv "$work/in/slot.img" "$work/bundle/slot.img"
cat >"$work/bundle/manifest.raucm" <<M
[update]
compatible=vedette-$BOARD_ID
version=$version

[bundle]
format=plain

[image.rootfs]
filename=slot.img
M
rm -f "$dist/$name.raucb"
rauc --key="${pair% *}" --cert="${pair#* }" bundle "$work/bundle" "$dist/$name.raucb" >"$work/rauc.log" 2>&1 || {
	cat "$work/rauc.log" >&2
	fail "rauc made no bundle"
}
rm -rf "$work"
echo "post-image: $dist/$name: root $(stat -c %s "$root") bytes, kernel $(stat -c %s "$kernel"), slot $bytes"
