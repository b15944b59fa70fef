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

// The interpreter looks at its time limit between the instructions of a script.
// What follows is about single ones that would take memory or time without end.

const (
	maxText  = 16 << 20 // characters that one call of a built-in function makes
	maxNodes = 1 << 20  // values that one call goes through
	maxNest  = 1000     // how deep they may be nested
)

// A pattern that backtracks is matched by regexp2, which has no limit of its own
// unless it is given one here, for all of the program; such a match then fails.
func init() {
	if regexp2.DefaultMatchTimeout == math.MaxInt64 {
		regexp2.DefaultMatchTimeout = time.Second
	}
}

// standard are the globals of the language that a script may use. Those that make
// code of text are not among them, nor those whose memory or time cannot be
// bounded: eval, Function, Proxy, BigInt, buffers and typed arrays.
var standard = []string{
	"Array", "Boolean", "Date", "Error", "EvalError", "JSON", "Map", "Math", "Number", "Object", "Promise", "RangeError",
	"ReferenceError", "Reflect", "RegExp", "Set", "String", "Symbol", "SyntaxError", "TypeError", "URIError", "WeakMap", "WeakSet",
	"decodeURI", "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape", "unescape",
	"isFinite", "isNaN", "parseFloat", "parseInt", "Infinity", "NaN",
}

// makers are programs that return the prototypes of functions from whose
// constructor code could be made of text, by what a source with such functions
// has in it.
var makers = map[string]*goja.Program{
	"":      goja.MustCompile("", `Object.getPrototypeOf(function(){})`, false),
	"*":     goja.MustCompile("", `Object.getPrototypeOf(function*(){})`, false),
	"async": goja.MustCompile("", `Object.getPrototypeOf(async function(){})`, false),
}

// confine gives the runtime a global object of its own, with what the script
// mentions of the language and nothing else, and bounds what it can do with that.
func (r *run) confine() error {
	for part, maker := range makers {
		if !strings.Contains(r.script.source, part) {
			continue
		}
		prototype, err := r.vm.RunProgram(maker)
		if err != nil {
			return err
		}
		prototype.(*goja.Object).DefineDataProperty("constructor", goja.Undefined(), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
	r.boundMethods(r.vm.ToValue("").ToObject(r.vm).Prototype(), map[string]func(goja.FunctionCall) bool{
		"repeat": func(call goja.FunctionCall) bool {
			return float64(len(call.This.String()))*call.Argument(0).ToFloat() <= maxText
		},
		"padStart":   padded,
		"padEnd":     padded,
		"replace":    replaced,
		"replaceAll": replaced,
	})
	r.confineArrays()
	if slices.ContainsFunc([]string{"JSON", "script_parameters", "method_request", "method_response", "method_error"}, r.script.mentions) {
		json := r.vm.Get("JSON").(*goja.Object)
		r.boundMethods(json, map[string]func(goja.FunctionCall) bool{"stringify": func(call goja.FunctionCall) bool {
			w := weight{nodes: maxNodes, text: maxText, members: true}
			return w.add(call.Argument(0), 0)
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

// confineArrays bounds the methods of arrays. They can be called on any object that
// says it has a length, and most of them go through it without looking up.
func (r *run) confineArrays() {
	prototype := r.vm.NewArray().Prototype()
	r.boundMethods(prototype, map[string]func(goja.FunctionCall) bool{
		"join": joined, "toString": joined, "toLocaleString": joined,
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
	r.boundMethods(prototype, fits)
	argument := func(i int) func(goja.FunctionCall) bool {
		return func(call goja.FunctionCall) bool { return short(call.Argument(i)) }
	}
	r.boundMethods(r.vm.Get("Array").(*goja.Object), map[string]func(goja.FunctionCall) bool{"from": argument(0)})
	r.boundMethods(r.vm.Get("Reflect").(*goja.Object), map[string]func(goja.FunctionCall) bool{"apply": argument(2), "construct": argument(1)})
	r.boundMethods(r.vm.Get("Function").(*goja.Object).Get("prototype").(*goja.Object), map[string]func(goja.FunctionCall) bool{"apply": argument(1)})
}

// lengthWords are what a source needs one of to have an object of great length,
// or one from elsewhere, unless it computes a name or escapes it.
var lengthWords = []string{
	"length", "Array", "JSON", "Object", "Reflect", "method_request", "method_response", "method_error", "script_parameters",
}

func mayHaveLengths(s *Script) bool {
	return strings.ContainsAny(s.source, `[\`) || slices.ContainsFunc(lengthWords, s.mentions)
}

// short reports whether v is no object, has no length, or is an array of bounded
// length. The length of another object may change each time it is looked up.
func short(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	if !ok {
		return true
	}
	length := o.Get("length")
	return length == nil || o.ClassName() == "Array" && length.ToFloat() <= maxNodes
}

func long(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	return ok && o.ClassName() == "Array" && o.Get("length").ToFloat() > maxNodes
}

// boundMethods makes the methods of an object throw unless the arguments fit.
func (r *run) boundMethods(o *goja.Object, fits map[string]func(goja.FunctionCall) bool) {
	for name, fits := range fits {
		method, ok := goja.AssertFunction(o.Get(name))
		if !ok {
			continue
		}
		o.DefineDataProperty(name, r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
			if !fits(call) {
				panic(r.vm.NewTypeError(name + ": the result would be too large, or this is no array"))
			}
			v, err := method(call.This, call.Arguments...)
			if err != nil {
				panic(err)
			}
			return v
		}), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}

func padded(call goja.FunctionCall) bool { return call.Argument(0).ToFloat() <= maxText }

func replaced(call goja.FunctionCall) bool {
	by, ok := call.Argument(1).(goja.String)
	if !ok {
		return true
	}
	length := float64(len(call.This.String()))
	if text := by.String(); strings.Contains(text, "$`") || strings.Contains(text, "$'") { // all before or after each match
		length *= length
	}
	return length*float64(by.Length()) <= 16*maxText // few replace each character
}

func joined(call goja.FunctionCall) bool {
	w := weight{nodes: maxNodes, text: maxText}
	if separator, ok := call.Argument(0).(goja.String); ok {
		w.separator = separator.Length()
	}
	return w.add(call.This, 0)
}

// A weight is how much more text may be made of values.
type weight struct {
	nodes, text, separator int
	members                bool // those of objects count too
}

// add takes v off and reports whether anything is left.
func (w *weight) add(v goja.Value, depth int) bool {
	w.nodes--
	w.text -= w.separator
	if s, ok := v.(goja.String); ok {
		w.text -= s.Length()
	}
	if w.nodes < 0 || w.text < 0 || depth > maxNest {
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
	if !isArray && !w.members {
		return true
	}
	for _, name := range o.Keys() {
		if !w.add(o.Get(name), depth+1) {
			return false
		}
	}
	return true
}

// checkTree refuses literals of the type BigInt, whose arithmetic cannot be
// bounded.
func checkTree(tree *ast.Program) error {
	return walk(reflect.ValueOf(tree.Body))
}

var errBigInt = errors.New("BigInt is not available")

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
			// A DeclarationList repeats what is in the body.
			if f := v.Type().Field(i); f.IsExported() && f.Name != "DeclarationList" {
				if err := walk(v.Field(i)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
