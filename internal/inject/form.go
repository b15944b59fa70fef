package inject

// spliceForm returns an encoded form with the fields appended and the pairs that
// had one of their names removed; the other bytes stay as they are.
func (f *Fields) spliceForm(body []byte) []byte {
	out := make([]byte, 0, len(body)+1+len(f.form))
	out = appendWithout(out, body, f.names...)
	if len(out) > 0 {
		out = append(out, '&')
	}
	return append(out, f.form...)
}
