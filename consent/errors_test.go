package consent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryReasonHasAText(t *testing.T) {
	for _, reason := range []Reason{ReasonDenied, ReasonInvalid, ReasonUnknown, ReasonExpired, ReasonUsed, ReasonMixUp,
		ReasonNotAllowed, ReasonRefused, ReasonProvider, ReasonStore, ReasonUnrecorded, ReasonInternal} {
		for _, messages := range builtin {
			require.NotEmpty(t, messages.Failed[reason].Title, reason)
			require.NotEmpty(t, messages.Failed[reason].Message, reason)
		}
		require.Equal(t, "consent: "+string(reason), fail(reason, nil).Error())
	}
}
