# shellcheck shell=bash
# Sourced: packages of Debian for arm64, with a state of their own and the host's
# sources. The host's own package state is not touched by the foreign architecture.

# foreign_begin DIRECTORY: $foreign are then the options for apt-get and apt-cache
foreign_begin() {
	mkdir -p "$1/apt/state/lists/partial" "$1/apt/cache/archives/partial"
	: >"$1/apt/state/status"
	foreign=(
		-q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Acquire::Languages=none
		-o Dir::State="$1/apt/state" -o Dir::State::status="$1/apt/state/status" -o Dir::Cache="$1/apt/cache"
		-o APT::Sandbox::User=root -o Debug::NoLocking=true
	)
	apt-get "${foreign[@]}" update
}

# foreign_unpack DIRECTORY TARGET PACKAGE…: downloads them and unpacks them into TARGET
foreign_unpack() {
	local dir=$1 target=$2 deb
	shift 2
	rm -rf "$dir/deb" "$target"
	mkdir -p "$dir/deb"
	(cd "$dir/deb" && apt-get "${foreign[@]}" download "$@")
	for deb in "$dir"/deb/*.deb; do dpkg -x "$deb" "$target"; done
	rm -rf "$dir/deb"
}
