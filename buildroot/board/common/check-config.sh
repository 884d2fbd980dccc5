#!/bin/sh
# check-config.sh [-p PREFIX] CONFIG FRAGMENT…: fails unless each option that a FRAGMENT
# asks for is in CONFIG as asked, and each that one turns off is not set there. Of two
# fragments the later one counts. PREFIX is that of the options, CONFIG_.
set -eu
prefix=CONFIG_
if [ "${1:-}" = -p ]; then
	prefix=$2
	shift 2
fi
config=$1
shift
[ $# -gt 0 ] || exit 0
awk -v config="$config" -v prefix="$prefix" '
	BEGIN { set = "^" prefix "[A-Za-z0-9_]+="; unset = "^# " prefix "[A-Za-z0-9_]+ is not set$" }
	FILENAME == config {
		if (match($0, set)) has[substr($0, 1, RLENGTH - 1)] = substr($0, RLENGTH + 1)
		next
	}
	match($0, set) {
		want[substr($0, 1, RLENGTH - 1)] = substr($0, RLENGTH + 1)
		from[substr($0, 1, RLENGTH - 1)] = FILENAME
		next
	}
	$0 ~ unset { want[$2] = "n"; from[$2] = FILENAME; next }
	/^(#.*)?$/ { next }
	{ printf "%s: %s: not an option\n", FILENAME, $0; bad++ }
	END {
		for (o in want) {
			is = o in has ? has[o] : "n"
			if (is == "\"\"" && want[o] == "n" || is == "n" && want[o] == "\"\"") continue
			if (is != want[o]) { printf "%s: %s is %s, not %s\n", from[o], o, is, want[o]; bad++ }
		}
		exit bad > 0
	}
' "$config" "$@" >&2
