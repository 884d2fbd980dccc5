#!/usr/bin/env bash
# Proves that the crash tests can fail: breaks one line at a time in a copy of
# the tree (a sync left out, a rename before its sync, a checksum not looked
# at …), runs the tests on it, and expects each of them to fail.
#
#   test/crash/mutate.sh            all mutations
#   test/crash/mutate.sh 3 7        only these
#
# Exit 0: all were caught. 1: one was not. 2: a mutation does not apply any
# more; bring it up to date with the code.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
root=$PWD
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -cf - go.mod go.sum recorder internal test/crash | tar -xf - -C "$copy"
export CGO_ENABLED=0

# file | what is broken, and @package that notices if not ./test/crash | perl expression that breaks it
# shellcheck disable=SC2016 # $1 is perl's
mutations=(
	'recorder/volume/cycle.go|no syncfs in the cycle|s/err := v\.fsys\.SyncFS\(\)/var err error/'
	'recorder/volume/cycle.go|no fdatasync where syncfs is missing|s/if err := f\.h\.Sync\(\); err/if err := error(nil); err/'
	'recorder/volume/cycle.go|no sync of new names where syncfs is missing|s/return v\.syncDirs\(v\.w\.fresh\)/return nil/'
	'recorder/volume/cycle.go|closed names are given before the sync|s/\tarrived, err := v\.sync\(\)\n(.*?)\tv\.publish\(finishing\)\n/\tv.publish(finishing)\n\tarrived, err := v.sync()\n$1/s'
	'recorder/volume/cycle.go|closed names are not synced|s/err = v\.syncDirs\(dirs\)\n/_ = dirs\n/; s/\t\terr = v\.fsys\.SyncFS\(\)\n/\t\t_ = dirs\n/'
	'recorder/volume/cycle.go|the preallocated tail stays|s/(func \(v \*Volume\) trim.*?)f\.h == nil/$1true/s'
	'recorder/volume/cycle.go|an error of the sync is ignored|s/if err = v\.commit\(dirty\); err != nil/if _ = v.commit(dirty); err != nil/'
	'recorder/volume/writer.go|directories of a new camera are not synced|s/\t\tv\.w\.fresh\[path\.Dir\(day\)\], v\.w\.fresh\[FootageDir\] = struct\{\}\{\}, struct\{\}\{\}\n//'
	'recorder/volume/writer.go|the directory of a new file is not synced|s/\tv\.w\.fresh\[day\] = struct\{\}\{\}\n//'
	'recorder/volume/file.go|a file whose sync failed keeps what was not durable|s/if f\.sick \{\n\t\treturn f\.durable/if false {\n\t\treturn f.durable/'
	'recorder/volume/file.go|bytes count as durable when they are written|s/return f\.durable\.bytes, f\.durable\.end/return f.written.bytes, f.written.end/'
	'recorder/volume/fs.go|a small file is named before it is synced|s/err = h\.Sync\(\)/err = nil/'
	'recorder/volume/fs.go|the name of a small file is not synced|s/return fsys\.SyncDir\(dir\)/return nil/'
	'recorder/volume/volume.go|the cycle takes 2.5 s|s/cycleDisk = 1500/cycleDisk = 2500/'
	'recorder/volume/evidence.go|second names of evidence are not synced|s/(func LinkEvidence.*?)if err := fsys\.SyncDir\(dir\); err/$1if err := error(nil); dir == "" || err/s'
	'recorder/segment/writer.go|the cycle does not take the open part|s/\t\tw\.cut\(w\.cur, -1, true\)\n/\t\t_ = w.cur\n/'
	'recorder/recovery/salvage.go|the torn tail is cut without a sync|s/return h\.Sync\(\)/return nil/'
	'recorder/recovery/salvage.go|the name of a salvaged file is not synced|s/return fsys\.SyncDir\(path\.Dir\(to\)\)/return nil/'
	'recorder/recovery/salvage.go|the torn tail is not cut|s/err = cutTail\(h, s\.name\.Bytes\)/err = h.Sync()/'
	'recorder/recovery/salvage.go|salvage does not look at checksums|s/fmp4\.Scan\(h, init, size, true/fmp4.Scan(h, init, size, false/'
	'recorder/fmp4/scan.go|nobody looks at checksums of parts|s/if got != sum \{/if false \&\& got != sum {/'
	'recorder/recovery/recover.go|files without a row get none|s/for _, n := range without \{/for _, n := range without[:0] {/'
	'recorder/recovery/recover.go|evidence is unlocked by a rebuild|s/o\.Held = s\.isHeld/_ = s.isHeld/'
	'recorder/index/verify.go|a damaged index is believed|s/(func Verify\(path string\) error \{\n)/$1\tif _, err := os.Stat(path); err == nil {\n\t\treturn nil\n\t}\n/'
	'recorder/sweep/bury.go|deletions are not synced|s/err := s\.files\.SyncFS\(\)/var err error/'
	'recorder/sweep/bury.go|deletions are not synced where syncfs is missing|s/err := s\.files\.SyncDir\(dir\)/var err error/'
	'recorder/recovery/recover.go|what a disk failed to write is believed when read|s/size, suspect := s\.suspects\[n\]/size, suspect := s.suspects[n]; suspect = suspect \&\& false/'
	'recorder/recovery/recover.go|evidence that lost its second name gets none @./recorder/recovery|s/if err := volume\.LinkEvidence\(s\.fsys, without\); err/if err := error(nil); len(without) < 0 || err/'
	'recorder/recovery/restamp.go|footage is stamped again without a note of it @./recorder/recovery|s/if err := volume\.WriteFile\(fsys, "\.", intentTemp, intentName, data\); err/if err := error(nil); len(data) < 0 || err/'
	'recorder/recovery/restamp.go|names that were given anew are not synced @./recorder/recovery|s/if err := fsys\.SyncDir\(dir\); err/if err := error(nil); dir == "\/" || err/'
	'recorder/recovery/header.go|a header is made up without proof @./recorder/recovery|s/case first\.Wall < due-abutLimit\*1000 .*?:/case due < 0:/'
	'recorder/sweep/sweep.go|files go before their rows are condemned|s/(garbage, err := s\.cat\.Condemn\(d\.Rows)/for _, r := range d.Rows {\n\t\t_ = s.files.Remove(r.File().Path())\n\t}\n\t$1/'
)

run() { # directory package
	(cd "$1" && timeout 300 go test -count=1 -failfast "$2" 2>&1)
}

if ! out=$(run "$copy" ./test/crash); then
	printf 'the tests fail without any mutation:\n%s\n' "$out" >&2
	exit 2
fi
caught=0 total=0 status=0
for i in "${!mutations[@]}"; do
	number=$((i + 1))
	if [ $# -gt 0 ] && [[ " $* " != *" $number "* ]]; then
		continue
	fi
	IFS='|' read -r file what edit <<<"${mutations[$i]}"
	package=./test/crash
	if [[ $what == *' @'* ]]; then
		package=${what##* @} what=${what% @*}
	fi
	perl -0pi -e "$edit" "$copy/$file"
	if cmp -s "$root/$file" "$copy/$file" || ! (cd "$copy" && go vet ./test/crash "./$(dirname "$file")") >/dev/null 2>&1; then
		printf '%2d  DOES NOT APPLY  %s: %s\n' "$number" "$file" "$what"
		status=2
	else
		total=$((total + 1))
		if out=$(run "$copy" "$package"); then
			printf '%2d  NOT CAUGHT  %s: %s\n' "$number" "$file" "$what"
			[ $status -eq 2 ] || status=1
		else
			caught=$((caught + 1))
			printf '%2d  caught  %s: %s\n' "$number" "$file" "$what"
			grep -m1 -E '_test\.go:[0-9]+: |^panic|^fatal|unexpected fault|ignal SIG' <<<"$out" | cut -c1-180 | sed 's/^ */      /'
		fi
	fi
	cp "$root/$file" "$copy/$file"
done
printf '%d of %d caught\n' "$caught" "$total"
exit $status
