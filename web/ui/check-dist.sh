#!/bin/sh
# Builds the panel afresh and fails if web/ui/dist is not exactly that.
# Needs node and npm; the Go build needs neither.
set -eu
cd "$(dirname "$0")"

if grep -q '"resolved"' package-lock.json; then
	echo "package-lock.json names download addresses; make it with npm install --omit-lockfile-registry-resolved" >&2
	exit 1
fi
npm ci --no-fund --no-audit --ignore-scripts >/dev/null
npm run --silent types
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
node build.mjs --out "$tmp"
if ! diff -r "$tmp" dist; then
	echo "web/ui/dist does not match web/ui/src: run npm run build in web/ui and commit dist" >&2
	exit 1
fi
echo "web/ui/dist matches its source"
