#!/usr/bin/env bash
# Measures what docs/BENCHMARKS.md reports and prints it, as tables that can be
# copied there. Installs nothing; says what it lacks. Everything it writes lies
# in one directory below TMPDIR (8 GiB at most) that is removed at the end, with
# whatever is mounted below it.
#
#   bench/run.sh [record|many|wear|slow|start|soak|sweep|floor|index|live|playback|viewers|detections|zones|workers|size …]
#
# Default: all of them, which takes about two hours, one of them the soak.
# BENCH_QUICK=1 takes short windows and small volumes, about a quarter of an
# hour: good to see that everything works, too short to be reported.
#
# MEDIAMTX=/path/to/mediamtx names a binary of MediaMTX to be measured beside
# ours; without it that peer is reported as not measured.
#
# As root each recorder gets a disk of its own (a file system on a loop device),
# and what reaches it is counted; else they share the disk of TMPDIR, those
# figures are missing, and wear, sweep, floor and slow cannot run. Quiet machines give better
# figures: the load is printed beside each.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${VEDETTE:-$PWD/bin/vedette}
parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(record many wear slow start soak sweep floor index live playback viewers detections zones workers size)
quick=${BENCH_QUICK:+yes}
[[ ${BENCH_QUICK:-0} != 0 ]] || quick=

missing=()
need() { command -v "$1" >/dev/null || missing+=("$1 ($2)"); }
need go "the Go toolchain"
need ffmpeg "apt-get install ffmpeg"
[[ -x $binary ]] || missing+=("$binary (make build)")
[[ -z ${MEDIAMTX:-} || -x $MEDIAMTX ]] || missing+=("$MEDIAMTX (MEDIAMTX names it)")
for part in "${parts[@]}"; do
	case $part in
	live | playback)
		need node "apt-get install nodejs"
		[[ -x /usr/bin/chromium ]] || missing+=("/usr/bin/chromium (apt-get install chromium)")
		[[ -d test/browser/node_modules ]] || missing+=("test/browser/node_modules (cd test/browser && npm ci --ignore-scripts)")
		;;
	record | many | start | soak)
		if [[ $EUID == 0 ]]; then need mkfs.ext4 "apt-get install e2fsprogs"; fi
		;;
	wear | sweep | floor | detections | workers)
		[[ $EUID == 0 ]] || missing+=("root, for $part: it mounts disks")
		need mkfs.ext4 "apt-get install e2fsprogs"
		;;
	slow)
		need strace "apt-get install strace"
		;;
	index | viewers | zones | size) ;;
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
# The programs below clean up after themselves; this is for one that was killed.
# What they start dies with them, but not before we could look.
cleanup() {
	local mount tries
	for tries in 1 2 3 4 5; do
		while read -r mount; do
			umount "$mount" 2>/dev/null || true # its loop device goes with it
		done < <(findmnt -rn -o TARGET | grep -F "$dir/" | sort -r)
		findmnt -rn -o TARGET | grep -qF "$dir/" || break
		sleep "$tries"
	done
	rm -rf --one-file-system "$dir"
}
child=
# give_up ends what runs, which then cleans up, and the script with it.
give_up() {
	if [[ -n $child ]]; then
		kill "$child" 2>/dev/null || true
		wait "$child" || true
	fi
	exit 130
}
trap cleanup EXIT
trap give_up INT TERM
tool() { # builds one of the Go programs here; prints where it is
	[[ -x $dir/$1 ]] || go build -o "$dir/$1" "./bench/$1"
	echo "$dir/$1"
}
# run builds and runs one of them, with a directory of its own.
run() { # PROGRAM CLIP [ARGUMENT…]
	local program=$1 clip=$2 own
	shift 2
	own=$(mktemp -d "$dir/$program.XXXX")
	# In the background, so that a signal need not wait for it.
	"$(tool "$program")" -vedette "$binary" -clip "$clip" -dir "$own" "$@" &
	child=$!
	wait "$child"
	child=
	rm -rf --one-file-system "$own"
}
clip=$dir/clip.mp4
clip2=$dir/clip-2M.mp4

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
	if [[ -n ${MEDIAMTX:-} ]]; then echo "MediaMTX $("$MEDIAMTX" --version)"; fi
	if [[ -n $quick ]]; then echo "QUICK: short windows, not to be reported"; fi
	uptime
}

record() {
	heading "recording: 16 cameras of 4 Mb/s beside peers"
	run record "$clip" ${quick:+-rounds 1 -warmup 8s -window 15s}
}

many() {
	heading "recording: 64 cameras of 2 Mb/s"
	bench/clip.sh "$clip2" 2M
	run record "$clip2" -cameras 64 -alone ${quick:+-rounds 1 -warmup 8s -window 15s}
	rm "$clip2"
}

wear() {
	heading "bytes and flushes at the disk"
	run wear "$clip" ${quick:+-cameras 4,16 -fs ext4 -warmup 12s -window 20s}
}

slow() {
	heading "a disk that syncs 500 ms late"
	run slow "$clip" ${quick:+-length 25s}
}

start() {
	heading "start-up of a dirty volume"
	if [[ -n $quick ]]; then
		run start "$clip" -segments 20000 -live 12s
		return
	fi
	run start "$clip" -segments 100000
	run start "$clip" -segments 500000
}

soak() {
	heading "soak: 16 cameras of 4 Mb/s"
	run soak "$clip" ${quick:+-warmup 1 -minutes 3}
}

sweep() {
	heading "sweep of 2,000 segments"
	mkdir -p "$dir/sweep.disks"
	# SQLite is built in a module of its own: the product does not depend on it.
	(cd bench/sweep/sqlite && CGO_ENABLED=0 go build -o "$dir/sqlite" .)
	"$(tool sweep)" -dir "$dir/sweep.disks" -sqlite "$dir/sqlite" ${quick:+-rounds 1 -memory 100000}
}

floor() {
	heading "a disk that is always full"
	bench/clip.sh "$dir/clip8.mp4" 8M
	run floor "$dir/clip8.mp4" -plot "${PLOT:-$dir/floor.svg}" ${quick:+-window 2m}
}

index() {
	heading "index at 1 M rows"
	go test -run '^$' -bench 'Index/(day|oldest20)/1000000$' -benchtime 300x -count 3 ./recorder/index
}

live() {
	heading "live view in Chromium"
	node bench/browser/live.mjs "$clip" "$([[ -n $quick ]] && echo 3 || echo 10)"
}

playback() {
	heading "playback in Chromium"
	node bench/browser/playback.mjs "$clip" "$(tool footage)" "$([[ -n $quick ]] && echo 10 || echo 40)"
}

viewers() {
	heading "viewers"
	run viewers "$clip" ${quick:+-rounds 1}
}

detections() {
	heading "what workers saw, beside SQLite"
	mkdir -p "$dir/detections.disks"
	go build -o "$dir/detections" ./bench/perception
	(cd bench/perception/sqlite && CGO_ENABLED=0 go build -o "$dir/sqlite-detections" .)
	"$dir/detections" -dir "$dir/detections.disks" -sqlite "$dir/sqlite-detections" ${quick:+-rounds 1 -window 5s}
}

zones() {
	heading "zones"
	go test -run '^$' -bench . ./perception/zones
}

workers() {
	heading "workers beside 8 cameras that are recorded"
	run workers "$clip" ${quick:+-window 15s}
}

size() {
	heading "size"
	local arch
	make -s build-all >/dev/null
	for arch in amd64 arm64 armv7; do
		stat -c %s "bin/vedette-linux-$arch" | awk -v a="$arch" '{ printf "%-6s %.1f MiB\n", a, $1 / 1048576 }'
	done
	# What the browser loads before the first screen: the page names all of it.
	grep -oE '/assets/[^"]+\.js' web/ui/dist/index.html | sort -u | while read -r f; do
		gzip -9 -n -c "web/ui/dist$f" | wc -c
	done | awk '{ n += $1 } END { printf "panel JavaScript for the first screen: %.1f KiB after gzip\n", n / 1024 }'
}

machine
case " ${parts[*]} " in
*" record "* | *" wear "* | *" slow "* | *" start "* | *" soak "* | *" live "* | *" playback "* | *" viewers "* | *" workers "*) bench/clip.sh "$clip" ;;
esac
for part in "${parts[@]}"; do
	"$part"
done
uptime
