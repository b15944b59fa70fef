package jws

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"encoding/json"
	"math/big"
	mathrand "math/rand/v2"
	"slices"
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

func TestSignaturesHaveTheWidthOfTheCurve(t *testing.T) {
	for _, algorithm := range []string{"ES256", "ES384", "ES512"} {
		k := must(New(keys()[algorithm], ""))
		width := len(k.public.x)
		for range 300 {
			number := func() *big.Int {
				b := make([]byte, width)
				rand.Read(b[mathrand.IntN(3):])
				if b[0] > 1 && algorithm == "ES512" {
					b[0] &= 1
				}
				return new(big.Int).SetBytes(b)
			}
			r, s := number(), number()
			der := must(asn1.Marshal(struct{ R, S *big.Int }{r, s}))
			fixed, err := k.fixedWidth(der)
			require.NoError(t, err)
			assert.Equal(t, append(r.FillBytes(make([]byte, width)), s.FillBytes(make([]byte, width))...), fixed)
			for _, damaged := range [][]byte{der[:len(der)-1], append(slices.Clone(der), 0), der[1:], nil} {
				_, err := k.fixedWidth(damaged)
				assert.ErrorContains(t, err, "not in ASN.1")
			}
		}
		_, err := k.fixedWidth(must(asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).Lsh(big.NewInt(1), uint(8*width)), big.NewInt(1)})))
		assert.ErrorContains(t, err, "not in ASN.1", "too long for the curve")
		_, err = k.fixedWidth(must(asn1.Marshal(struct{ R, S *big.Int }{big.NewInt(-1), big.NewInt(1)})))
		assert.ErrorContains(t, err, "not in ASN.1", "negative")
	}
}
