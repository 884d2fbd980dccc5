#!/bin/sh
# Makes of what the packages installed the root file system that there should be, in
# TARGET_DIR. Twice does the same as once. Arguments, or variables of the environment:
#   TARGET_DIR ($1), BOARD_DIR ($2), VERSION or VEDETTE_RELEASE, VEDETTE_KEYS (directory of the
#   development key; see signing.sh), and VEDETTE_SIGN_CERT
set -eu
common=$(dirname "$(realpath "$0")")
target=${TARGET_DIR:-${1:?the directory of the root file system}}
board=${BOARD_DIR:-${2:?the directory of the board}}
version=${VERSION:-${VEDETTE_RELEASE:-dev}}
# shellcheck source=/dev/null
. "$board/meta"
fail() {
	echo "post-build: $*" >&2
	exit 1
}
[ -x "$target/usr/bin/vedette" ] || fail "$target: there is no vedette"

# Programs: those of the list, and links to BusyBox, which has what its fragment says.
# The shared libraries that are left over cost little; their programs would not.
for dir in bin sbin usr/bin usr/sbin; do
	[ ! -L "$target/$dir" ] || continue
	for f in "$target/$dir"/*; do
		[ -e "$f" ] || [ -L "$f" ] || continue
		grep -qxF "$(basename "$f")" "$common/programs" && continue
		case $(readlink "$f" || true) in *busybox) continue ;; esac
		rm -rf "$f"
	done
done

# Started is what the overlay's inittab and rcS start. A recorder needs no one's login.
find "$target/etc/init.d" -mindepth 1 ! -name rcS ! -name rcK -exec rm -rf {} +
rm -rf "$target/etc/network" "$target/etc/profile" "$target/etc/profile.d" "$target/etc/shells" "$target/etc/issue" \
	"$target/etc/fstab" "$target/etc/dbus-1" "$target/etc/udhcpc.d" "$target/usr/share/udhcpc" "$target/root/.bash_history" \
	"$target/usr/share/dbus-1" "$target/usr/share/bash-completion" "$target/usr/share/ffmpeg" "$target/usr/share/glib-2.0" \
	"$target/etc/ffmpeg"

# Firmware of devices: what the board's meta names. (The patterns are its own.)
if [ -d "$target/lib/firmware" ]; then
	kept=$(mktemp -d)
	for pattern in $FIRMWARE; do
		(cd "$target/lib/firmware" && for f in $pattern; do
			[ -e "$f" ] || [ -L "$f" ] || { echo "post-build: no firmware $f" >&2; exit 1; }
			mkdir -p "$kept/$(dirname "$f")"
			cp -a "$f" "$kept/$f"
		done)
	done
	rm -rf "$target/lib/firmware"
	mkdir -p "$target/lib/firmware"
	cp -a "$kept/." "$target/lib/firmware/"
	rm -rf "$kept"
	find "$target/lib/firmware" -type l ! -exec test -e {} \; -print | while read -r l; do
		fail "$l leads nowhere"
	done
fi

# Who this is, and whose updates it takes.
mkdir -p "$target/etc/rauc"
printf 'VERSION=%s\nBOARD=%s\n' "$version" "$BOARD_ID" >"$target/etc/vedette-release"
sed "s/@BOARD@/$BOARD_ID/" "$common/system.conf.in" >"$target/etc/rauc/system.conf"
pair=$("$common/signing.sh" "${VEDETTE_KEYS:-$common/../../../var/keys}")
cp "${VEDETTE_KEYRING:-${pair#* }}" "$target/etc/rauc/keyring.pem"
chmod 0644 "$target/etc/vedette-release" "$target/etc/rauc/system.conf" "$target/etc/rauc/keyring.pem"

# Git keeps no empty directory, so the overlay has files in those where something is mounted.
find "$target" -name .empty -type f -exec rm {} +
mkdir -p "$target/dev" "$target/proc" "$target/sys" "$target/run" "$target/tmp" "$target/data" "$target/setup" "$target/footage/disk"
