package indextest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
)

// odd are texts that collations, encodings and quoting may confuse.
var odd = []string{
	"a", "A", "a ", "a  ", " a", "a\t", "a\n", "a.", "'", "''", "`", `"`, `\`, `\\`, `\'`, "';--", "'; DROP TABLE connectorauth_accounts;--",
	"?", "$1", ":a", "@a", "%", "%25", "%s", "_", "*", "[a]", "{a}", "0", "00", "0.0", "1e0", "null", "NULL", "true", "x'41'", `\x41`,
	"ä", "a\u0308", "Ä", "ß", "ss", "SS", "é", "e\u0301", "ı", "i", "I", "İ", "K", "k", "\u212a", "Å", "\u212b",
	"🔑", "🔐", "👩‍👩‍👧", "\u200b", "\u202e", "\ufeff", "\ufffd", "日本語", "\x01", "\x1f", "\x7f", "\u0085", "\u2028", "\U0010ffff",
}

func testOddTexts(t *testing.T, index, other accounts.Index) {
	ids := make([]string, len(odd))
	for i, text := range odd {
		ids[i] = fmt.Sprintf("%03d", i)
		mustPut(t, index, textual(ids[i], text))
	}
	for i, text := range odd {
		mustBe(t, other, with(textual(ids[i], text), func(a *accounts.Account) { a.Version = 1 }))
		same(t, ids[i:i+1], list(t, other, accounts.Filter{Owner: text}, "", 10))
		same(t, ids[i:i+1], list(t, other, accounts.Filter{Identity: text}, "", 10))
		same(t, ids[i:i+1], list(t, other, accounts.Filter{Definitions: []string{text}}, "", 10))
	}
	for _, id := range []string{"", "A", "a ", "000 ", "000\x00", "\xff", "ä", "'", strings.Repeat("0", 101), strings.Repeat("🔑", 1000)} {
		absent(t, index, id)
	}
	for _, text := range []string{"\x00", "a\x00", "\xff", "b", "a   ", strings.Repeat("a", 1001), strings.Repeat("🔑", 10_000)} {
		same(t, nil, list(t, other, accounts.Filter{Owner: text}, "", 10))
		same(t, nil, list(t, other, accounts.Filter{Identity: text}, "", 10))
		same(t, nil, list(t, other, accounts.Filter{Definitions: []string{text}}, "", 10))
		same(t, ids[:1], list(t, other, accounts.Filter{Definitions: []string{text, odd[0]}}, "", 10))
	}
}

// testLongTexts puts texts that are as long as an index must take: 1,000 bytes of an Owner
// and of an Identity, 255 of a Definition, 100 of an ID, and much else.
func testLongTexts(t *testing.T, index, other accounts.Index) {
	for _, letter := range []string{"a", "é", "日", "🔑"} {
		text := func(bytes int) string {
			whole := strings.Repeat(letter, bytes/len(letter))
			return strings.Repeat("-", bytes-len(whole)) + whole
		}
		a := full(strings.Repeat("z", 99) + fmt.Sprint(len(letter)))
		a.Owner, a.Identity, a.Definition = text(1000), text(1000), text(255)
		a.Label, a.Error, a.Method = strings.Repeat(letter, 200), text(100_000), text(255)
		a.Granted = []string{text(10_000), text(10_000)}
		mustPut(t, index, a)
		a.Version = 1
		mustBe(t, other, a)
		same(t, []string{a.ID}, list(t, other, accounts.Filter{Owner: a.Owner, Identity: a.Identity, Definitions: []string{a.Definition}}, "", 10))
		short := a.Owner[:1000-len(letter)]
		same(t, nil, list(t, other, accounts.Filter{Owner: short}, "", 10))
		same(t, nil, list(t, other, accounts.Filter{Identity: short}, "", 10))
	}
}

// textual returns an account with a text in each place.
func textual(id, text string) accounts.Account {
	return with(full(id), func(a *accounts.Account) {
		a.Owner, a.Identity, a.Label, a.Error, a.Definition, a.Method = text, text, text, text, text, text
		a.Granted, a.Missing = []string{text, ""}, []string{"", text}
	})
}
