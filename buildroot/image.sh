#!/bin/sh
# Builds the image of a board: image.sh BOARD, an id (rpi4) or the name of a configuration
# (raspberrypi4_64). Results go to dist/: docs/BUILDING.md. Variables of the environment:
#   BUILDROOT     a source tree; else the pinned release is fetched to var/
#   O             where it is built; var/build/BOARD
#   EXTRA_CONFIG  a fragment of a Buildroot configuration, which has the last word
#   VERSION       vX.Y.Z[-N-gHASH]; else what git says
#   DIST          dist/
#   VEDETTE_SIGN_KEY, VEDETTE_SIGN_CERT, VEDETTE_KEYRING  docs/BUILDING.md
# and whatever Buildroot reads from it, such as BR2_DL_DIR.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
project=$(dirname "$here")

# The release, by its tag and the commit that it names: what git fetches by a commit
# is that commit's tree, or an error.
release=2026.05.1
commit=cb857ba4c87a93e5265a9e4a3f32071abf39e14a
origin=https://gitlab.com/buildroot.org/buildroot.git

fail() {
	echo "image: $*" >&2
	exit 1
}
[ -n "${1:-}" ] || fail "which board? One of: $(sed -n 's/^BOARD_ID=//p' "$here"/board/*/meta | tr '\n' ' ')"
name=''
for meta in "$here"/board/*/meta; do
	candidate=$(basename "$(dirname "$meta")")
	id=$(sed -n 's/^BOARD_ID=//p' "$meta")
	case $1 in "$id" | "$candidate" | "vedette_${candidate}_defconfig") name=$candidate board=$id ;; esac
done
[ -n "$name" ] || fail "there is no board $1; there are: $(sed -n 's/^BOARD_ID=//p' "$here"/board/*/meta | tr '\n' ' ')"
extra=${EXTRA_CONFIG:-}
[ -z "$extra" ] || [ -r "$extra" ] || fail "EXTRA_CONFIG: $extra cannot be read"
[ -z "$extra" ] || extra=$(realpath "$extra")
out=${O:-$project/var/build/$board}
dist=${DIST:-$project/dist}
mkdir -p "$out" "$dist"
out=$(realpath "$out") dist=$(realpath "$dist")
cd "$project"

version=${VERSION:-}
if [ -z "$version" ]; then
	version=$(git describe --tags --match 'v[0-9]*' 2>/dev/null) || version=v0.0.0-$(git rev-list --count HEAD)-g$(git rev-parse --short HEAD)
	[ -z "$(git status --porcelain)" ] || echo "image: there are changes that $version does not name" >&2
fi
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

# Another board's output in the same place gives a mix of both.
if [ -f "$out/.vedette-board" ] && [ "$(cat "$out/.vedette-board")" != "$name" ]; then
	fail "$out holds the output of $(cat "$out/.vedette-board"): remove it, or name another with O="
fi
echo "$name" >"$out/.vedette-board"

buildroot=${BUILDROOT:-$project/var/buildroot-$release}
if [ -n "${BUILDROOT:-}" ]; then
	[ -d "$buildroot/package" ] || fail "BUILDROOT: $buildroot is not a source tree of Buildroot"
	buildroot=$(realpath "$buildroot")
elif [ "$(git -C "$buildroot" rev-parse HEAD 2>/dev/null)" != $commit ] || [ -n "$(git -C "$buildroot" status --porcelain 2>&1)" ]; then
	echo "image: fetching Buildroot $release, commit $commit"
	rm -rf "$buildroot"
	git init -q "$buildroot"
	git -C "$buildroot" fetch -q --depth 1 $origin "refs/tags/$release"
	[ "$(git -C "$buildroot" rev-parse 'FETCH_HEAD^{commit}')" = $commit ] || fail "Buildroot $release is not commit $commit any more"
	git -C "$buildroot" checkout -q $commit
fi

make -s vendor

VEDETTE_RELEASE=$version VEDETTE_DIST=$dist VEDETTE_KEYS=${VEDETTE_KEYS:-$project/var/keys}
export VEDETTE_RELEASE VEDETTE_DIST VEDETTE_KEYS SOURCE_DATE_EPOCH
# What Buildroot, its packages or the scripts would take for theirs.
unset VERSION O DIST BOARD BOARD_DIR BINARIES_DIR TARGET_DIR KERNEL ROOT INITRD COMPRESS EXTRA_CONFIG BUILDROOT CGO_ENABLED MAKEFLAGS MAKELEVEL MFLAGS
br() { make -C "$buildroot" BR2_EXTERNAL="$here" O="$out" "$@"; }
if [ -z "$extra" ]; then
	br "vedette_${name}_defconfig"
else
	# Both are loaded as one, so that what follows from the fragment's options does so. Of
	# two lines for an option kconfig takes the later one, but complains; so the earlier goes.
	awk '
		function name(line) { sub(/^# /, "", line); sub(/(=.*| is not set)$/, "", line); return line }
		NR == FNR { if (/^(# )?BR2_/) gone[name($0)] = 1; next }
		!(name($0) in gone)
	' "$extra" "$here/configs/vedette_${name}_defconfig" >"$out/defconfig"
	cat "$extra" >>"$out/defconfig"
	br defconfig BR2_DEFCONFIG="$out/defconfig"
	"$here/board/common/check-config.sh" -p BR2_ "$out/.config" "$extra" || echo "image: that much of $extra has no effect" >&2
fi
# The sources may be newer than what was built of them.
br vedette-dirclean
br

# What is in it, and under which licences. Both may want the network once more; an image
# without them is one all the same, but not to be given to anybody.
image=vedette-$board-$VEDETTE_RELEASE
rm -f "$dist/$image".cdx.json "$dist/$image".show-info.json "$dist/$image".licences.tar.xz
br -s --no-print-directory show-info >"$out/show-info.json"
if ! "$buildroot/utils/generate-cyclonedx" --project-name "vedette-$board" --project-version "$VEDETTE_RELEASE" \
	<"$out/show-info.json" >"$out/image.cdx.json"; then
	echo "image: THERE IS NO SBOM: utils/generate-cyclonedx fails; Buildroot's own list is in its place" >&2
	cp "$out/show-info.json" "$dist/$image.show-info.json"
else
	cp "$out/image.cdx.json" "$dist/$image.cdx.json"
fi
if br legal-info; then
	tar -C "$out" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --exclude=sources --exclude=host-sources \
		-cf - legal-info | xz -T1 -6 >"$dist/$image.licences.tar.xz"
else
	echo "image: THERE ARE NO LICENCES: make legal-info fails" >&2
fi
echo "image: in $dist:"
ls -l "$dist/$image".*
