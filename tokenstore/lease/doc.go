// Package lease helps to write a token store. [Keep] keeps a lock alive while
// the holder lives, and tells the holder when the lock is lost. [Watch] lets many
// callers wait for many values, with a single goroutine that reads for all
// callers. The package needs only the standard library.
//
//	func (s *store) Lock(ctx context.Context, key string) (tokenstore.Lease, error) {
//		owner := rand.Text()
//		for {
//			taken := time.Now() // of this attempt, before the database grants the lock
//			free, err := s.take(ctx, key, owner)
//			if err != nil {
//				return nil, err
//			}
//			if free {
//				return lease.Keep(ctx, taken, lease.Config{
//					Length:  lease.Length,
//					Prolong: func(ctx context.Context) (bool, error) { return s.prolong(ctx, key, owner) },
//					Release: func(ctx context.Context) error { return s.release(ctx, key, owner) },
//				}), nil
//			}
//			select {
//			case <-time.After(time.Second):
//			case <-ctx.Done():
//				return nil, ctx.Err()
//			}
//		}
//	}
//
// The methods take, prolong and release are those of the database: take reports whether the lock was free.
//
// # How a lock ends
//
// A lock in a database is a row with an owner and an end. [Keep] calls Prolong about three
// times in each [Length], so the lock of a dead process ends within that time. Prolong must
// not take a lock that has ended: another process may have had the lock in between. A holder
// calls [Held.Check] right before sending what must be sent once. The lock may be lost all the
// same while the request is on its way, so a store also compares before it swaps.
//
// # Waiting for a value
//
// A process that waits for a lock waits for the token of the holder. [Watch.Wait] returns as
// soon as the value is there, whether or not the lock was let go. However many callers wait,
// Read is called about five times a second, with the keys of all callers.
//
// # Whether the store is right
//
// Package tokenstoretest tests a store. Its function RunLease cuts connections while locks are
// held.
package lease
