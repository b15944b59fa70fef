package digestauth_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// curl is another client of the same server, so that the server's strictness is not
// an agreement between this package and its tests.
func TestCurlAgainstTheSameService(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") != "" {
			t.Fatal("curl is not installed")
		}
		t.Skip("curl is not installed")
	}
	for _, algorithm := range []string{"SHA-256", "SHA-256-sess", "MD5", "MD5-sess", ""} {
		s := &service{algorithms: []string{algorithm}, qop: "auth"}
		url := s.start(t)
		output, err := exec.Command(curl, "-sS", "--digest", "-u", user+":"+password, "-d", "hello", "-o", os.DevNull, "-w", "%{http_code}", url+"/a%2Fb?x=y").CombinedOutput()
		require.NoError(t, err, "%s", output)
		assert.Equal(t, "200", string(output), algorithm)
		assert.Equal(t, []string{"hello"}, s.bodies)
		client, _ := open(t, allowMD5)
		assert.Equal(t, 200, status(t, client, url+"/a%2Fb?x=y", "hello"))
	}
}
