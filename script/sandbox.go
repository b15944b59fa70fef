package script

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// The interpreter checks the time limit between the instructions of a script. This
// file limits single instructions: calls of built-in functions that could use time
// or memory without end.

const (
	maxText  = 16 << 20 // most characters in the result of one call
	maxNodes = 1 << 20  // most values that one call visits
	maxNest  = 1000     // maximum depth of these values
)

// The interpreter matches patterns that backtrack with regexp2. regexp2 has one
// timeout for the whole program, and no timeout by default. After the timeout the
// match fails.
func init() {
	if regexp2.DefaultMatchTimeout == math.MaxInt64 {
		regexp2.DefaultMatchTimeout = time.Second
	}
}

// standard are the globals of JavaScript that a script may use. eval and Function
// are missing because they run text as code. Proxy, BigInt, buffers and typed
// arrays are missing because their memory or time cannot be limited.
var standard = []string{
	"Array", "Boolean", "Date", "Error", "EvalError", "JSON", "Map", "Math", "Number", "Object", "Promise", "RangeError",
	"ReferenceError", "Reflect", "RegExp", "Set", "String", "Symbol", "SyntaxError", "TypeError", "URIError", "WeakMap", "WeakSet",
	"decodeURI", "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape", "unescape",
	"isFinite", "isNaN", "parseFloat", "parseInt", "Infinity", "NaN",
}

// functionPrototypes are programs that return the prototype of each kind of function.
// The constructor of a prototype could run text as code. The keys are text that the
// source of a script must contain to have a function of this kind.
var functionPrototypes = map[string]*goja.Program{
	"":      goja.MustCompile("", `Object.getPrototypeOf(function(){})`, false),
	"*":     goja.MustCompile("", `Object.getPrototypeOf(function*(){})`, false),
	"async": goja.MustCompile("", `Object.getPrototypeOf(async function(){})`, false),
}

// confine gives the runtime a new global object. The object contains the standard
// globals that the script mentions. Built-in functions get limits.
func (r *run) confine() error {
	for text, program := range functionPrototypes {
		if !strings.Contains(r.script.source, text) {
			continue
		}
		prototype, err := r.vm.RunProgram(program)
		if err != nil {
			return err
		}
		prototype.(*goja.Object).DefineDataProperty("constructor", goja.Undefined(), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
	r.limitMethods(r.vm.ToValue("").ToObject(r.vm).Prototype(), map[string]func(goja.FunctionCall) bool{
		"repeat": func(call goja.FunctionCall) bool {
			return float64(len(call.This.String()))*call.Argument(0).ToFloat() <= maxText
		},
		"padStart":   padFits,
		"padEnd":     padFits,
		"replace":    replaceFits,
		"replaceAll": replaceFits,
	})
	r.confineArrays()
	if slices.ContainsFunc([]string{"JSON", "script_parameters", "method_request", "method_response", "method_error"}, r.script.mentions) {
		json := r.vm.Get("JSON").(*goja.Object)
		r.limitMethods(json, map[string]func(goja.FunctionCall) bool{"stringify": func(call goja.FunctionCall) bool {
			left := budget{nodes: maxNodes, text: maxText, members: true}
			return left.spend(call.Argument(0), 0)
		}})
		r.parse, _ = goja.AssertFunction(json.Get("parse"))
		r.stringify, _ = goja.AssertFunction(json.Get("stringify"))
	}

	language, global := r.vm.GlobalObject(), r.vm.NewObject()
	r.vm.SetGlobalObject(global)
	for _, name := range standard {
		r.set(name, func() any { return language.Get(name) })
	}
	r.set("globalThis", func() any { return global })
	return global.DefineDataProperty("undefined", goja.Undefined(), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}

// confineArrays limits the methods of arrays. JavaScript can call these methods on
// any object with a length, and most methods run to the end of the object without
// checking the time limit.
func (r *run) confineArrays() {
	prototype := r.vm.NewArray().Prototype()
	r.limitMethods(prototype, map[string]func(goja.FunctionCall) bool{
		"join": joinFits, "toString": joinFits, "toLocaleString": joinFits,
	})
	if !r.script.lengths {
		return
	}
	fits := make(map[string]func(goja.FunctionCall) bool)
	for _, name := range prototype.GetOwnPropertyNames() {
		if name != "join" && name != "toString" && name != "toLocaleString" && name != "constructor" && name != "length" {
			fits[name] = func(call goja.FunctionCall) bool {
				return short(call.This) && !slices.ContainsFunc(call.Arguments, long)
			}
		}
	}
	r.limitMethods(prototype, fits)
	argument := func(i int) func(goja.FunctionCall) bool {
		return func(call goja.FunctionCall) bool { return short(call.Argument(i)) }
	}
	r.limitMethods(r.vm.Get("Array").(*goja.Object), map[string]func(goja.FunctionCall) bool{"from": argument(0)})
	r.limitMethods(r.vm.Get("Reflect").(*goja.Object), map[string]func(goja.FunctionCall) bool{"apply": argument(2), "construct": argument(1)})
	r.limitMethods(r.vm.Get("Function").(*goja.Object).Get("prototype").(*goja.Object), map[string]func(goja.FunctionCall) bool{"apply": argument(1)})
}

// lengthWords are words of a source. To have an object of great length, a script
// needs one of these words, a computed property name ("[") or an escape ("\").
var lengthWords = []string{
	"length", "Array", "JSON", "Object", "Reflect", "method_request", "method_response", "method_error", "script_parameters",
}

// mayHaveLengths reports whether s can have an object of great length. Without such
// objects, most array methods need no limit.
func mayHaveLengths(s *Script) bool {
	return strings.ContainsAny(s.source, `[\`) || slices.ContainsFunc(lengthWords, s.mentions)
}

// short reports whether v is safe for array methods: v is not an object, has no
// length, or is an array of at most maxNodes elements. Other objects are not safe,
// because a getter can return another length each time.
func short(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	if !ok {
		return true
	}
	length := o.Get("length")
	return length == nil || o.ClassName() == "Array" && length.ToFloat() <= maxNodes
}

// long reports whether v is an array of more than maxNodes elements.
func long(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	return ok && o.ClassName() == "Array" && o.Get("length").ToFloat() > maxNodes
}

// limitMethods replaces methods of o. A new method throws if its function in fits
// returns false, and otherwise calls the old method.
func (r *run) limitMethods(o *goja.Object, fits map[string]func(goja.FunctionCall) bool) {
	for name, fits := range fits {
		method, ok := goja.AssertFunction(o.Get(name))
		if !ok {
			continue
		}
		o.DefineDataProperty(name, r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
			if !fits(call) {
				panic(r.vm.NewTypeError(name + ": the result would be too large, or the value is not an array"))
			}
			v, err := method(call.This, call.Arguments...)
			if err != nil {
				panic(err)
			}
			return v
		}), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}

// padFits reports whether the result of padStart or padEnd has at most maxText
// characters.
func padFits(call goja.FunctionCall) bool { return call.Argument(0).ToFloat() <= maxText }

// replaceFits reports whether the result of replace or replaceAll is certainly not
// too large.
func replaceFits(call goja.FunctionCall) bool {
	by, ok := call.Argument(1).(goja.String)
	if !ok {
		return true
	}
	length := float64(len(call.This.String()))
	if text := by.String(); strings.Contains(text, "$`") || strings.Contains(text, "$'") { // these mean all text before or after a match
		length *= length
	}
	return length*float64(by.Length()) <= 16*maxText // 16: scripts rarely replace every character
}

// joinFits reports whether the result of an array's join, toString or toLocaleString
// has at most maxText characters.
func joinFits(call goja.FunctionCall) bool {
	left := budget{nodes: maxNodes, text: maxText}
	if separator, ok := call.Argument(0).(goja.String); ok {
		left.separator = separator.Length()
	}
	return left.spend(call.This, 0)
}

// A budget is how many values a call may still visit, and how many characters of
// text the call may still make.
type budget struct {
	nodes, text int
	separator   int  // length of the text between two values
	members     bool // visit the members of objects too, not only of arrays
}

// spend subtracts v, with its members, from the budget, and reports whether the
// budget was large enough. depth is the depth of v in the outermost value.
func (b *budget) spend(v goja.Value, depth int) bool {
	b.nodes--
	b.text -= b.separator
	if s, ok := v.(goja.String); ok {
		b.text -= s.Length()
	}
	if b.nodes < 0 || b.text < 0 || depth > maxNest {
		return false
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return true
	}
	isArray := o.ClassName() == "Array"
	if isArray && o.Get("length").ToFloat() > maxNodes {
		return false
	}
	if !isArray && !b.members {
		return true
	}
	for _, name := range o.Keys() {
		if !b.spend(o.Get(name), depth+1) {
			return false
		}
	}
	return true
}

// checkTree refuses BigInt literals, because the time of BigInt arithmetic cannot be
// limited.
func checkTree(tree *ast.Program) error {
	return walk(reflect.ValueOf(tree.Body))
}

var errBigInt = errors.New("BigInt is not available")

// walk calls itself for all parts of a syntax tree, and returns an error at the
// first BigInt literal.
func walk(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if n, ok := v.Interface().(*ast.NumberLiteral); ok {
			if _, big := n.Value.(*big.Int); big {
				return fmt.Errorf("%w: %s", errBigInt, n.Literal)
			}
			return nil
		}
		if !v.IsNil() {
			return walk(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := walk(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			// A DeclarationList repeats declarations of the body.
			if f := v.Type().Field(i); f.IsExported() && f.Name != "DeclarationList" {
				if err := walk(v.Field(i)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
