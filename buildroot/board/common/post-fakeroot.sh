#!/bin/sh
# The last word on owners and modes, below fakeroot, in TARGET_DIR ($1): accounts are
# those of the overlay, nothing is setuid, setgid or writable for everybody.
set -eu
common=$(dirname "$(realpath "$0")")
target=${TARGET_DIR:-${1:?the directory of the root file system}}
for f in passwd group shadow; do cp "$common/rootfs-overlay/etc/$f" "$target/etc/$f"; done
chmod 0600 "$target/etc/shadow"
rm -f "$target/usr/libexec/dbus-daemon-launch-helper" "$target"/etc/passwd- "$target"/etc/group- "$target"/etc/shadow-
find "$target" ! -type l -perm /6000 -exec chmod ug-s {} +
# Where something is mounted, the mount says who may write.
chmod 0755 "$target/tmp" "$target/run" "$target/dev" "$target/data" "$target/setup"
find "$target/var" -type d -perm -0002 -exec chmod 0755 {} + 2>/dev/null || true
bad=$(find "$target" ! -type l \( -perm /6000 -o -perm -0002 \) ! -type c)
[ -z "$bad" ] || {
	printf 'post-fakeroot: setuid, setgid or writable for everybody:\n%s\n' "$bad" >&2
	exit 1
}
