package script_test

// must returns v and panics on an error; it is for what is right.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
