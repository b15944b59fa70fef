package inject

// An edit puts text in the place of the bytes from start to end.
type edit struct {
	start, end int
	text       []byte
}

// applyEdits returns data with the edits, which must be in order and must not
// overlap. applyEdits uses the array of data if the array has room for the result.
func applyEdits(data []byte, edits []edit) []byte {
	size, grows := len(data), true
	for _, e := range edits {
		size += len(e.text) - (e.end - e.start)
		grows = grows && size >= len(data) // all bytes after e stay where they are, or move back
	}
	if grows && size <= cap(data) {
		return editInPlace(data, edits, size)
	}
	out := make([]byte, 0, size)
	copied := 0
	for _, e := range edits {
		out = append(append(out, data[copied:e.start]...), e.text...)
		copied = e.end
	}
	return append(out, data[copied:]...)
}

// editInPlace is applyEdits in the array of data. editInPlace begins at the end, so no
// byte is overwritten that has not been moved.
func editInPlace(data []byte, edits []edit, size int) []byte {
	out, copied := data[:size], len(data) // data is copied from there on
	for i := len(edits) - 1; i >= 0; i-- {
		e := edits[i]
		size -= copied - e.end
		copy(out[size:], data[e.end:copied])
		size -= len(e.text)
		copy(out[size:], e.text)
		copied = e.start
	}
	return out
}
