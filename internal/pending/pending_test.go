package pending_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPendingOfAnotherKindIsRefused(t *testing.T) {
	now := time.Now().Unix()
	for text, want := range map[string]string{
		"": pending.Invalid, "null": pending.Invalid, "{}": pending.Invalid, "[]": pending.Invalid, `"text"`: pending.Invalid,
		fmt.Sprintf(`{"for":"connector","began":%d}`, now):                                            pending.Invalid,
		fmt.Sprintf(`{"for":"connector","began":%d,"state":""}`, now):                                 pending.Invalid,
		fmt.Sprintf(`{"for":"connector","began":%d,"state":"s1"`, now):                                pending.Invalid,
		fmt.Sprintf(`{"for":"connector","began":%d,"state":"s1"}{}`, now):                             pending.Invalid,
		fmt.Sprintf(`{"for":"another","began":%d,"state":"s1"}`, now):                                 pending.MixUp,
		fmt.Sprintf(`{"began":%d,"state":"s1"}`, now):                                                 pending.MixUp,
		`{"for":"connector","state":"s1"}`:                                                            pending.Expired,
		`{"for":"connector","began":9223372036854775807,"state":"s1"}`:                                pending.Expired,
		`{"for":"connector","began":-9223372036854775808,"state":"s1"}`:                               pending.Expired,
		fmt.Sprintf(`{"for":"connector","began":%d,"state":"s1","new":true}`, now):                    "",
		fmt.Sprintf(`{"for":"connector","began":%d,"state":"s1","lifetime":%d}`, now, 24*time.Hour):   "",
		fmt.Sprintf(`{"for":"connector","began":%d,"state":"s1","lifetime":%d}`, now, 24*time.Hour+1): pending.Invalid,
		fmt.Sprintf(`{"for":"connector","began":%d,"state":"s1","lifetime":-1}`, now):                 pending.Invalid,
	} {
		c, k := begin("s1"), new(pending.Keeper)
		err := k.Finish(t.Context(), c.flow, text, granted("s1"))
		if want == "" {
			assert.NoError(t, err, text)
			continue
		}
		assert.Equal(t, want, kind(t, err), text)
		assert.NotContains(t, err.Error(), "s1", "no state in an error")
		assert.Zero(t, c.obtained.Load(), text)
	}
}

// A consent is good for its lifetime, and no longer; a clock may be off by as
// much.
func TestConsentExpires(t *testing.T) {
	assert.Equal(t, 10*time.Minute, pending.Lifetime)
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			age  time.Duration
			good bool
		}{
			{0, true}, {pending.Lifetime, true}, {pending.Lifetime + time.Second, false}, {24 * time.Hour, false},
			{-pending.Lifetime, true}, {-pending.Lifetime - time.Second, false}, {-24 * time.Hour, false},
		} {
			c := begin("s1")
			c.Began = time.Now().Add(-test.age).Unix()
			text, _ := json.Marshal(c.Value)
			err := new(pending.Keeper).Finish(t.Context(), c.flow, string(text), granted("s1"))
			if test.good {
				assert.NoError(t, err, test.age)
				continue
			}
			assert.Equal(t, pending.Expired, kind(t, err), test.age)
			assert.ErrorContains(t, err, "begin again")
		}
	})
}

func TestConsentBeginsWithEncode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := pending.Value{For: connector, State: "s1", Began: 1}
		before := v.Encode()
		time.Sleep(time.Minute)
		var was, is pending.Value
		require.NoError(t, json.Unmarshal([]byte(before), &was))
		require.NoError(t, json.Unmarshal([]byte(v.Encode()), &is))
		assert.EqualValues(t, 60, is.Began-was.Began)
		assert.Equal(t, time.Now().Unix(), is.Began)
		assert.NotContains(t, before, "verifier", "what is empty is left out")
	})
}

func TestIdentityTellsConnectorsApart(t *testing.T) {
	seen := map[string][]string{}
	for _, parts := range [][]string{
		{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"b", "a"}, {"1:a"}, {"a1:b"}, {"a", "b", ""}, {"0:"},
	} {
		id := pending.Identity(parts...)
		assert.Nil(t, seen[id], "%q and %q", seen[id], parts)
		seen[id] = append([]string{}, parts...)
		assert.Len(t, id, 20)
		assert.Equal(t, id, pending.Identity(parts...))
	}
}

func TestRandomTextHas256Bits(t *testing.T) {
	seen := map[string]bool{}
	var set [32]byte // bits that were ever set
	for range 100 {
		text := pending.RandomText()
		raw, err := base64.RawURLEncoding.DecodeString(text)
		require.NoError(t, err)
		assert.Len(t, raw, 32)
		assert.Equal(t, text, url.QueryEscape(text))
		assert.False(t, seen[text])
		seen[text] = true
		for i := range raw {
			set[i] |= raw[i]
		}
	}
	for i := range set {
		assert.EqualValues(t, 0xff, set[i], "byte %d is random", i)
	}
}

func TestOne(t *testing.T) {
	callback := url.Values{"a": {"1"}, "empty": {""}, "two": {"1", "2"}, "emptyFirst": {"", "2"}}
	value, err := pending.One(callback, "a")
	require.NoError(t, err)
	assert.Equal(t, "1", value)
	for name, says := range map[string]string{"absent": "no absent", "empty": "no empty", "two": "more than one two", "emptyFirst": "more than one emptyFirst"} {
		value, err := pending.One(callback, name)
		assert.Empty(t, value)
		assert.ErrorContains(t, err, says)
		assert.Equal(t, pending.Invalid, kind(t, err))
	}
}

func TestCheckRedirect(t *testing.T) {
	for _, good := range []string{"https://app.example/callback?x=1", "http://127.0.0.1:8080/cb", "http://localhost/cb"} {
		assert.NoError(t, pending.CheckRedirect(good), good)
	}
	for _, bad := range []string{"", "/callback", "http://app.example/cb", "https://u:p@app.example/", "https://app.example/#f", "javascript:alert(1)", "https://%zz"} {
		err := pending.CheckRedirect(bad)
		assert.ErrorContains(t, err, "connectorauth: redirectURL: ", bad)
	}
}

func TestMixUp(t *testing.T) {
	err := pending.NewMixUp("the callback comes from another issuer")
	assert.Equal(t, pending.MixUp, kind(t, err))
	assert.EqualError(t, err, "connectorauth: the callback comes from another issuer")
}
