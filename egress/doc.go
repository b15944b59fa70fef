// Package egress keeps requests away from private networks. A [Transport] reaches public
// addresses only, so an address which an account owner has typed leads to no host of
// the program's own network (server-side request forgery).
//
//	transport, err := egress.New(egress.Config{})
//	if err != nil {
//		return err
//	}
//	client := &http.Client{Transport: transport}
//
// The zero [Config] allows public addresses and any port. A refused request fails with an
// [Error], which names the host and the reason.
//
// # What is refused
//
// The guard looks at the address of each connection right before the connection is made,
// after the name was resolved. So a name that leads elsewhere at the second lookup (DNS
// rebinding) gains nothing, and neither does a redirect, nor an unusual spelling of an
// address. If a name has several addresses, those that are refused are passed over.
//
// Refused are the addresses that the special-purpose registries of IANA (RFC 6890) call
// not globally reachable: private, shared, loopback, link-local, unique local, reserved, for
// documentation and for benchmarks; also multicast, broadcast and unspecified addresses, and
// of IPv6 everything but global unicast (2000::/3). An IPv4-mapped address counts as its IPv4
// address, and so does an address of NAT64 (64:ff9b::/96). The local prefix of NAT64, 6to4 and
// Teredo are refused altogether. The metadata services of clouds are refused, also where
// their address is a public one.
//
// The guard cannot know which public addresses belong to the program's own network, where
// private addresses are not the only ones: [Config].Refused names them.
//
// Any port may be reached, unless [Config].Ports is set: the guard protects networks, and
// products that people host themselves are at many ports.
//
// # What is allowed
//
// [Config].Prefixes and [Config].Hosts allow hosts of the program's own network. A metadata
// service needs a prefix with a single address: neither Hosts nor a wider prefix leads
// there.
//
// # Proxies
//
// HTTP_PROXY, HTTPS_PROXY and NO_PROXY are not read. Behind [Config].Proxy, the proxy resolves
// the names, so the guard sees no address: the proxy itself must refuse private addresses.
// Before the proxy is asked, the guard refuses what the name alone tells: addresses
// as above, addresses in an unusual spelling such as 0x7f.1, and the names of this machine
// and of local networks. The address of the proxy is allowed.
//
// # Transports in between
//
// A connector that wants a guard, such as one of package definition, looks for a
// Transport with [Guards]. A RoundTripper in between, as for traces, shows its base by a
// method Unwrap() [http.RoundTripper].
package egress
