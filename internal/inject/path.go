package inject

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// isPlaceholder reports whether name can stand between the braces of a placeholder.
// No spelling of a path escapes such a name.
func isPlaceholder(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		return r >= 0x7f || r == '.' || r == '~' || !wire.IsUnreserved(byte(r))
	}) < 0
}

// putPath puts value, which is percent-encoded, in the place of the placeholder called name in
// the path of req, whose URL becomes a copy. A redirect may lead to a path without the
// placeholder.
func putPath(req *http.Request, name, value string, room Room) error {
	path := wire.EscapedPath(req.URL)
	start, end, found := placeholder(path, name)
	switch {
	case req.URL.Opaque != "":
		return fmt.Errorf("connectorauth: the request has an opaque URL, whose path has no place for the credential: write {%s} in the path", name)
	case !found && req.Response != nil:
		return nil
	case !found:
		return fmt.Errorf("connectorauth: the path of the request has no place for the credential: write {%s} in the path", name)
	}
	if _, _, again := placeholder(path[end:], name); again {
		return fmt.Errorf("connectorauth: the path of the request has the placeholder {%s} twice: write the placeholder once", name)
	}
	raw := path[:start] + value + path[end:]
	plain, err := url.PathUnescape(raw)
	if err != nil {
		return err // cannot happen: both parts are well escaped
	}
	u := room.ownURL(req)
	u.Path, u.RawPath = plain, raw
	return nil
}

// placeholder returns where the placeholder called name is in an escaped path.
func placeholder(path, name string) (start, end int, found bool) {
	size := len("%7B") + len(name) + len("%7D")
	for i := 0; i+size <= len(path); i++ {
		if part := path[i : i+size]; part[:3] == "%7B" && part[size-3:] == "%7D" && part[3:size-3] == name {
			return i, i + size, true
		}
	}
	return 0, 0, false
}
