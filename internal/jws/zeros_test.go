package jws

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Coordinates, private numbers and signatures are as long as the curve, also where they
// begin with zeros. Some programs write JSON Web Keys without the zeros.
func TestNumbersThatBeginWithZeros(t *testing.T) {
	short := map[string]bool{}
	for range 2000 {
		private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		k := must(New(private, ""))
		d := must(private.Bytes())
		first := map[string]byte{"x": k.public.x[0], "y": k.public.y[0], "d": d[0]}
		for name, b := range first {
			if b != 0 || short[name] {
				continue
			}
			short[name] = true
			var members map[string]string
			require.NoError(t, json.Unmarshal(k.PublicJWK(), &members))
			assert.Len(t, members["x"], 43)
			assert.Len(t, members["y"], 43)
			text := privateText(t, private, nil)
			parsed, err := Parse(text)
			require.NoError(t, err)
			assert.True(t, private.Equal(parsed.Signer))
			if name == "d" {
				assert.NotContains(t, strings.ReplaceAll(text, " ", ""), `"d":""`)
			}
		}
		if len(short) == 3 {
			break
		}
	}
	k := must(New(keys()["ES256"], ""))
	for range 1000 { // one signature in 128 has a number that begins with a zero
		signed, err := k.Sign(nil, nil)
		require.NoError(t, err)
		require.Len(t, signed[strings.LastIndex(signed, ".")+1:], 86)
	}
}
