package consent

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBrowserCommand(t *testing.T) {
	env := func(set string) func(string) string {
		return func(name string) string {
			if name == set {
				return "x"
			}
			return ""
		}
	}
	for _, test := range []struct{ system, env, want string }{
		{"windows", "", "rundll32 [url.dll,FileProtocolHandler]"},
		{"darwin", "", "open []"},
		{"linux", "DISPLAY", "xdg-open []"},
		{"freebsd", "WAYLAND_DISPLAY", "xdg-open []"},
	} {
		name, args, err := browserCommand(test.system, env(test.env))
		require.NoError(t, err)
		require.Equal(t, test.want, fmt.Sprint(name, " ", args))
	}
	_, _, err := browserCommand("linux", env("SSH_CONNECTION"))
	require.Error(t, err)
	for _, address := range []string{"file:///etc/passwd", "--help", "javascript:alert(1)", ""} {
		require.Error(t, openBrowser(address), address)
	}
}
