#!/usr/bin/env bash
# The power-cut lab (docs/decisions/power-cut-lab.md): boots the built product
# in an emulated machine, cuts its power on paper a thousand times, and looks
# at every disk. Wants root and `make build build-all`.
#
#   POWER_SECONDS  how long the first life records (default 70)
#   POWER_STATES   random disks beside one for every flush (default 1000)
#   POWER_SEED     repeats the choices of a run
#   POWER_PRODUCT  another binary for the guest: one with a sync taken out must fail
#   POWER_REPLAY   1: look at the log of the last run again
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
lab=$root/var/power

if [ "$(id -u)" != 0 ]; then
	echo "mounting a thousand disks needs root; run:  sudo make test-power" >&2
	exit 1
fi
for f in vedette vedette-linux-arm64; do
	[ -x "$root/bin/$f" ] || { echo "bin/$f is missing; run:  make build build-all" >&2; exit 1; }
done
mkdir -p "$lab"
./packages.sh "$lab/kernel"
export CGO_ENABLED=0
GOARCH=arm64 go build -trimpath -o "$lab/guest" ./guest
go test -count=1 ./marker ./blocklog
go test -c -trimpath -o "$lab/power.test" .
# Mounts are made where nobody else sees them.
exec unshare --mount --propagation private "$lab/power.test" -test.v -test.timeout "${POWER_TIMEOUT:-30m}"
