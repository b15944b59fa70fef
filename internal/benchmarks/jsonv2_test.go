//go:build goexperiment.jsonv2

package benchmarks

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"testing"
)

// BenchmarkJSONv2 is BenchmarkJSON against encoding/json/v2.
func BenchmarkJSONv2(b *testing.B) {
	compare(b, []peer{
		{"ours", fields},
		editing("jsonv2", func(body []byte) ([]byte, error) {
			var m map[string]jsontext.Value
			if err := json.Unmarshal(body, &m); err != nil {
				return nil, err
			}
			m["api_key"], m["account"] = jsontext.Value(`"SECRET"`), jsontext.Value(`12`)
			return json.Marshal(m)
		}),
	})
}
