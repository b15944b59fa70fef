package egress

import "net/netip"

// A block is addresses that are refused.
type block struct {
	prefix netip.Prefix
	words  string
}

func blockOf(prefix, words string) block { return block{netip.MustParsePrefix(prefix), words} }

// blocks are refused. The first that matches gives the reason. The blocks of IPv6 outside
// 2000::/3 are here for their names.
var blocks = []block{
	blockOf("0.0.0.0/32", "the unspecified address (RFC 1122)"),
	blockOf("0.0.0.0/8", "an address of this network (RFC 791)"),
	blockOf("10.0.0.0/8", "a private address (RFC 1918)"),
	blockOf("100.64.0.0/10", "a shared address (RFC 6598)"),
	blockOf("127.0.0.0/8", "a loopback address (RFC 1122)"),
	blockOf("169.254.0.0/16", "a link-local address (RFC 3927)"),
	blockOf("172.16.0.0/12", "a private address (RFC 1918)"),
	blockOf("192.0.0.0/24", "an address for protocols (RFC 6890)"),
	blockOf("192.0.2.0/24", "an address for documentation (RFC 5737)"),
	blockOf("192.88.99.0/24", "an address of 6to4 relays (RFC 7526)"),
	blockOf("192.168.0.0/16", "a private address (RFC 1918)"),
	blockOf("198.18.0.0/15", "an address for benchmarks (RFC 2544)"),
	blockOf("198.51.100.0/24", "an address for documentation (RFC 5737)"),
	blockOf("203.0.113.0/24", "an address for documentation (RFC 5737)"),
	blockOf("224.0.0.0/4", "a multicast address (RFC 5771)"),
	blockOf("255.255.255.255/32", "the broadcast address (RFC 919)"),
	blockOf("240.0.0.0/4", "a reserved address (RFC 1112)"),

	blockOf("::/128", "the unspecified address (RFC 4291)"),
	blockOf("::1/128", "the loopback address (RFC 4291)"),
	blockOf("64:ff9b:1::/48", "an address of a local NAT64 (RFC 8215)"),
	blockOf("2001::/32", "an address of Teredo (RFC 4380)"),
	blockOf("2001::/23", "an address for protocols (RFC 2928)"),
	blockOf("2001:db8::/32", "an address for documentation (RFC 3849)"),
	blockOf("2002::/16", "an address of 6to4 (RFC 3056)"),
	blockOf("3fff::/20", "an address for documentation (RFC 9637)"),
	blockOf("fc00::/7", "a unique local address (RFC 4193)"),
	blockOf("fe80::/10", "a link-local address (RFC 4291)"),
	blockOf("fec0::/10", "a site-local address (RFC 3879)"),
	blockOf("ff00::/8", "a multicast address (RFC 4291)"),
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3") // what IANA assigns from (RFC 4291 section 2.4)
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64    = netip.MustParsePrefix("64:ff9b:1::/48")
)

// metadataServices give credentials to everything that runs at a cloud. Some have a public
// address.
var metadataServices = func() map[netip.Addr]bool {
	set := map[netip.Addr]bool{}
	for _, address := range []string{
		"169.254.169.254", "fd00:ec2::254", // Amazon; the first one is that of most clouds
		"169.254.170.2", "169.254.170.23", "fd00:ec2::23", // containers at Amazon
		"fd20:ce::254",                 // Google
		"168.63.129.16",                // Azure
		"192.0.0.192",                  // Oracle
		"100.100.100.200",              // Alibaba
		"169.254.0.23",                 // Tencent
		"100.96.0.96",                  // Volcano Engine
		"169.254.42.42", "fd00:42::42", // Scaleway
		"fe80::a9fe:a9fe", // OpenStack
	} {
		set[netip.MustParseAddr(address)] = true
	}
	return set
}()

// refusal says what an address is that is refused, or returns "". The address has no zone,
// and is not IPv4-mapped.
func refusal(a netip.Addr) string {
	if metadataServices[a] {
		return "a metadata service"
	}
	if nat64.Contains(a) {
		if inner := refusal(embedded(a)); inner != "" {
			return inner + ", by NAT64 (RFC 6052)"
		}
		return ""
	}
	for _, b := range blocks {
		if b.prefix.Contains(a) {
			return b.words
		}
	}
	if a.Is4() || globalUnicast.Contains(a) {
		return ""
	}
	return "an address that is not global unicast (RFC 4291)"
}

// metadata reports whether an address leads to a metadata service.
func metadata(a netip.Addr) bool {
	if nat64.Contains(a) || localNAT64.Contains(a) {
		a = embedded(a)
	}
	return metadataServices[a]
}

// embedded returns the IPv4 address at the end of an address.
func embedded(a netip.Addr) netip.Addr {
	bytes := a.As16()
	return netip.AddrFrom4([4]byte(bytes[12:]))
}
