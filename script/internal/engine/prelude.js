// The globals of scripts, made once and copied into each machine. The functions
// below use only what they keep from before the script, because a script can change
// every built-in object. call(what, text) calls Go.
(function (call) {
	'use strict';
	const READ = 0, HELP = 1, THROWN = 2, OUT = 3;
	const global = globalThis, parse = JSON.parse, stringify = JSON.stringify, text = String, own = Object.keys, define = Object.defineProperty;
	const isArray = Array.isArray, isView = ArrayBuffer.isView, list = Array.from, apply = Reflect.apply;
	const method = f => Function.prototype.call.bind(f);
	const slice = method(String.prototype.slice), includes = method(String.prototype.includes), inherits = method(Object.prototype.isPrototypeOf);
	const Known = Map, lookUp = method(Map.prototype.get), note = method(Map.prototype.set);

	// A script has no way to run text as code.
	for (const make of [function () {}, async function () {}, function* () {}, async function* () {}]) {
		define(Object.getPrototypeOf(make), 'constructor', {value: undefined});
	}
	delete global.eval;
	delete global.Function;
	// Nor a way to the functions on the stack: call is one of them.
	delete Error.prepareStackTrace;

	const errors = {};
	for (const name of ['AuthRefreshException', 'AuthSessionException']) {
		const type = class extends Error {};
		define(type, 'name', {value: name});
		define(type.prototype, 'name', {value: name, writable: true, configurable: true});
		errors[name] = type.prototype;
		global[name] = type;
	}

	for (const name of [
		'base64_encode', 'base64_decode', 'base64url_encode', 'base64url_decode', 'hex_encode', 'hex_decode', 'url_encode', 'url_decode',
		'utf8_encode', 'utf8_decode', 'btoa', 'atob', 'md5', 'sha1', 'sha256', 'sha512', 'sign', 'cyclr_sign', 'random_bytes', 'unix_time',
	]) {
		global[name] = function () {
			const args = [name];
			for (let i = 0; i < arguments.length; i++) args[i + 1] = isView(arguments[i]) ? list(arguments[i]) : arguments[i];
			return parse(call(HELP, stringify(args)));
		};
		define(global[name], 'name', {value: name});
	}

	// The global object need not grow for these.
	for (const name of [
		'script_parameters', 'action_data', 'method_endpoint', 'method_auth_value', 'http_method', 'method_request_headers',
		'method_request_parameters', 'method_request_mergefields', 'method_response_headers', 'method_error', 'statusCode', 'reasonPhrase',
	]) {
		global[name] = undefined;
	}

	// A body is read when the script first uses the body.
	const bodies = {};
	for (const name of ['method_request', 'method_response']) {
		define(global, name, {
			get: () => load(bodies[name], name),
			set: value => { bodies[name] = {value}; },
			configurable: true,
		});
	}
	// The text of the request as it came, or as it was sent.
	define(global, 'method_request_content', {get: () => read('method_request_content'), configurable: true});
	function load(body, name) {
		if (body === undefined) body = bodies[name] = {value: read(name)};
		return body.value;
	}
	function read(what) {
		const response = call(READ, what);
		switch (slice(response, 0, 1)) {
		case 'j': return parse(slice(response, 1));
		case 'k': {
			const value = parse(slice(response, 1));
			places[what] = remember(value);
			return value;
		}
		case 't': return slice(response, 1);
		}
	}

	// Different numbers of a body may look alike here. Then Go must know whether the
	// objects and arrays are still at their places: a place is the object that was there,
	// and the places inside.
	const places = {__proto__: null};
	const isObject = value => typeof value === 'object' && value !== null;
	function remember(root) {
		const known = new Known(), top = {value: root, inside: new Known()}, todo = [top];
		for (let i = 0; i < todo.length; i++) {
			const place = todo[i], value = place.value;
			if (!isObject(value)) continue;
			note(known, value, place);
			const names = own(value);
			for (let j = 0; j < names.length; j++) {
				const inner = value[names[j]];
				if (isObject(inner)) note(place.inside, names[j], todo[todo.length] = {value: inner, inside: new Known()});
			}
		}
		return {known, top};
	}
	// moves returns m if an object is at the place of another, c if a copy is, and else j.
	function moves(root, places) {
		if (places === undefined) return 'j';
		let result = 'j';
		const todo = [{value: root, place: places.top}];
		for (let i = 0; i < todo.length; i++) {
			const value = todo[i].value, place = todo[i].place;
			if (!isObject(value)) continue;
			const was = lookUp(places.known, value);
			if (was !== undefined && was !== place) return 'm';
			if (was !== place) result = 'c';
			const names = own(value);
			for (let j = 0; j < names.length; j++) {
				todo[todo.length] = {value: value[names[j]], place: place === undefined ? undefined : lookUp(place.inside, names[j])};
			}
		}
		return result;
	}

	let waits, failure; // whether the machine waits for the response; and method_error
	function failed(values) {
		let content;
		failure = {statusCode: values.statusCode, reasonPhrase: values.reasonPhrase, isError: true, isWarning: false, isSuccess: false};
		define(failure, 'error', {get: () => load(bodies.method_response, 'method_response'), enumerable: true, configurable: true});
		define(failure, 'content', {
			get: () => content === undefined ? read('content') : content,
			set: value => { content = value; bodies.method_response = {value}; },
			enumerable: true, configurable: true,
		});
		global.method_error = failure;
	}

	function headers(name) {
		const object = global[name], pairs = [];
		if (object === null || typeof object !== 'object') throw new TypeError(name + ' must be an object');
		const names = own(object);
		for (let i = 0; i < names.length; i++) {
			const value = object[names[i]], values = [];
			if (isArray(value)) {
				for (let j = 0; j < value.length; j++) values[j] = header(value[j], name, names[i]);
			} else if (value !== null && value !== undefined) {
				values[0] = header(value, name, names[i]);
			}
			pairs[i] = [names[i], values];
		}
		return pairs;
	}
	function header(value, name, member) {
		if (value === undefined || typeof value === 'object' && value !== null) throw new TypeError(name + ': ' + member + ' is ' + (value ? 'an object' : value) + '; want a string');
		return text(value);
	}

	return {
		// begin prepares an event that needs more than its globals.
		begin(state) {
			const {error, response, wait} = parse(state);
			if (response) {
				delete bodies.method_response;
				delete places.method_response;
			}
			if (error) failed(error);
			waits = wait;
		},
		// tell tells Go a global that the script may have changed: a body, or a global that is
		// no string and no object of strings.
		tell(name) {
			const value = bodies[name], was = places[name];
			switch (name) {
			case 'method_request_headers': case 'method_response_headers': case 'method_request_parameters':
				call(OUT, name + ':' + stringify(headers(name)));
				break;
			case 'method_error':
				if (failure.isSuccess === true) call(OUT, name + ':');
				break;
			case 'method_request': case 'method_response':
				if (value === undefined) break;
				if (waits && value.value !== null && value.value !== undefined && value.value !== '') {
					delete bodies[name]; // Go has what is sent
					delete places[name];
				}
				if (value.value === null || value.value === undefined) {
					call(OUT, name + ':');
				} else if (typeof value.value === 'string') {
					call(OUT, name + ':t' + value.value);
				} else {
					const json = stringify(value.value);
					if (json === undefined) throw new TypeError('the body is a value that JSON cannot write, such as a function');
					call(OUT, name + ':' + moves(value.value, was) + json);
				}
				break;
			default:
				call(OUT, name + ':' + text(global[name]));
			}
		},
		// describe tells Go what a script has thrown.
		describe(thrown, line, column) {
			let kind = '', message = 'threw a value that cannot be described', stack = '';
			try {
				if (typeof thrown === 'object' && thrown !== null) {
					for (const name of ['AuthRefreshException', 'AuthSessionException']) {
						if (inherits(errors[name], thrown)) kind = name;
					}
					if (typeof thrown.stack === 'string') stack = slice(thrown.stack, 0, 1000);
					if (includes(stack, '\0')) stack = '';
					if (thrown.name === undefined && thrown.message !== undefined) thrown = thrown.message;
				}
				const full = text(thrown);
				message = full.length > 100000 ? 'threw a text of ' + full.length + ' characters' : full;
			} catch (e) {
			}
			call(THROWN, kind + '\0' + line + '\0' + column + '\0' + stack + '\0' + message); // no JSON: a script may have a toJSON that throws
		},
	};
})
