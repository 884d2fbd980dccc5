#!/bin/sh
# What can be said of this tree without building: check.sh BUILDROOT [LINUX [U-BOOT]],
# each the directory of a source tree. With a kernel's and U-Boot's it is also asked whether their
# configurations would have each option of the fragments, as the build will be.
# Wants what Buildroot wants, and python3-magic, flake8 and shellcheck.
set -eu
if [ $# = 0 ] || [ ! -d "$1/package" ]; then
	sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
buildroot=$(realpath "$1")
linux=${2:+$(realpath "$2")} uboot=${3:+$(realpath "$3")}
cd "$(dirname "$0")"
tree=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain() {
	echo "check-buildroot: $*" >&2
	bad=1
}
# quiet COMMAND…: shows what it said only if it fails
quiet() {
	"$@" >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		return 1
	}
}
# value OPTION: of the configuration that was loaded, with this tree's path in it
value() {
	sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" "$work/o/.config" | sed "s|\$(BR2_EXTERNAL_VEDETTE_PATH)|$tree|g"
}
# options SOURCE DEFCONFIG FRAGMENT…: a defconfig with fragments, as Buildroot merges them
options() {
	source=$1 defconfig=$2
	shift 2
	arch=''
	[ "$source" != "$linux" ] || arch=ARCH=arm64
	rm -rf "$work/k"
	mkdir "$work/k"
	quiet make -s -C "$source" O="$work/k" $arch "$defconfig" || return 1
	quiet "$buildroot/support/kconfig/merge_config.sh" -m -O "$work/k" "$work/k/.config" "$@" || return 1
	[ "$source" != "$linux" ] || board/common/drop-modules.sh "$work/k/.config" "$@"
	quiet make -s -C "$source" O="$work/k" $arch olddefconfig || return 1
	board/common/check-config.sh "$work/k/.config" "$@"
}

for defconfig in configs/*_defconfig; do
	name=$(basename "$defconfig")
	rm -rf "$work/o"
	if ! quiet make -s -C "$buildroot" BR2_EXTERNAL="$tree" O="$work/o" "$name" ||
		! quiet make -s -C "$buildroot" BR2_EXTERNAL="$tree" O="$work/o" savedefconfig BR2_DEFCONFIG="$work/saved"; then
		complain "$name cannot be loaded"
		continue
	fi
	diff -u "$defconfig" "$work/saved" >&2 || complain "$name is not what it saves"
	board=$(value BR2_ROOTFS_POST_SCRIPT_ARGS)
	for o in BR2_GLOBAL_PATCH_DIR BR2_ROOTFS_OVERLAY BR2_ROOTFS_POST_BUILD_SCRIPT BR2_ROOTFS_POST_FAKEROOT_SCRIPT BR2_ROOTFS_POST_IMAGE_SCRIPT \
		BR2_ROOTFS_POST_SCRIPT_ARGS BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES BR2_TARGET_UBOOT_CONFIG_FRAGMENT_FILES \
		BR2_PACKAGE_BUSYBOX_CONFIG_FRAGMENT_FILES BR2_PACKAGE_RPI_FIRMWARE_CONFIG_FILE; do
		for f in $(value $o); do [ -e "$f" ] || complain "$name: $o: there is no $f"; done
	done
	# What the card is made of must come out of this configuration.
	# shellcheck source=/dev/null
	for f in $(. "$board/meta" && echo "$SLOT_DTB $BOOT_FILES"); do
		case $f in
		*.dtb)
			case " $(value BR2_LINUX_KERNEL_INTREE_DTS_NAME) " in
			*"/${f%.dtb} "*) ;;
			*) complain "$name: the kernel makes no $f" ;;
			esac
			;;
		esac
	done
	# shellcheck disable=SC2046 # lists of files
	if [ -n "$linux" ]; then
		kernel=$(value BR2_LINUX_KERNEL_DEFCONFIG)
		kernel=${kernel:+${kernel}_defconfig}
		if [ -n "$kernel" ] && [ ! -f "$linux/arch/arm64/configs/$kernel" ]; then
			echo "check-buildroot: $name: $linux has no $kernel: its options are checked against defconfig"
			kernel=''
		fi
		options "$linux" "${kernel:-defconfig}" $(value BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES) ||
			complain "$name: the kernel's options do not survive"
	fi
	# shellcheck disable=SC2046
	if [ -n "$uboot" ]; then
		options "$uboot" "$(value BR2_TARGET_UBOOT_BOARD_DEFCONFIG)_defconfig" $(value BR2_TARGET_UBOOT_CONFIG_FRAGMENT_FILES) ||
			complain "$name: U-Boot's options do not survive"
	fi
	echo "check-buildroot: $name: looked at"
done

# A line of a fragment that names an option twice hides one of them.
for f in board/*/*.fragment; do
	twice=$(sed -nE 's/^(# )?(CONFIG_[A-Za-z0-9_]+)(=.*| is not set)$/\2/p' "$f" | sort | uniq -d)
	[ -z "$twice" ] || complain "$f: twice: $twice"
done

# shellcheck disable=SC2046
PATH=/usr/bin:$PATH "$buildroot/utils/check-package" -b Config.in external.desc external.mk $(find configs package patches board -name '*.mk' -o -name 'Config.in*' -o -name '*.hash' -type f -o -name '*_defconfig' -o -name '*.sh') >"$work/log" 2>&1 ||
	{
		cat "$work/log" >&2
		complain "utils/check-package finds something"
	}
# shellcheck disable=SC2046
shellcheck -x ./*.sh $(find board package -name '*.sh') || complain "shellcheck finds something"
scripts=$(grep -rIl '^#!/bin/sh' board package | grep -v '\.sh$' || true)
# shellcheck disable=SC2086
[ -z "$scripts" ] || shellcheck -x -s sh $scripts || complain "shellcheck finds something"

[ $bad = 0 ] || exit 1
echo "check-buildroot: nothing to complain of"
