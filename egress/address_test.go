package egress

import (
	"encoding/csv"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entry is a block of the published registries, which are in testdata.
type entry struct {
	prefix    netip.Prefix
	name      string
	reachable bool
}

// registries returns the published registries. A mark such as [1] leads to a footnote.
func registries(t testing.TB) (all []entry) {
	t.Helper()
	mark := regexp.MustCompile(` \[\d\]`)
	for _, name := range []string{"testdata/iana-ipv4-special-registry-1.csv", "testdata/iana-ipv6-special-registry-1.csv"} {
		file, err := os.Open(name)
		require.NoError(t, err)
		defer file.Close()
		rows, err := csv.NewReader(file).ReadAll()
		require.NoError(t, err)
		require.Equal(t, "Globally Reachable", rows[0][8])
		for _, row := range rows[1:] {
			for block := range strings.SplitSeq(mark.ReplaceAllString(row[0], ""), ", ") {
				all = append(all, entry{netip.MustParsePrefix(block), row[1], row[8] == "True"})
			}
		}
	}
	require.Len(t, all, 51)
	return all
}

// last returns the last address of a prefix.
func last(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for i := p.Bits(); i < len(bytes)*8; i++ {
		bytes[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(bytes)
	return a
}

// judge is what a guard without exceptions says.
func judge(a netip.Addr) string { return refusal(a.Unmap().WithZone("")) }

// Every block that the registries do not call globally reachable is refused, from its first
// address to its last.
func TestRegistries(t *testing.T) {
	allowed := map[string]bool{ // services for everybody, outside of the blocks for protocols
		"AS112-v4": true, "AMT": true, "Direct Delegation AS112 Service": true,
	}
	for _, e := range registries(t) {
		for _, a := range []netip.Addr{e.prefix.Masked().Addr(), e.prefix.Addr().Next(), last(e.prefix)} {
			switch {
			case !e.prefix.Contains(a), e.name == "IPv4-mapped Address", e.name == "IPv4-IPv6 Translat." && e.reachable: // see below
			case e.reachable && allowed[e.name] && !strings.HasPrefix(e.prefix.String(), "2001:"):
				assert.Empty(t, judge(a), "%s %s", a, e.name)
			default:
				assert.NotEmpty(t, judge(a), "%s %s", a, e.name)
			}
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"1.1.1.1": "", "8.8.8.8": "", "9.255.255.255": "", "11.0.0.0": "", "172.15.255.255": "", "172.32.0.0": "", "223.255.255.255": "",
		"100.63.255.255": "", "100.128.0.0": "", "2606:4700::1111": "", "2a00::1": "", "2001:200::1": "", "3ffe::1": "", "::ffff:8.8.8.8": "", "64:ff9b::8.8.8.8": "",
		"2620:4f:8000::1": "", "192.31.196.1": "",

		"10.0.0.1": "a private address (RFC 1918)", "172.16.0.1": "a private address (RFC 1918)", "192.168.1.1": "a private address (RFC 1918)",
		"127.0.0.1": "a loopback address (RFC 1122)", "127.255.255.254": "a loopback address (RFC 1122)", "169.254.1.1": "a link-local address (RFC 3927)",
		"100.64.0.1": "a shared address (RFC 6598)", "0.0.0.0": "the unspecified address (RFC 1122)", "0.1.2.3": "an address of this network (RFC 791)",
		"224.0.0.1": "a multicast address (RFC 5771)", "239.255.255.255": "a multicast address (RFC 5771)", "240.0.0.1": "a reserved address (RFC 1112)",
		"255.255.255.255": "the broadcast address (RFC 919)", "192.0.2.1": "an address for documentation (RFC 5737)", "198.19.0.1": "an address for benchmarks (RFC 2544)",
		"::": "the unspecified address (RFC 4291)", "::1": "the loopback address (RFC 4291)", "fe80::1%eth0": "a link-local address (RFC 4291)",
		"fc00::1": "a unique local address (RFC 4193)", "fd12::1": "a unique local address (RFC 4193)", "fec0::1": "a site-local address (RFC 3879)",
		"ff02::1": "a multicast address (RFC 4291)", "ff0e::1": "a multicast address (RFC 4291)", "2001:db8::1": "an address for documentation (RFC 3849)",
		"::ffff:127.0.0.1": "a loopback address (RFC 1122)", "::ffff:10.0.0.1": "a private address (RFC 1918)", "::ffff:169.254.169.254": "a metadata service",
		"64:ff9b::10.0.0.1": "a private address (RFC 1918), by NAT64 (RFC 6052)", "64:ff9b::a9fe:a9fe": "a metadata service, by NAT64 (RFC 6052)",
		"64:ff9b:1::8.8.8.8": "an address of a local NAT64 (RFC 8215)", "2002:7f00:1::": "an address of 6to4 (RFC 3056)", "2002:808:808::": "an address of 6to4 (RFC 3056)",
		"2001:0:7f00:1::": "an address of Teredo (RFC 4380)", "2001:10::1": "an address for protocols (RFC 2928)",
		"::127.0.0.1": "an address that is not global unicast (RFC 4291)", "::8.8.8.8": "an address that is not global unicast (RFC 4291)",
		"4000::1": "an address that is not global unicast (RFC 4291)", "1fff::1": "an address that is not global unicast (RFC 4291)",
		"169.254.169.254": "a metadata service", "fd00:ec2::254": "a metadata service", "168.63.129.16": "a metadata service", "100.100.100.200": "a metadata service",
	} {
		assert.Equal(t, want, judge(netip.MustParseAddr(address)), address)
	}
}

// An independent judgement, by the published tables and by package net, which knows the
// blocks too: what the guard allows, none of the two refuses.
func FuzzAddress(f *testing.F) {
	table := registries(f)
	for _, e := range table {
		f.Add(e.prefix.Addr().AsSlice())
		f.Add(last(e.prefix).AsSlice())
		f.Add(last(e.prefix).Next().AsSlice())
	}
	for _, address := range []string{"8.8.8.8", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:a00:1::", "168.63.129.16", "ff02::1", "::7f00:1"} {
		f.Add(netip.MustParseAddr(address).AsSlice())
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		a, ok := netip.AddrFromSlice(bytes)
		if !ok || judge(a) != "" {
			return
		}
		if translated := a.As16(); strings.HasPrefix(a.StringExpanded(), "0064:ff9b:0000:0000:0000:0000:") {
			a = netip.AddrFrom4([4]byte(translated[12:]))
		}
		a = a.Unmap()
		require.True(t, a.IsGlobalUnicast() && !a.IsPrivate(), a)
		require.True(t, a.Is4() || a.As16()[0]>>5 == 1, a)
		ip := net.IP(a.AsSlice())
		for _, e := range table {
			_, block, err := net.ParseCIDR(e.prefix.String())
			require.NoError(t, err)
			require.False(t, block.Contains(ip) && !e.reachable && e.prefix.Addr().Is4() == a.Is4(), "%s is in %s", a, e.prefix)
		}
		for _, service := range []string{"169.254.169.254", "168.63.129.16", "100.100.100.200"} {
			require.NotEqual(t, service, a.String())
		}
	})
}

// A metadata service is allowed by its address alone.
func TestMetadataNeedsAPrefixOfItsOwn(t *testing.T) {
	for _, test := range []struct {
		prefix, address string
		refused         bool
	}{
		{"169.254.0.0/16", "169.254.1.1", false},
		{"169.254.0.0/16", "169.254.169.254", true},
		{"169.254.169.254/32", "169.254.169.254", false},
		{"169.254.169.254/32", "::ffff:169.254.169.254", false},
		{"169.254.169.254/32", "64:ff9b::a9fe:a9fe", true},
		{"64:ff9b::/96", "64:ff9b::a9fe:a9fe", true},
		{"64:ff9b::/96", "64:ff9b::7f00:1", false},
		{"64:ff9b:1::/48", "64:ff9b:1::a9fe:a9fe", true},
		{"fd00::/8", "fd00:ec2::254", true},
		{"fd00::/8", "fd00:ec2::255", false},
		{"100.64.0.0/10", "100.100.100.200", true},
		{"168.0.0.0/8", "168.63.129.16", true},
	} {
		g, err := newGuard(Config{Prefixes: []netip.Prefix{netip.MustParsePrefix(test.prefix)}, Hosts: []string{"example.test"}})
		require.NoError(t, err)
		assert.Equal(t, test.refused, g.check("other.test", netip.MustParseAddr(test.address), 443) != nil, "%v", test)
		if test.refused {
			assert.Error(t, g.check("example.test", netip.MustParseAddr(test.address), 443), "%v", test)
		}
	}
}

// inetAton reads an address as the function of that name does, which many resolvers call:
// up to four numbers, decimal, octal or hexadecimal, of which the last fills the rest.
func inetAton(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return false
	}
	for i, part := range parts {
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		base, digits := 10, part
		switch {
		case strings.HasPrefix(part, "0x"):
			base, digits = 16, part[2:]
		case strings.HasPrefix(part, "0") && len(part) > 1:
			base, digits = 8, part[1:]
		}
		if _, err := strconv.ParseUint(digits, base, bits); err != nil {
			return false
		}
	}
	return true
}

// No name that a proxy may read as an address passes, but a public one in the usual form.
func FuzzName(f *testing.F) {
	for _, name := range []string{"0x7f.1", "127.1", "2130706433", "0177.0.0.1", "0X7F000001", "127.0.0.1.", "::1", "example.com", "1.2.3.4", "0xa.example.com", "a.0xg", "٠.1"} {
		f.Add(name)
	}
	g, err := newGuard(Config{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, name string) {
		if g.checkName(name, 443) != nil {
			return
		}
		if a, err := netip.ParseAddr(strings.TrimSuffix(name, ".")); err == nil {
			require.Empty(t, judge(a))
			return
		}
		require.False(t, inetAton(strings.ToLower(strings.TrimSuffix(name, "."))), name)
		require.True(t, strings.Contains(strings.TrimSuffix(name, "."), "."), name)
	})
}

// What a program refuses, neither Prefixes nor Hosts allows.
func TestAddressesThatTheProgramRefuses(t *testing.T) {
	g, err := newGuard(Config{
		Refused:  []netip.Prefix{netip.MustParsePrefix("9.9.0.0/16"), netip.MustParsePrefix("2620:fe::/48"), netip.MustParsePrefix("10.0.0.0/24")},
		Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Hosts: []string{"example.test"},
	})
	require.NoError(t, err)
	g.prefixes = append(g.prefixes, localNAT64)
	for address, refused := range map[string]bool{
		"64:ff9b:1::10.0.0.1": true, "64:ff9b:1::10.0.1.1": false,
		"9.9.9.9": true, "::ffff:9.9.9.9": true, "64:ff9b::9.9.9.9": true, "2620:fe::fe": true, "2620:fe::9%eth0": true, "10.0.0.1": true,
		"9.10.0.1": false, "64:ff9b::9.10.0.1": false, "2620:ff::1": false, "10.0.1.1": false,
	} {
		err := g.check("example.test", netip.MustParseAddr(address), 443)
		assert.Equal(t, refused, err != nil, address)
		if refused {
			assert.ErrorContains(t, err, "Refused of egress.Config", address)
		}
	}
}

// Each metadata service is refused under a name of the program, and with a prefix around
// the address.
func TestMetadataServicesOfAllClouds(t *testing.T) {
	g, err := newGuard(Config{Hosts: []string{"example.test"}, Prefixes: []netip.Prefix{
		netip.MustParsePrefix("128.0.0.0/1"), netip.MustParsePrefix("64.0.0.0/2"), netip.MustParsePrefix("f000::/4"),
	}})
	require.NoError(t, err)
	for _, address := range []string{
		"169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "fd20:ce::254", "168.63.129.16", "192.0.0.192",
		"100.100.100.200", "169.254.0.23", "100.96.0.96", "169.254.42.42", "fd00:42::42", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe%eth0",
	} {
		assert.ErrorContains(t, g.check("example.test", netip.MustParseAddr(address), 80), "a metadata service", address)
	}
	assert.NoError(t, g.check("other.test", netip.MustParseAddr("169.254.0.24"), 80))
}

// A program that changes its Config afterwards changes no guard.
func TestConfigIsCopied(t *testing.T) {
	config := Config{
		Prefixes: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Refused: []netip.Prefix{netip.MustParsePrefix("9.9.9.0/24")}, Ports: []uint16{443}, Hosts: []string{"a.test"},
	}
	g, err := newGuard(config)
	require.NoError(t, err)
	config.Prefixes[0], config.Refused[0] = netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("9.9.8.0/24")
	config.Ports[0], config.Hosts[0] = 80, "b.test"
	assert.Error(t, g.check("x.test", netip.MustParseAddr("10.2.0.1"), 443))
	assert.Error(t, g.check("x.test", netip.MustParseAddr("9.9.9.9"), 443))
	assert.Error(t, g.check("x.test", netip.MustParseAddr("8.8.8.8"), 80))
	assert.Error(t, g.check("b.test", netip.MustParseAddr("10.2.0.1"), 443))
	assert.NoError(t, g.check("a.test", netip.MustParseAddr("10.2.0.1"), 443))
}
