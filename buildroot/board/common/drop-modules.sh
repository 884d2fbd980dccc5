#!/bin/sh
# drop-modules.sh CONFIG FRAGMENT…: leaves out what CONFIG makes a module and no
# FRAGMENT asks for as one. (With modules off, kconfig would build them all in.)
set -eu
config=$1
shift
awk '
	FILENAME != ARGV[ARGC - 1] { if (/^CONFIG_[A-Za-z0-9_]+=m$/) wanted[$0] = 1; next }
	/^CONFIG_[A-Za-z0-9_]+=m$/ && !($0 in wanted) { sub(/=m$/, ""); print "# " $0 " is not set"; next }
	{ print }
' "$@" "$config" >"$config.fewer"
mv "$config.fewer" "$config"
