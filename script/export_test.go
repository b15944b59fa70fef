package script

import (
	"context"

	"github.com/connectorauth/connectorauth/script/internal/engine"
)

// CallsAfterTheLimit returns the errors of the calls of a machine whose time is over, by
// what the machine wants.
func CallsAfterTheLimit(ctx context.Context) (map[string]error, error) {
	turn, err := queue.Enter(ctx, "test", false)
	if err != nil {
		return nil, err
	}
	defer turn.Leave()
	r := &run{wrapper: &wrapper{limit: -1}, ctx: ctx, turn: turn}
	errs := make(map[string]error)
	_, errs["help"] = r.Call(engine.Help, []byte(`["unix_time"]`))
	_, errs["read"] = r.Call(engine.Read, []byte("method_request"))
	return errs, nil
}

// SetMaxWaiting changes how many bytes the requests of a tenant may keep, and returns
// the number before.
func SetMaxWaiting(n int64) int64 {
	waiting.Lock()
	defer waiting.Unlock()
	before := maxWaiting
	maxWaiting = n
	return before
}
