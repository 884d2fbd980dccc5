package egress

import "net/netip"

// block is a range of addresses with the reason why it is refused.
type block struct {
	prefix string
	why    string
}

const (
	noDevice = "no device has such an address"
	ownLink  = "it does not leave the own link"
	embeds   = "it carries another address inside"
)

// specials are the ranges that a connection is never meant for (the special-purpose
// address registries of IANA, RFC 6890), without those of private networks.
func specials() []block {
	return []block{
		{"0.0.0.0/8", noDevice}, {"169.254.0.0/16", ownLink}, {"192.0.0.0/24", noDevice}, {"192.0.2.0/24", "it is for documentation alone"},
		{"192.88.99.0/24", embeds}, {"198.18.0.0/15", "it is for measurements alone"}, {"198.51.100.0/24", "it is for documentation alone"},
		{"203.0.113.0/24", "it is for documentation alone"}, {"240.0.0.0/4", noDevice},
		{"::/96", embeds}, {"::ffff:0:0:0/96", embeds}, {"64:ff9b::/96", embeds}, {"64:ff9b:1::/48", embeds}, {"100::/64", noDevice}, {"2001::/32", embeds},
		{"2001:2::/48", "it is for measurements alone"}, {"2001:10::/28", noDevice}, {"2001:20::/28", noDevice}, {"2001:db8::/32", "it is for documentation alone"},
		{"2002::/16", embeds}, {"3fff::/20", "it is for documentation alone"}, {"5f00::/16", noDevice}, {"fe80::/10", ownLink}, {"fec0::/10", noDevice},
	}
}

// special returns why a plain address is refused, "" if it is not.
func special(ip netip.Addr) string {
	for _, b := range specials() {
		if netip.MustParsePrefix(b.prefix).Contains(ip) {
			return b.why
		}
	}
	return ""
}

// never returns why no policy lets ip through, "" if one may.
func never(ip netip.Addr) string {
	plain := ip.Unmap()
	switch {
	case !plain.IsValid():
		return "it is no address"
	case plain.IsUnspecified():
		return noDevice
	case plain.IsMulticast(), plain == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "it stands for many devices"
	}
	return ""
}

// private reports whether ip is of a network of one's own: RFC 1918, RFC 4193,
// and what providers share among their customers (RFC 6598).
func private(ip netip.Addr) bool {
	return ip.IsPrivate() || netip.MustParsePrefix("100.64.0.0/10").Contains(ip)
}
