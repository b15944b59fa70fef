package canary

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFoundSeesEveryEncoding(t *testing.T) {
	const password, key = "PASS:word+/%&=~2b7c", "KEY+/%&=~1f3a"
	basic, _ := http.NewRequest(http.MethodGet, "/", nil)
	for _, user := range []string{"", "a", "ab"} {
		basic.SetBasicAuth(user, password)
		assert.NotEmpty(t, Found(basic.Header.Get("Authorization"), password))
	}
	assert.NotEmpty(t, Found(url.Values{"k": {key}}.Encode(), key))
	assert.NotEmpty(t, Found(fmt.Sprintf("%x", key), key))
	assert.NotEmpty(t, Found(fmt.Sprintf("%d", []byte("a"+key)), key))
	assert.Empty(t, Found("nothing here", key, password))
}

func TestReachedFollowsEverything(t *testing.T) {
	type inner struct{ hidden []byte }
	type outer struct {
		m    map[string]any
		loop *outer
		pair [1]*inner
	}
	v := &outer{m: map[string]any{"key in a map": []any{&inner{[]byte("bytes in a map")}}}, pair: [1]*inner{{[]byte("bytes in an array")}}}
	v.loop = v
	text := Reached(v)
	for _, found := range []string{"key in a map", "bytes in a map", "bytes in an array"} {
		assert.Contains(t, text, found)
	}
	assert.Empty(t, Reached(func() string { return "captured" }))
	assert.Contains(t, failing(v), "loop", "an assertion prints fields")
}
