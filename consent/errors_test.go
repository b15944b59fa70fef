package consent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryReasonHasAText(t *testing.T) {
	for _, reason := range []Reason{ReasonDenied, ReasonInvalid, ReasonUnknown, ReasonExpired, ReasonUsed, ReasonMixUp,
		ReasonNotAllowed, ReasonRefused, ReasonProvider, ReasonStore, ReasonInternal, ReasonNotRecorded} {
		require.NotEmpty(t, failurePage(reason).Title)
		require.NotEmpty(t, failurePage(reason).Message)
		require.Equal(t, "consent: "+string(reason), fail(reason, nil).Error())
	}
}
