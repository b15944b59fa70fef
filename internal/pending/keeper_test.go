package pending

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKeeperForgetsConsentsThatNobodyCanFinishAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k Keeper
		for i := range 1000 {
			require.True(t, k.remember(Value{State: fmt.Sprint(i), Began: time.Now().Unix()}.claim()))
			time.Sleep(time.Minute)
		}
		assert.LessOrEqual(t, len(k.over), int(2*Lifetime/time.Minute)+1)
		for i := 985; i < 1000; i++ {
			assert.False(t, k.remember(Value{State: fmt.Sprint(i)}.claim()), "a consent that could be finished again is remembered")
		}
	})
}
