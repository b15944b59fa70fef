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
