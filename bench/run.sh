#!/usr/bin/env bash
# Measures what docs/BENCHMARKS.md reports and prints it. Installs nothing;
# says what it lacks. Everything it writes lies in one directory below TMPDIR
# (about 3 GiB at most) that is removed at the end.
#
#   bench/run.sh [record|index|live|playback|viewers|size …]   default: all
#
# Takes about 15 minutes. As root the two recorders get a disk of their own
# each (ext4 on a loop device), and what reaches it is counted; else they share
# the disk of TMPDIR and those figures are missing. Quiet machines give better
# figures: the load is printed beside each.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${VEDETTE:-$PWD/bin/vedette}
parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(record index live playback viewers size)

missing=()
need() { command -v "$1" >/dev/null || missing+=("$1 ($2)"); }
need go "the Go toolchain"
need ffmpeg "apt-get install ffmpeg"
[[ -x $binary ]] || missing+=("$binary (make build)")
for part in "${parts[@]}"; do
	case $part in
	live | playback)
		need node "apt-get install nodejs"
		[[ -x /usr/bin/chromium ]] || missing+=("/usr/bin/chromium (apt-get install chromium)")
		[[ -d test/browser/node_modules ]] || missing+=("test/browser/node_modules (cd test/browser && npm ci --ignore-scripts)")
		;;
	record)
		if [[ $EUID == 0 ]]; then need mkfs.ext4 "apt-get install e2fsprogs"; fi
		;;
	index | viewers | size) ;;
	*)
		echo "unknown part $part" >&2
		exit 2
		;;
	esac
done
if [[ ${#missing[@]} -gt 0 ]]; then
	printf 'missing: %s\n' "${missing[@]}" >&2
	exit 3
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/vedette-bench.XXXXXX")
trap 'rm -rf --one-file-system "$dir"' EXIT
tool() { # builds one of the Go programs here; prints where it is
	[[ -x $dir/$1 ]] || go build -o "$dir/$1" "./bench/$1"
	echo "$dir/$1"
}
clip=$dir/clip.mp4

heading() { printf '\n## %s\n' "$1"; }

machine() {
	heading machine
	date -u +%F
	"$binary" version
	uname -srm
	grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'
	echo "$(nproc) cores, $(awk '/MemTotal/ { printf "%.0f MiB", $2 / 1024 }' /proc/meminfo)"
	go version
	ffmpeg -version | head -1
	if [[ -x /usr/bin/chromium ]]; then /usr/bin/chromium --version 2>/dev/null; fi
	uptime
}

record() {
	heading "recording: 16 cameras beside 16 ffmpeg"
	mkdir "$dir/rec"
	"$(tool record)" -vedette "$binary" -clip "$clip" -dir "$dir/rec"
}

index() {
	heading "index at 1 M rows"
	go test -run '^$' -bench 'Index/(day|oldest20)/1000000$' -benchtime 300x -count 3 ./recorder/index
}

live() {
	heading "live view in Chromium"
	node bench/browser/live.mjs "$clip" 10
}

playback() {
	heading "playback in Chromium"
	node bench/browser/playback.mjs "$clip" "$(tool footage)" 40
}

viewers() {
	heading "viewers"
	mkdir "$dir/view"
	"$(tool viewers)" -vedette "$binary" -clip "$clip" -dir "$dir/view"
}

size() {
	heading "size"
	local arch
	for arch in amd64 arm64 arm; do
		CGO_ENABLED=0 GOARCH=$arch GOARM=7 go build -trimpath -ldflags '-s -w' -o "$dir/vedette-$arch" ./firmware/cmd/vedette
		stat -c %s "$dir/vedette-$arch" | awk -v a="$arch" '{ printf "%-6s %.1f MiB\n", a, $1 / 1048576 }'
	done
	# What the browser loads before the first screen: the page names all of it.
	grep -oE '/assets/[^"]+\.js' web/ui/dist/index.html | sort -u | while read -r f; do
		gzip -9 -n -c "web/ui/dist$f" | wc -c
	done | awk '{ n += $1 } END { printf "panel JavaScript for the first screen: %.1f KiB after gzip\n", n / 1024 }'
}

machine
case " ${parts[*]} " in
*" record "* | *" live "* | *" playback "* | *" viewers "*) bench/clip.sh "$clip" ;;
esac
for part in "${parts[@]}"; do
	"$part"
done
uptime
