#!/bin/sh
# signing.sh DIRECTORY: prints the two words KEY CERTIFICATE that bundles are signed
# with: those of VEDETTE_SIGN_KEY and VEDETTE_SIGN_CERT (PEM files), else one that is made
# for development and kept in DIRECTORY. What is signed with the latter must not be
# given to anybody: whoever has the directory can sign more.
set -eu
key=${VEDETTE_SIGN_KEY:-} cert=${VEDETTE_SIGN_CERT:-}
if [ -n "$key$cert" ]; then
	for f in "$key" "$cert"; do
		[ -r "$f" ] || { echo "signing: VEDETTE_SIGN_KEY and VEDETTE_SIGN_CERT must both name files: \"$f\" cannot be read" >&2; exit 1; }
	done
	printf '%s %s\n' "$(realpath "$key")" "$(realpath "$cert")"
	exit 0
fi
mkdir -p "$1"
dir=$(realpath "$1")
key=$dir/development.key.pem cert=$dir/development.cert.pem
if [ ! -s "$cert" ]; then
	umask 077
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 7300 \
		-subj '/O=Vedette/CN=development only, not for release' -keyout "$key" -out "$cert.new" 2>"$dir/log" || { cat "$dir/log" >&2; exit 1; }
	rm "$dir/log"
	mv "$cert.new" "$cert"
	chmod 0644 "$cert"
fi
echo "signing: no VEDETTE_SIGN_KEY: with the development key of $dir, not for release" >&2
printf '%s %s\n' "$key" "$cert"
