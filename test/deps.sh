#!/usr/bin/env bash
# Installs what the tests need: Debian packages through apt, npm packages from
# the lock files. Prints the exact command where it may not.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
	gcc libc6-dev                              # the race detector
	ffmpeg                                     # decodes and measures what was recorded
	python3-gi gir1.2-gst-rtsp-server-1.0      # a camera that is not our own stack
	gstreamer1.0-plugins-base gstreamer1.0-plugins-good
	gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
	gstreamer1.0-libav gstreamer1.0-x gstreamer1.0-rtsp
	chromium fonts-dejavu-core                 # the panel's tests
	shellcheck
	fdisk e2fsprogs                            # what a prepared disk is compared with
	bmap-tools mtools xz-utils busybox-static  # flash.sh, and the image it is tried with
	wpasupplicant dosfstools                   # reads what provisioning writes
	rauc dbus u-boot-tools squashfs-tools      # an update that is installed by the real one
	iproute2 ldnsutils mdns-scan               # ask a box for its name, in a network of their own
	mosquitto mosquitto-clients python3-aiosmtpd openssl # who is told of events: a broker, a mail server; checks signatures
)
command -v node >/dev/null || packages+=(nodejs npm)

missing=()
for p in "${packages[@]}"; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
if ((${#missing[@]})); then
	install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}")
	if [ "$(id -u)" = 0 ]; then
		apt-get update -q
		"${install[@]}"
	elif sudo -n true 2>/dev/null; then
		sudo apt-get update -q
		sudo "${install[@]}"
	else
		echo "these packages are missing; run:  sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
fi

if [ "$(node -p 'parseInt(process.versions.node)')" -lt 20 ]; then
	echo "Node.js $(node --version) is too old: the panel's tests need 20 or later" >&2
	exit 1
fi
for dir in web/ui test/browser; do
	lock=$dir/node_modules/.package-lock.json
	if [ ! -f "$lock" ] || [ "$dir/package-lock.json" -nt "$lock" ]; then
		(cd "$dir" && npm ci --no-audit --no-fund)
	fi
done
