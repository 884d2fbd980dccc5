#!/bin/sh
# Flashes an image of Vedette onto an SD card, a USB stick or into a plain file, reads it
# back, and puts settings on it. docs/FLASHING.md is its manual.
#
# Nothing is written before every check has passed and the device's name was typed. When it
# fails, its last line says what state the card is in. Offsets and lengths are bytes.
# shellcheck disable=SC2015 # "test && test || refuse" is meant as it reads: refuse does not return
set -u
LC_ALL=C # lengths are bytes, and programs speak as expected below
export LC_ALL
umask 077

here=$(dirname "$0")
largest=2000000000000 # what is larger is rather a disk of footage than a card
chunk=4194304         # copied between two looks at the clock
edge=1048576          # wiped at both ends of a card; partitions begin after it

board='' image='' device='' size='' setup='' hostname='' wifi=''
claim='' yes='' dry='' force='' stdin_password='' password='' code=''
verify=yes progress='' use_bmaptool=yes
tmp='' jobs='' terminal='' map='' name='' clear='' piped='' drawn='' told=''
state='nothing was written'

# ---- words ----

help() {
	cat <<'END'
usage: flash.sh [option…]

Flashes an image of Vedette onto an SD card or USB stick, reads it back, and puts settings on it.

  --image FILE       the image, .img or .img.xz; else the newest dist/vedette-BOARD-*.img.xz.
                     FILE.sha256 beside it is checked, and its .img.bmap tells what need not be written
  --board ID         rpi4, rpi5, rockpro64, rock5b, …; wanted if dist/ has images of several boards
  --device PATH      the disk, such as /dev/sdb, or a plain file; else the disks there are are listed
  --size BYTES       with a plain file: how large it becomes, if not as large as the image

  --hostname NAME    the box is then NAME.local
  --wifi SSID        its Wi-Fi; the password is asked for
  --wifi-password-stdin  the password is the first line of the standard input
  --claim            makes the code that the first visitor of the panel is asked for, and prints it
  --setup FILE       a whole vedette.toml, instead of the four above

  --dry-run          checks everything, tells what would be written, writes nothing
  --yes              does not ask to type the device's name; wants --device
  --force            takes a disk that is larger than 2 TB, or neither removable nor USB nor SD.
                     The system's disk and disks in use are refused all the same
  --verify, --no-verify  reads back what was written and compares it (default), or does not
  --no-bmaptool      copies by itself even if bmaptool is there
  --progress         shows progress also if it is not on a terminal
  --help             this

Ends with 0 if all went well, 1 if it failed, 2 if it refused; 2 means that nothing was written.
END
}

say() { printf '%s\n' "$*"; }

# complain TEXT: to standard error, below a line of progress if there is one
complain() {
	[ -z "$drawn" ] || echo >&2
	drawn=''
	printf 'flash.sh: %s\n' "$*" >&2
}

die() {
	complain "$*"
	exit 1 # end tells the state
}

# refuse TEXT: only before anything was written
refuse() {
	complain "$*"
	complain "$state"
	told=yes
	exit 2
}

stopped() {
	trap '' INT TERM HUP
	die 'stopped'
}

# end runs whatever happens, also if the shell itself gives up: no process, file or setting of
# the terminal is left behind, and the state is told
end() {
	# shellcheck disable=SC2086 # a list
	[ -z "$jobs" ] || { kill $jobs && wait $jobs; } 2>/dev/null
	[ -z "$terminal" ] || stty "$terminal"
	[ ! -d "$tmp/mount" ] || umount "$tmp/mount"
	[ -z "$tmp" ] || { # never recursively: something might be mounted there
		rm -f "$tmp"/*
		rmdir "$tmp/mount" "$tmp"
	} 2>/dev/null
	[ -n "$told" ] || {
		complain "$state"
		exit 1
	}
}

have() { command -v "$1" >/dev/null 2>&1; }

# need PROGRAM PACKAGE
need() { have "$1" || refuse "$1 is missing: install it (in Debian: $2)"; }

# ask PROMPT: sets $answer
ask() {
	printf '%s' "$1" >&2
	IFS= read -r answer || [ -n "$answer" ] || refuse 'no answer'
}

# human BYTES: as cards are labelled, in powers of ten
human() {
	if [ "$1" -ge 1000000000 ]; then
		say "$(($1 / 1000000000)).$(($1 / 100000000 % 10)) GB"
	else
		say "$(($1 / 1000000)).$(($1 / 100000 % 10)) MB"
	fi
}

# ---- progress ----

now() {
	read -r clock _ </proc/uptime
	clock=${clock%.*}
}

# begin WHAT TOTAL
begin() {
	what=$1 total=$2
	now
	began=$clock shown=$clock
}

# advance DONE: tells it, at most once a second
advance() {
	[ -n "$progress" ] || return 0
	now
	[ "$clock" -ne "$shown" ] || [ "$1" -eq "$total" ] || return 0
	shown=$clock
	took=$((clock - began))
	line=$(printf '%-8s %3d %%  %d of %d MB' "$what" $((total > 0 ? $1 * 100 / total : 100)) $(($1 / 1000000)) $((total / 1000000)))
	if [ "$took" -gt 0 ] && [ "$1" -gt 0 ]; then
		left=$(((total - $1) / ($1 / took + 1)))
		line="$line  $(human $(($1 / took)))/s  $((left / 60)) min $((left % 60)) s left"
	fi
	if [ -t 2 ]; then
		printf '\r%s\033[K' "$line" >&2
		drawn=yes
	else
		say "$line" >&2
	fi
}

# ---- arguments ----

arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--*=*)
			word=$1
			shift
			set -- "${word%%=*}" "${word#*=}" "$@"
			continue
			;;
		--board | --image | --device | --size | --setup | --hostname | --wifi)
			[ -n "${2-}" ] || refuse "$1 wants a value"
			case $1 in
			--board) board=$2 ;;
			--image) image=$2 ;;
			--device) device=$2 ;;
			--size) size=$2 ;;
			--setup) setup=$2 ;;
			--hostname) hostname=$2 ;;
			--wifi) wifi=$2 ;;
			esac
			shift
			;;
		--wifi-password-stdin) stdin_password=yes ;;
		--claim) claim=yes ;;
		--yes) yes=yes ;;
		--dry-run) dry=yes ;;
		--force) force=yes ;;
		--verify) verify=yes ;;
		--no-verify) verify='' ;;
		--no-bmaptool) use_bmaptool='' ;;
		--progress) progress=yes ;;
		--help | -h)
			help
			told=yes
			exit 0
			;;
		*) refuse "$1 is not an option: flash.sh --help lists them" ;;
		esac
		shift
	done
	[ -z "$yes" ] || [ -n "$device" ] || refuse '--yes wants --device: nothing is chosen without a person'
	[ -z "$setup" ] || [ -z "$hostname$wifi$claim" ] || refuse '--setup is a whole vedette.toml: write hostname, wifi and claim_code into it'
	[ -z "$stdin_password" ] || [ -n "$wifi" ] || refuse '--wifi-password-stdin wants --wifi'
	case $board in *[!a-z0-9]*) refuse "--board $board: no board has such a name" ;; esac
	case $size in *[!0-9]* | 0* | ????????????????*) refuse "--size $size: not a number of bytes" ;; esac
	[ ! -t 2 ] || progress=yes
}

# ---- settings ----

# quoted TEXT: as a string of TOML in ASCII; fails if it is not UTF-8
quoted() {
	printf '%s' "$1" | od -An -v -tu1 | awk '
		{ for (i = 1; i <= NF; i++) byte[n++] = $i + 0 }
		END {
			out = "\""
			for (i = 0; i < n; ) {
				c = byte[i++]
				more = c < 128 ? 0 : c < 194 ? -1 : c < 224 ? 1 : c < 240 ? 2 : c < 245 ? 3 : -1
				if (more < 0) exit 1
				least = more == 3 ? 65536 : more == 2 ? 2048 : 0
				if (more) c -= more == 1 ? 192 : more == 2 ? 224 : 240
				for (; more; more--) {
					if (i >= n || byte[i] < 128 || byte[i] > 191) exit 1
					c = c * 64 + byte[i++] - 128
				}
				if (c < least || c > 1114111 || (c >= 55296 && c < 57344)) exit 1
				if (c == 34 || c == 92) out = out sprintf("\\%c", c)
				else if (c >= 32 && c < 127) out = out sprintf("%c", c)
				else out = out sprintf(c < 65536 ? "\\u%04X" : "\\U%08X", c)
			}
			print out "\""
		}'
}

settings() {
	if [ -n "$setup" ]; then
		cat "$setup"
		return
	fi
	[ -z "$hostname" ] || say "hostname = $(quoted "$hostname")"
	[ -z "$code" ] || say "claim_code = $(quoted "$code")"
	[ -n "$wifi" ] || return 0
	printf '\n[wifi]\nssid = %s\n' "$(quoted "$wifi")"
	[ -z "$password" ] || say "password = $(quoted "$password")"
}

# ask_password sets $password. It is never an argument: those can be read by everybody.
ask_password() {
	if [ -n "$stdin_password" ]; then
		IFS= read -r password || [ -n "$password" ] || refuse '--wifi-password-stdin: there is no line on the standard input'
	elif [ -t 0 ]; then
		terminal=$(stty -g)
		stty -echo
		ask "Password of the Wi-Fi $wifi (none if it is open): "
		stty "$terminal"
		terminal=''
		echo >&2
		password=$answer
	else
		refuse '--wifi: its password is asked for on a terminal, or taken with --wifi-password-stdin'
	fi
	case ${#password}:$password in # what the box takes, too: docs/PROVISIONING.md
	0:) ;;
	[1-7]:* | *:*[!\ -~]* | 64:*[!0-9A-Fa-f]* | 6[5-9]:* | [7-9]?:* | ???*:*)
		refuse 'the password of a Wi-Fi is 8 to 63 letters, digits and signs of ASCII, or 64 hexadecimal digits'
		;;
	esac
}

check_settings() {
	case $hostname in
	-* | *- | *[!A-Za-z0-9-]* | ????????????????????????????????????????????????????????????????*)
		refuse "--hostname $hostname: 1 to 63 letters, digits and hyphens, no hyphen at either end"
		;;
	esac
	if [ -n "$wifi" ]; then
		[ ${#wifi} -le 32 ] || refuse "--wifi $wifi: longer than 32 bytes"
		quoted "$wifi" >/dev/null || refuse "--wifi: not UTF-8"
		ask_password
	fi
	if [ -n "$setup" ]; then
		[ -f "$setup" ] && [ -r "$setup" ] || refuse "--setup $setup: no file that can be read"
		[ -s "$setup" ] && [ "$(wc -c <"$setup")" -le 65536 ] || refuse "--setup $setup: empty, or larger than 64 KiB"
	fi
	if [ -n "$claim" ]; then
		# 10 of 32 signs are 50 bits; I, L, O and U are left out, as in the panel's own codes
		code=$(od -An -v -tu1 -N10 /dev/urandom | awk '{ for (i = 1; i <= NF; i++)
			printf "%s%s", n++ == 5 ? "-" : "", substr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", $i % 32 + 1, 1) }')
		[ ${#code} -eq 11 ] || refuse '--claim: /dev/urandom gave nothing'
	fi
	wanted=$hostname$wifi$claim$setup # empty: no settings
}

# ---- the image ----

# newest_image sets $image from dist/
newest_image() {
	boards=''
	for file in "$here/dist/vedette-"*-*.img.xz; do
		id=${file##*/vedette-}
		id=${id%%-*}
		[ -f "$file" ] && [ "${board:-$id}" = "$id" ] || continue
		case " $boards " in *" $id "*) ;; *) boards="${boards:+$boards }$id" ;; esac
		[ -n "$image" ] && [ -z "$(find "$file" -newer "$image")" ] || image=$file
	done
	[ -n "$image" ] || refuse "$here/dist has no image${board:+ for $board}: name one with --image"
	case $boards in *' '*) refuse "$here/dist has images for $boards: choose with --board" ;; esac
}

# unpack ends the shell that calls it: it is for pipes and the background, where it is then
# what is waited for and killed
unpack() {
	case $image in
	*.xz) exec xz -dc "$image" ;;
	*) exec cat "$image" ;;
	esac
}

# check_sum compares the image with the file beside it, or at least looks whether it is whole
check_sum() {
	if [ -f "$image.sha256" ]; then
		say "image     $image: comparing its checksum"
		want=$(awk -v name="${image##*/}" '{ file = $2; sub(/^\*/, "", file); sub(/.*\//, "", file) } file == name { print tolower($1); exit }' "$image.sha256")
		[ ${#want} -eq 64 ] || refuse "$image.sha256 does not name ${image##*/}"
		sum=$(sha256sum <"$image") || refuse "$image cannot be read"
		[ "${sum%% *}" = "$want" ] || refuse "$image is damaged: its checksum is not the one in ${image##*/}.sha256. Download it again"
		return
	fi
	say "image     $image: no checksum beside it"
	case $image in *.xz) xz -t "$image" 2>"$tmp/xz" || refuse "$image is damaged: $(tail -n 1 "$tmp/xz")" ;; esac
}

# measure sets $bytes, and $setup_at and $setup_bytes, the place of the partition for settings
measure() {
	case $image in
	*.xz) bytes=$(xz --robot --list "$image" 2>/dev/null | awk '$1 == "totals" { print $5 }') ;;
	*) bytes=$(wc -c <"$image") ;;
	esac
	[ -n "$bytes" ] || bytes=$(unpack | wc -c) # an xz that cannot tell
	bytes=$((bytes))
	[ "$bytes" -gt 0 ] && [ $((bytes % 512)) -eq 0 ] || refuse "$image is not the image of a disk: $bytes bytes"
	[ -n "$wanted" ] || return 0
	need partx util-linux
	unpack 2>/dev/null | copy "$edge" 0 0 >"$tmp/head"
	truncate -s "$bytes" "$tmp/head" # the kernel's and partx's view of a disk that is otherwise empty
	partx --raw --noheadings --output START,SECTORS,NAME "$tmp/head" >"$tmp/parts" 2>/dev/null
	setup_at=''
	while read -r start sectors label; do
		[ "$label" != vedette-setup ] || setup_at=$((start * 512)) setup_bytes=$((sectors * 512))
	done <"$tmp/parts"
	[ -n "$setup_at" ] || refuse "$image has no partition vedette-setup: it takes no settings"
}

# plan makes $tmp/ranges, lines "OFFSET BYTES SHA256" of what has to be right, and $tmp/plan,
# the same with small gaps closed: writing a few zeros is faster than starting dd anew
plan() {
	map=${image%.xz}.bmap
	if [ ! -f "$map" ]; then
		map=''
		say "0 $bytes -" >"$tmp/ranges"
	else
		sed 's/\(<BmapFileChecksum>[^<]*\)[0-9a-f]\{64\}/\10000000000000000000000000000000000000000000000000000000000000000/' "$map" >"$tmp/map"
		# The map's own checksum is made with zeros in its place. One without it is taken, too.
		sum=$(cmp -s "$tmp/map" "$map" || sha256sum <"$tmp/map")
		parse_map "${sum%% *}" <"$map" >"$tmp/ranges" || refuse "$map cannot be used: $(tail -n 1 "$tmp/ranges"). Without the map the whole image is written"
	fi
	awk -v gap="$edge" '
		NR > 1 && $1 - end <= gap { end = $1 + $2; next }
		NR > 1 { printf "%.0f %.0f\n", start, end - start }
		{ start = $1; end = $1 + $2 }
		END { printf "%.0f %.0f\n", start, end - start }' "$tmp/ranges" >"$tmp/plan"
	mapped=$(awk '{ n += $2 } END { printf "%.0f", n }' "$tmp/ranges")
}

# parse_map CHECKSUM: the ranges of a map that has that checksum; its last line is the reason if it fails
parse_map() {
	awk -v size="$bytes" -v sum="$1" '
		function bad(why) { print why; exit 1 }
		{ text = text $0 " " }
		END {
			while ((i = index(text, "<!--")) > 0) {
				rest = substr(text, i)
				if (!(j = index(rest, "-->"))) bad("a comment has no end")
				text = substr(text, 1, i - 1) substr(rest, j + 3)
			}
			n = split(text, tag, "<")
			for (i = 1; i <= n; i++) {
				split(tag[i], part, ">")
				key = part[1]
				sub(/[ \t].*/, "", key)
				value = part[2]
				gsub(/[ \t]/, "", value)
				if (key == "bmap" && tag[i] !~ /version="2\.[0-9]+"/) bad("not of version 2")
				if (key == "Range") { attribute[++ranges] = part[1]; range[ranges] = value }
				else if (key != "" && !(key in head)) head[key] = value
			}
			if (head["ImageSize"] != size "") bad("it is for an image of " head["ImageSize"] " bytes, not " size)
			if (head["BlockSize"] !~ /^[0-9]+$/ || head["BlockSize"] % 512 || head["BlockSize"] + 0 < 512) bad("BlockSize")
			if (head["ChecksumType"] != "sha256") bad("its checksums are not sha256")
			if (head["BmapFileChecksum"] != sum) bad("it is damaged: its own checksum is wrong")
			if (!ranges) bad("it has no ranges")
			for (i = 1; i <= ranges; i++) {
				if (range[i] !~ /^[0-9]+(-[0-9]+)?$/ || length(range[i]) > 26) bad("range " i)
				split(range[i] "-" range[i], block, "-")
				from = block[1] * head["BlockSize"]
				to = (block[2] + 1) * head["BlockSize"]
				if (to > size) to = size
				if (from < last || from >= to) bad("range " i " is not where it may be")
				if (!match(attribute[i], /chksum="[0-9a-f]+"/) || RLENGTH != 73) bad("range " i " has no checksum")
				printf "%.0f %.0f %s\n", from, to - from, substr(attribute[i], RSTART + 8, 64)
				last = to
			}
		}'
}

check_image() {
	[ -n "$image" ] || newest_image
	[ -f "$image" ] && [ -r "$image" ] || refuse "--image $image: no file that can be read"
	image=$(readlink -f "$image")
	case ${image##*/} in
	*.img | *.img.xz) ;;
	*) refuse "--image $image: neither .img nor .img.xz" ;;
	esac
	case ${image##*/} in
	"vedette-$board-"*) ;;
	*) [ -z "$board" ] || refuse "$image is not for $board, by its name" ;;
	esac
	case $image in *.xz) need xz xz-utils ;; esac
	need sha256sum coreutils
	check_sum
	measure
	plan
	say "          $(human "$bytes"), of which $(human "$mapped") in $(awk 'END { print NR }' "$tmp/ranges") ranges have to be written"
}

# ---- devices ----

# attribute NAME FILE: of the kernel's, in printable signs
attribute() { tr -cd '\040-\176' 2>/dev/null <"/sys/class/block/$1/$2" | sed 's/^ *//; s/ *$//'; } 2>/dev/null

# node_name PATH: the kernel's name of a block device
node_name() {
	numbers=$(stat -L -c '0x%t 0x%T' "$1" 2>/dev/null) || return 1
	number_name "$((${numbers% *})):$((${numbers#* }))"
}

number_name() {
	[ -e "/sys/dev/block/$1" ] || return 1
	set -- "$(readlink -f "/sys/dev/block/$1")"
	say "${1##*/}"
}

# below NAME: itself, and what it lies on: the disk of a partition, the parts of LVM, RAID, encryption
below() {
	say "$1"
	if [ -e "/sys/class/block/$1/partition" ]; then
		set -- "$(readlink -f "/sys/class/block/$1")"
		set -- "${1%/*}"
		below "${1##*/}"
		return
	fi
	for slave in "/sys/class/block/$1/slaves"/*; do
		[ ! -e "$slave" ] || below "${slave##*/}"
	done
}

# in_use: lines "NAME WHERE" of what is mounted, swapped to, or behind a loop device
in_use() {
	while read -r _ _ number _ where rest; do
		source=${rest#* - }
		source=${source#* }
		case $number/$source in # some file systems have a number of their own: their source is asked then
		0:*//*) used=$(node_name "${source%% *}") && say "$used $where" ;;
		0:*) ;;
		*) used=$(number_name "$number") && say "$used $where" ;;
		esac
	done </proc/self/mountinfo
	while read -r path kind _; do
		[ "$kind" = partition ] && used=$(node_name "$path") && say "$used swap"
	done </proc/swaps
	for file in /sys/class/block/loop*/loop/backing_file; do
		[ -r "$file" ] && IFS= read -r path <"$file" && [ -b "$path" ] || continue
		file=${file%/loop/backing_file}
		used=$(node_name "$path") && say "$used /dev/${file##*/}"
	done
}

# kind NAME: USB, SD, removable, loop, internal, or other for what is no disk
kind() {
	case $1 in
	loop*) say loop && return ;;
	sr* | fd* | zram* | ram* | dm-* | md* | nbd* | mtdblock* | mmcblk*boot* | mmcblk*rpmb) say other && return ;;
	esac
	case $(readlink -f "/sys/class/block/$1") in */usb[0-9]*/*) say USB && return ;; esac
	case $1/$(attribute "$1" device/type) in mmcblk*/SD) say SD && return ;; esac
	case $(attribute "$1" removable) in 1) say removable ;; *) say internal ;; esac
}

bytes_of() {
	set -- "$(attribute "$1" size)"
	say $((${1:-0} * 512))
}

# serial NAME: the device's own, or that of the USB device above it
serial() {
	for file in device/serial serial; do
		[ ! -r "/sys/class/block/$1/$file" ] || { attribute "$1" "$file" && return; }
	done
	above=$(readlink -f "/sys/class/block/$1/device")
	while [ -n "$above" ]; do
		[ ! -r "$above/idVendor" ] || { tr -cd '\040-\176' <"$above/serial" && return; } 2>/dev/null
		above=${above%/*}
	done
}

# identity NAME: what changes when another card is put in
identity() { say "$(attribute "$1" dev) $(attribute "$1" diskseq) $(attribute "$1" size) $(serial "$1")"; }

# describe NAME: size, model, serial and labels
describe() {
	model="$(attribute "$1" device/vendor) $(attribute "$1" device/model)$(attribute "$1" device/name)"
	model=${model# }
	serial=$(serial "$1")
	labels=$(lsblk -rno LABEL,PARTLABEL "/dev/$1" 2>/dev/null | tr ' ' '\n' | sort -u | tr '\n' ' ')
	labels=${labels# }
	say "/dev/$1  $(human "$(bytes_of "$1")")  $(kind "$1")${model:+  $model}${serial:+  serial $serial}${labels:+  holds: ${labels% }}"
}

# refusal NAME: why it is not written to; nothing if it may be
refusal() {
	if [ -e "/sys/class/block/$1/partition" ]; then
		say "is a partition: name the whole disk, /dev/$(below "$1" | sed -n 2p)"
		return
	fi
	[ "$(kind "$1")" != other ] || { say 'is not a card or disk' && return; }
	places=$(in_use | while read -r used where; do
		! below "$used" | grep -qxF "$1" || say "$where"
	done)
	for where in $places; do
		case $where in
		/ | /boot | /boot/* | /efi | /usr | /usr/* | /nix/store | swap) say "holds the running system ($where)" && return ;;
		esac
	done
	for where in $places; do
		case $where in
		/dev/loop*) say "is in use by $where" ;;
		*) say "is mounted at $where: unmount it first (umount $where)" ;;
		esac
		return
	done
	for holder in "/sys/class/block/$1/holders"/* "/sys/class/block/$1/$1"*/holders/*; do
		[ ! -e "$holder" ] || { say "is part of ${holder##*/} (LVM, RAID or encryption)" && return; }
	done
	[ "$(attribute "$1" ro)" != 1 ] || { say 'is read-only: is the switch of the card on LOCK?' && return; }
	set -- "$1" "$(bytes_of "$1")"
	if [ "$2" -eq 0 ]; then
		say 'is empty: no card is in it'
	elif [ "$2" -lt "$bytes" ]; then
		say "is too small: it holds $2 bytes, the image has $bytes"
	elif [ "$2" -gt "$largest" ] && [ -z "$force" ]; then
		say "is larger than 2 TB ($(human "$2")), hardly a card: --force takes it all the same"
	elif [ "$(kind "$1")" = internal ] && [ -z "$force" ]; then
		say 'is neither removable nor USB nor SD: --force takes it all the same'
	fi
}

# choose lists what may be meant, and sets $device
choose() {
	set --
	for path in /sys/class/block/*; do
		path=${path##*/}
		[ ! -e "/sys/class/block/$path/partition" ] && [ "$(bytes_of "$path")" -gt 0 ] || continue
		case $(kind "$path") in USB | SD | removable) set -- "$@" "$path" ;; esac
	done
	[ $# -gt 0 ] || refuse 'no card and no stick is there: put one in, or name a disk with --device'
	count=0
	for path; do
		count=$((count + 1))
		printf '%3d  %s\n' "$count" "$(describe "$path")" >&2
		reason=$(refusal "$path")
		[ -z "$reason" ] || printf '     not possible: it %s\n' "$reason" >&2
	done
	ask 'Which one? Its number: '
	count=0
	for path; do
		count=$((count + 1))
		[ "$answer" != "$count" ] && [ "$answer" != "$path" ] || device=/dev/$path
	done
	[ -n "$device" ] || refuse "none has the number $answer"
}

check_device() {
	[ -n "$device" ] || choose
	if [ -b "$device" ]; then
		check_block
	elif [ -f "$device" ] || [ ! -e "$device" ]; then
		check_file
	else
		refuse "--device $device: neither a disk nor a plain file"
	fi
}

check_block() {
	[ -z "$size" ] || refuse '--size is for plain files'
	device=$(readlink -f "$device")
	name=$(node_name "$device") || refuse "$device: the kernel has no such disk"
	reason=$(refusal "$name")
	[ -z "$reason" ] || refuse "$device $reason"
	known=$(identity "$name")
	room=$(bytes_of "$name") thing='the card' clear=yes
	say "device    $(describe "$name")"
	[ "$(id -u)" = 0 ] || [ -n "$dry" ] || refuse "writing to $device needs root: start it with sudo"
	need blockdev util-linux
	# What the kernel gives to nobody else is in use, though no table may say so.
	if [ -w "$device" ] && have wipefs; then
		wipefs --all --no-act --quiet "$device" >"$tmp/wipefs" 2>&1 || refuse "$device is in use: $(tail -n 1 "$tmp/wipefs")"
	fi
}

check_file() {
	case $device in
	/dev/shm/*) ;;
	/dev/*) refuse "$device is not there" ;;
	*/*) ;;
	*) [ ! -b "/dev/$device" ] || refuse "--device $device would be a file: is /dev/$device meant?" ;;
	esac
	path=$(cd "$(dirname "$device")" 2>/dev/null && pwd) || refuse "$device: its directory is not there"
	device=${path%/}/${device##*/}
	for file in "$image" "$image.sha256" "$map" "${setup:-$image}"; do
		[ "$(stat -L -c %d:%i "$device" 2>/dev/null)" != "$(stat -L -c %d:%i "$file" 2>/dev/null)" ] || [ ! -e "$device" ] || refuse "$device is what is flashed"
	done
	for file in /sys/class/block/loop*/loop/backing_file; do
		[ -r "$file" ] && IFS= read -r path <"$file" && [ "$path" = "$device" ] || continue
		refuse "$device is in use as a loop device"
	done
	room=${size:-$bytes} name=${device##*/} thing='the file' clear=''
	[ "$room" -ge "$bytes" ] && [ $((room % 512)) -eq 0 ] || refuse "--size $size: less than the image's $bytes, or no multiple of 512"
	say "device    $device, a plain file of $room bytes"
}

# ---- copying ----

# copy BYTES SKIP SEEK [fsync]: at most a chunk, from standard input to standard output, each
# moved ahead before. Returns 1 if dd failed, 2 if there was less.
copy() {
	unit=$1
	if [ -n "$in_bytes" ]; then
		set -- "bs=$1" count=1 "skip=$2" "seek=$3" iflag=fullblock,skip_bytes oflag=seek_bytes "conv=notrunc${4:+,$4}"
	else
		unit=4096
		[ $((($1 | $2 | $3) % unit)) -eq 0 ] || unit=512
		set -- "bs=$unit" "count=$(($1 / unit))" "skip=$(($2 / unit))" "seek=$(($3 / unit))" "conv=notrunc${4:+,$4}"
	fi
	dd "$@" 2>"$tmp/dd" || return 1
	count=${2#*=}
	while read -r records _ way; do
		[ "$way" != out ] || [ "$records" != "$count+0" ] || return 0
	done <"$tmp/dd"
	return 2
}

in_bytes=yes
dd if=/dev/null of=/dev/null bs=512 iflag=fullblock,skip_bytes oflag=seek_bytes 2>/dev/null || in_bytes=''

why() { tail -n 1 "$tmp/dd"; }

# open_target: 3 writes and 5 reads. They stay open: should another card take the place, they
# lead nowhere. $out and $back are where they stand.
open_target() {
	exec 3<>"$device"
	exec 5<"$device"
	out=0 back=0
	same_device
}

same_device() {
	[ "$thing" != 'the card' ] || [ "$(identity "$name")" = "$known" ] || die "$device is another device than before: it was $known, it is $(identity "$name")"
}

# portion END: sets $n to what is copied next, from $at on
portion() {
	n=$(($1 - at))
	[ "$n" -le "$chunk" ] || n=$chunk
}

# put: writes $n bytes of the standard input at $at
put() {
	copy "$n" 0 $((at - out)) fsync >&3
	case $? in
	0) out=$((at + n)) ;;
	1) die "writing to $device at byte $at: $(why)" ;;
	*) ended ;;
	esac
}

# ended: there is no more of the image
ended() {
	exec 4<&-
	wait "$jobs"
	jobs=''
	die "$image: it ends within $n bytes from byte $at on: $(tail -n 1 "$tmp/unpack")"
}

# clear_to END: up to there the image has no data. The card is made empty there: what a former
# system left is taken for valid else, an old slot or a journal. Reading is faster than writing.
clear_to() {
	while [ "$at" -lt "$1" ]; do
		portion "$1"
		[ -z "$piped" ] || copy "$n" 0 0 <&4 >/dev/null || ended
		if [ -n "$clear" ]; then
			dirty=$({ copy "$n" $((at - back)) 0 <&5 || echo unreadable; } | tr -d '\000' | wc -c)
			back=$((at + n))
			[ "$dirty" -eq 0 ] || put </dev/zero
		fi
		at=$((at + n))
		advance "$at"
	done
}

# wipe: at both ends lie the signatures of what was on the card, and the second copy of its GPT
wipe() {
	open_target
	state="$thing is incomplete: flash it again"
	for at in 0 $((room - edge)); do
		[ "$at" -ge "$out" ] || continue # smaller than both
		n=$edge
		[ "$n" -le "$room" ] || n=$room
		put </dev/zero
	done
}

create_file() {
	state="$thing is incomplete: flash it again"
	true >"$device" && truncate -s "$room" "$device" || die "$device cannot be made"
}

write_image() {
	begin writing "$bytes"
	open_target
	mkfifo "$tmp/stream" || die 'no fifo can be made'
	unpack >"$tmp/stream" 2>"$tmp/unpack" &
	jobs=$!
	exec 4<"$tmp/stream"
	at=0 piped=yes
	while read -r offset length <&6; do
		clear_to "$offset"
		while [ "$at" -lt $((offset + length)) ]; do
			portion $((offset + length))
			put <&4
			at=$((at + n))
			advance "$at"
		done
	done 6<"$tmp/plan"
	clear_to "$bytes"
	cat <&4 >/dev/null # so that xz reaches the checks at its end
	exec 4<&-
	wait "$jobs" || die "$image: $(tail -n 1 "$tmp/unpack")"
	jobs=''
}

# write_by_bmaptool: it writes the ranges of the map and compares the image with their checksums
write_by_bmaptool() {
	begin clearing "$bytes"
	open_target
	at=0 piped=''
	while read -r offset length _ <&6; do
		clear_to "$offset"
		at=$((offset + length))
	done 6<"$tmp/ranges"
	clear_to "$bytes"
	same_device
	begin writing "$mapped"
	bmaptool copy --bmap "$map" "$image" "$device" >"$tmp/bmaptool" 2>&1 &
	tool=$! jobs=$!
	if [ -n "$progress" ]; then
		watch 9>&- & # the last sleep of a watch that was ended must not keep the lock
		jobs="$tool $!"
	fi
	wait "$tool" || die "bmaptool: $(tail -n 1 "$tmp/bmaptool")"
	[ "$jobs" = "$tool" ] || kill "${jobs#"$tool "}" 2>/dev/null
	jobs=''
}

# watch: the progress of another program, by the kernel's count of sectors written
watch() {
	read -r _ _ _ _ _ _ first _ <"/sys/class/block/$name/stat" || return 0
	while sleep 1 && read -r _ _ _ _ _ _ sectors _ <"/sys/class/block/$name/stat"; do
		advance $(((sectors - first) * 512))
	done
}

# ---- reading back ----

# flush: to the card, and out of the memory, so that the card is read and not a copy
flush() {
	dd if=/dev/null bs=512 conv=notrunc,fsync >&3 2>"$tmp/dd" || die "$device: $(why)"
	[ "$thing" != 'the card' ] || blockdev --flushbufs "$device" 2>"$tmp/dd" || die "$device: $(why)"
}

# read_sum OFFSET BYTES: sets $sum
read_sum() {
	sha256sum <"$tmp/read" >"$tmp/sum" &
	summer=$!
	jobs="$jobs $summer"
	exec 7>"$tmp/read"
	at=$1
	while [ "$at" -lt $(($1 + $2)) ]; do
		portion $(($1 + $2))
		copy "$n" $((at - back)) 0 <&5 >&7 || die "reading $device at byte $at: $(why)"
		at=$((at + n))
		back=$at read_bytes=$((read_bytes + n))
		advance "$read_bytes"
	done
	exec 7>&-
	wait "$summer"
	jobs=${jobs%" $summer"}
	read -r sum _ <"$tmp/sum"
}

read_back() {
	begin reading "$mapped"
	flush
	open_target
	mkfifo "$tmp/read" || die 'no fifo can be made'
	read_bytes=0
	while read -r offset length want <&6; do
		if [ "$want" = - ]; then
			unpack 2>/dev/null | sha256sum >"$tmp/want" &
			jobs=$!
		fi
		read_sum "$offset" "$length"
		if [ "$want" = - ]; then
			wait "$jobs"
			jobs=''
			read -r want _ <"$tmp/want"
		fi
		[ "$sum" = "$want" ] && continue
		state="$thing is not usable, it does not hold what was written to it: flash it again. If that repeats, the card or its reader is broken"
		die "$device differs from the image within the $length bytes from byte $offset on"
	done 6<"$tmp/ranges"
}

# ---- putting the settings on ----

vfat() { MTOOLS_SKIP_CHECK=1 MTOOLSRC=/dev/null "$@"; }

put_settings() {
	same_device
	if have mcopy; then
		settings | vfat mcopy -o -i "$device@@$setup_at" - ::vedette.toml 2>"$tmp/dd" || die "the settings: $(why)"
		flush
		sum=$(vfat mcopy -i "$device@@$setup_at" ::vedette.toml - 2>/dev/null | sha256sum)
	else
		mkdir "$tmp/mount" && mount -t vfat -o "loop,offset=$setup_at,sizelimit=$setup_bytes" "$device" "$tmp/mount" 2>"$tmp/dd" || die "the settings: $(why)"
		settings >"$tmp/mount/vedette.toml" || die 'the settings: they cannot be written'
		umount "$tmp/mount" 2>"$tmp/dd" || die "the settings: $(why)"
		rmdir "$tmp/mount"
		flush
		sum=''
	fi
	[ -z "$sum" ] || [ "$sum" = "$(settings | sha256sum)" ] || die 'the settings: they read back otherwise than they were written'
}

check_means() {
	[ -z "$wanted" ] || have mcopy || [ "$(id -u)" = 0 ] || refuse 'putting settings on it needs mtools (in Debian: mtools), or root'
	for program in awk od dd tr mkfifo truncate stat readlink; do need "$program" coreutils; done
}

# ---- all of it ----

confirm() {
	[ -z "$yes" ] && [ -e "$device" ] || return 0
	ask "Everything on $device will be erased. Type $name to go on: "
	[ "$answer" = "$name" ] || refuse "$answer is not $name"
}

# lock keeps the desktop from looking at the card meanwhile, and a second flash.sh off it
lock() {
	exec 9<>"$device"
	! have flock || flock -n 9 || refuse "$device: another program has locked it"
	[ "$thing" = 'the card' ] || return 0
	reason=$(refusal "$name")
	[ -z "$reason" ] || refuse "$device $reason"
}

flash() {
	if [ "$thing" = 'the card' ]; then
		lock
		wipe
	else
		lock
		create_file
	fi
	if [ -n "$map" ] && [ -n "$use_bmaptool" ] && [ "$thing" = 'the card' ] && have bmaptool; then
		write_by_bmaptool
	else
		write_image
	fi
	flush
	state="$thing is written, but was not verified: flash it again to be sure" done='written, not verified'
	if [ -n "$verify" ]; then
		read_back
		state="$thing is written and verified" done='written and verified'
	fi
	[ -n "$wanted" ] || return 0
	state="$thing is $done, but without settings: put vedette.toml on its partition VEDETTE, or flash it again"
	put_settings
	done="$done, with settings"
}

main() {
	arguments "$@"
	trap end EXIT
	trap stopped INT TERM HUP
	tmp=$(mktemp -d) || refuse 'no temporary directory can be made'
	check_settings
	check_image
	check_device
	check_means
	if [ -n "$dry" ]; then
		while read -r offset length _; do say "would write $length bytes at byte $offset"; done <"$tmp/ranges"
		[ -z "$wanted" ] || say "would put vedette.toml on the partition at byte $setup_at"
		say 'dry run: nothing was written'
		told=yes
		exit 0
	fi
	confirm
	flash
	told=yes
	[ -z "$drawn" ] || echo >&2
	say "$device is $done"
	[ "$thing" != 'the card' ] || say 'It can be taken out. If the desktop has opened it, eject it there first.'
	[ -z "$code" ] || say "claim code: $code"
}

main "$@"
