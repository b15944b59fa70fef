package pages

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/connectorauth/connectorauth/internal/lazy"
)

var (
	// idPattern matches the IDs of accounts: see accounts.Request.
	idPattern = lazy.Regexp(`^[A-Za-z0-9._:-]{1,100}$`)
	// keyPattern matches the key of a form: what accounts.NewID makes.
	keyPattern = lazy.Regexp(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

func isID(text string) bool  { return idPattern().MatchString(text) }
func isKey(text string) bool { return keyPattern().MatchString(text) }

// idOf returns the ID of the account that an owner connects with the key of a form: a UUID
// of version 8 (RFC 9562 section 5.8) with the time of the key, so IDs sort by time.
// Equal keys of different owners are different accounts, and no owner can find out which
// keys others have used.
func idOf(owner, key string) string {
	sum := sha256.Sum256([]byte(owner + "\x00" + key))
	digits := hex.EncodeToString(sum[:])
	return key[:len("01234567-89ab")] + "-8" + digits[:3] + "-" + string("89ab"[sum[31]%4]) + digits[3:6] + "-" + digits[6:18]
}
