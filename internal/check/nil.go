package check

import "reflect"

// IsNil reports whether v is nil, or a nil pointer in an interface.
func IsNil(v any) bool {
	value := reflect.ValueOf(v)
	return v == nil || value.Kind() == reflect.Pointer && value.IsNil()
}

// NilPointer adds a problem if the value of a field is a nil pointer in an interface. An
// empty field is for others to judge.
func (l *List) NilPointer(field string, v any) {
	if v != nil && IsNil(v) {
		l.Add("%s: is a nil %T; set a value, or leave %[1]s empty", field, v)
	}
}

// Store adds what is wrong with a token store and the name of its account. keeps names
// what the store keeps, such as "token".
func (l *List) Store(store any, account, keeps string) {
	l.NilPointer("Store", store)
	if store != nil && account == "" {
		l.Add("Account: is empty; name the %s that Store keeps", keeps)
	}
}
