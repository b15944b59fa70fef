/* The JavaScript machine: QuickJS-ng, and the few functions that Go calls. README.md says how to build it. */
#include "quickjs.c"

#define EXPORT(name) __attribute__((export_name(#name))) name
#define IMPORT(name) __attribute__((import_module("host"), import_name(#name))) name

/* What Go does for the machine. */
void IMPORT(tick)(void);                                          /* the fuel is spent; returns, or ends the machine */
int IMPORT(call)(int what, const char *text, size_t length);      /* returns n, the length of the response, or -1-n for an error */
void IMPORT(response)(char *text);                                /* copies the response of the last call */
double IMPORT(now)(void);                                         /* milliseconds since 1970 */
double IMPORT(chance)(void);                                      /* a random number from 0 to 1 */

enum { BYTECODE = -1, FUNCTIONS = -2, TOLD = 4 }; /* what the machine itself says with call */

static JSRuntime *rt;
static JSContext *ctx;
static JSValue kit;      /* the functions of prelude.js */
static JSValue script;   /* the script before its first event, then undefined */
static int refused;      /* memory was refused */
static int line, column; /* the place of the last throw */
static char *high;       /* the end of the highest block that was ever allocated */
static char *first;      /* the first block of the heap, which stays */
static size_t equipped;  /* how much is allocated in a machine that nobody has used */

/* meter has each store mark a byte of cards. Nothing here writes to the array. */
enum { CARD_BITS = 8, CARDS = 1 << 14, PAD = 256 };
__attribute__((used, visibility("default"), aligned(256))) volatile unsigned char cards[PAD + CARDS + PAD];

/* meter calls spend when the fuel is spent. */
void EXPORT(spend)(void) { tick(); }

/* ---- memory ---- */

size_t malloc_usable_size(void *);

static void *note(void *p, size_t size) {
    if (!p) {
        if (size) refused = 1;
        return p;
    }
    char *end = (char *)p + malloc_usable_size(p);
    if (end > high) high = end;
    return p;
}
static void *m_calloc(void *opaque, size_t count, size_t size) { return note(calloc(count, size), count * size); }
static void *m_malloc(void *opaque, size_t size) { return note(malloc(size), size); }
static void m_free(void *opaque, void *p) { free(p); }
static void *m_realloc(void *opaque, void *p, size_t size) { return note(realloc(p, size), size); }
static size_t m_usable(const void *p) { return malloc_usable_size((void *)p); }

/* buffer returns memory for Go to write to. */
char *EXPORT(buffer)(size_t n) { return m_malloc(NULL, n); }

/* Most states fit into the inbox, and most answers into the outbox: they need no allocation. */
enum { BOX = 4 << 10 };
static char box[2 * BOX];
static char *const inbox = box, *const outbox = box + BOX;

/* boxes returns where Go writes a state of at most BOX bytes. Go clears both boxes. */
char *EXPORT(boxes)(void) { return inbox; }

/* top returns the end of the memory that was ever used. */
char *EXPORT(top)(void) { return high; }

/* heap returns the first block of the heap. Go walks the blocks from there. */
char *EXPORT(heap)(void) { return first; }

/* lower says that Go has cleared the memory from end on. */
void EXPORT(lower)(char *end) { high = end; }

/* ---- what the C library asks of an operating system ---- */

int gettimeofday(struct timeval *restrict tv, void *restrict zone) {
    double ms = now();
    tv->tv_sec = (time_t)(ms / 1000);
    tv->tv_usec = (suseconds_t)((ms - (double)tv->tv_sec * 1000) * 1000);
    return 0;
}
int clock_gettime(clockid_t clock, struct timespec *ts) {
    double ms = now();
    ts->tv_sec = (time_t)(ms / 1000);
    ts->tv_nsec = (long)((ms - (double)ts->tv_sec * 1000) * 1000000);
    return 0;
}

/* There are no files. */
int __imported_wasi_snapshot_preview1_fd_close(int fd) { return 8; }
int __imported_wasi_snapshot_preview1_fd_fdstat_get(int fd, int stat) { return 8; }
int __imported_wasi_snapshot_preview1_fd_seek(int fd, long long offset, int whence, int position) { return 8; }
int __imported_wasi_snapshot_preview1_fd_write(int fd, int vectors, int n, int written) { return 8; }

/* ---- functions for prelude.js ---- */

/* call(what, text) calls Go, and returns a text or throws a TypeError. */
static JSValue js_call(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv) {
    int what, n, failed;
    size_t length;
    const char *text;
    char *reply;
    JSValue result;

    if (JS_ToInt32(ctx, &what, argv[0])) return JS_EXCEPTION;
    text = JS_ToCStringLen(ctx, &length, argv[1]);
    if (!text) return JS_EXCEPTION;
    n = call(what, text, length);
    JS_FreeCString(ctx, text);
    failed = n < 0;
    if (failed) n = -1 - n;
    reply = js_malloc(ctx, n + 1);
    if (!reply) return JS_EXCEPTION;
    response(reply);
    reply[n] = 0;
    result = failed ? JS_ThrowTypeError(ctx, "%s", reply) : JS_NewStringLen(ctx, reply, n);
    js_free(ctx, reply);
    return result;
}

/* Math.random. The machine's own generator would start alike in each machine. */
static JSValue js_random(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv) {
    return JS_NewFloat64(ctx, chance());
}

/* build.sh puts a call of machine_thrown before each throw statement. */
void machine_thrown(JSContext *ctx) {
    JSStackFrame *sf = ctx->rt->current_stack_frame;
    JSFunctionBytecode *b = JS_VALUE_GET_OBJ(sf->cur_func)->u.func.function_bytecode;
    line = find_line_num(ctx, b, sf->cur_pc - b->byte_code_buf - 1, &column);
}

/* ---- what Go calls ---- */

enum { COLLECTED = 64 << 10 };
enum { DONE, THREW, NO_HANDLER, FALSE_RETURNED, WAITS, REFUSED };

/* report tells prelude.js about the pending exception. */
static int report(JSContext *c) {
    JSValue args[3] = {JS_GetException(c), JS_NewInt32(c, line), JS_NewInt32(c, column)};
    JS_Call(ctx, JS_GetPropertyStr(ctx, kit, "describe"), JS_UNDEFINED, 3, args);
    return refused ? REFUSED : THREW;
}

/* evaluate runs bytecode. */
static JSValue evaluate(const char *code, size_t n) {
    JSValue f = JS_ReadObject(ctx, (const uint8_t *)code, n, JS_READ_OBJ_BYTECODE);
    return JS_IsException(f) ? f : JS_EvalFunction(ctx, f);
}

/* invoke calls a function of prelude.js. */
static int invoke(const char *name, const char *text, size_t n) {
    JSValue f = JS_GetPropertyStr(ctx, kit, name), arg = JS_NewStringLen(ctx, text, n), r;
    if (JS_IsException(arg)) return report(ctx);
    r = JS_Call(ctx, f, JS_UNDEFINED, 1, &arg);
    JS_FreeValue(ctx, f);
    JS_FreeValue(ctx, arg);
    if (JS_IsException(r)) return report(ctx);
    JS_FreeValue(ctx, r);
    return DONE;
}

/* boot makes a runtime with the language, but without eval. */
void EXPORT(boot)(size_t stack_limit, size_t spare) {
    void *volatile spare_block;
    static const JSMallocFunctions memory = {m_calloc, m_malloc, m_free, m_realloc, m_usable};
    JSValue global, math;

    first = malloc(1);
    rt = JS_NewRuntime2(&memory, NULL);
    rt->stack_limit = stack_limit;
    JS_SetGCThreshold(rt, 4 << 20); /* the objects of most messages are never collected */
    ctx = JS_NewContextRaw(rt);
    JS_AddIntrinsicBaseObjects(ctx);
    JS_AddIntrinsicDate(ctx);
    JS_AddIntrinsicRegExp(ctx);
    JS_AddIntrinsicJSON(ctx);
    JS_AddIntrinsicProxy(ctx);
    JS_AddIntrinsicMapSet(ctx);
    JS_AddIntrinsicTypedArrays(ctx);
    JS_AddIntrinsicPromise(ctx);
    JS_AddIntrinsicWeakRef(ctx);
    global = JS_GetGlobalObject(ctx);
    math = JS_GetPropertyStr(ctx, global, "Math");
    JS_SetPropertyStr(ctx, math, "random", JS_NewCFunction(ctx, js_random, "random", 0));
    JS_FreeValue(ctx, math);
    JS_FreeValue(ctx, global);
    kit = JS_UNDEFINED;
    spare_block = malloc(spare); /* volatile: a compiler leaves out a malloc that nobody uses */
    free(spare_block);
}

/* written reports whether the memory may differ from a new machine. The mark of a store is that of the card of the
   store, or of the card before. */
static int written(const char *from, size_t n) {
    size_t card = ((size_t)from >> CARD_BITS) - 1, last = ((size_t)from + n) >> CARD_BITS;

    for (; card <= last; card++)
        if (cards[PAD + card % CARDS]) return 1;
    return 0;
}

/* collect frees objects that only refer to one another, if enough is allocated to make that worth the time, and
   clears the free blocks of the engine's arenas. */
void EXPORT(collect)(void) {
    struct list_head *el;
    int i, n;

    if (rt->malloc_state.malloc_size > equipped + COLLECTED) JS_RunGC(rt);
    for (i = 0; i < JS_ARENA_BLOCK_SIZE_COUNT; i++) {
        list_for_each(el, &rt->arena_state.free_arena_list[i]) {
            JSArena *ar = list_entry(el, JSArena, free_link);
            size_t size = arena_block_sizes[i];
            for (n = ar->first_free_block; n != JS_ARENA_FREE_NIL;) {
                JSMallocBlockHeader *b = arena_get_block(ar, n, size);
                if (written((char *)b, size)) memset(b->user_data, 0, size - sizeof(JSMallocBlockHeader));
                n = b->u.free_next;
            }
        }
    }
}

/* equip runs prelude.js, a function of the function that calls Go. */
int EXPORT(equip)(char *code, size_t n) {
    JSValue f = evaluate(code, n), c = JS_NewCFunction(ctx, js_call, "call", 2);
    kit = JS_Call(ctx, f, JS_UNDEFINED, 1, &c);
    JS_FreeValue(ctx, f);
    JS_FreeValue(ctx, c);
    free(code);
    script = JS_UNDEFINED;
    collect();
    equipped = rt->malloc_state.malloc_size;
    return JS_IsException(kit) ? THREW : DONE;
}

/* functions tells Go the names of the global functions of a script. */
static void functions(JSContext *c, JSValueConst script) {
    JSFunctionBytecode *b = JS_VALUE_GET_PTR(script);
    DynBuf names;
    int pos = 0, closure = 0;

    js_dbuf_init(c, &names);
    while (pos < b->byte_code_len) {
        const uint8_t *pc = b->byte_code_buf + pos;
        if (*pc == OP_define_func || (closure && (*pc == OP_put_var || *pc == OP_put_var_init))) {
            const char *name = JS_AtomToCString(c, get_u32(pc + 1));
            if (name) dbuf_putstr(&names, name);
            dbuf_putc(&names, '\n');
            JS_FreeCString(c, name);
        }
        closure = *pc == OP_fclosure || *pc == OP_fclosure8 || (closure && *pc == OP_set_name);
        pos += short_opcode_info(*pc).size;
    }
    call(FUNCTIONS, (char *)names.buf, names.size);
    dbuf_free(&names);
}

/* compile tells Go the bytecode of a script, or of prelude.js. */
int EXPORT(compile)(char *source, size_t n, int is_prelude) {
    JSContext *c = JS_NewContextRaw(rt);
    JSValue f;
    size_t size;
    uint8_t *code;

    JS_AddIntrinsicBaseObjects(c);
    JS_AddIntrinsicRegExp(c);
    JS_AddIntrinsicEval(c);
    f = JS_Eval(c, source, n, is_prelude ? "prelude" : "script", JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(f)) return report(c);
    functions(c, f);
    code = JS_WriteObject(c, &size, f, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
    if (!code) return report(c);
    call(BYTECODE, (char *)code, size);
    return DONE;
}

/* prepare reads the code of a script, and frees the code. */
int EXPORT(prepare)(char *code, size_t n) {
    script = JS_ReadObject(ctx, (const uint8_t *)code, n, JS_READ_OBJ_BYTECODE);
    free(code);
    return JS_IsException(script) ? REFUSED : DONE;
}

/* ---- the globals of an event ---- */

/* A field of a state is its length, the text and a zero. */
typedef struct {
    const char *text;
    size_t n;
} Field;

static uint32_t number(const char **at) {
    uint32_t n;
    memcpy(&n, *at, sizeof n);
    *at += sizeof n;
    return n;
}
static Field field(const char **at) {
    uint32_t n = number(at);
    Field f = {*at, n};
    *at += n + 1;
    return f;
}
static JSValue text(Field f) { return JS_NewStringLen(ctx, f.text, f.n); }

/* texts makes an object of texts. */
static JSValue texts(const char **at) {
    uint32_t n = number(at);
    JSValue object = JS_NewObject(ctx), name, value;
    JSAtom atom;
    int defined;

    while (n--) {
        name = text(field(at));
        value = text(field(at));
        if (JS_IsException(object) || JS_IsException(name) || JS_IsException(value)) return JS_EXCEPTION;
        atom = JS_NewAtomStr(ctx, JS_VALUE_GET_STRING(name));
        if (atom == JS_ATOM_NULL) return JS_EXCEPTION;
        defined = JS_DefinePropertyValue(ctx, object, atom, value, JS_PROP_C_W_E);
        JS_FreeAtom(ctx, atom);
        if (defined < 0) return JS_EXCEPTION;
    }
    return object;
}

/* begin makes the globals of an event. A state has the kind of each global, the name and the value; a state of
   prelude.js has no name. A zero ends the globals. */
static int begin(const char **at) {
    char kind;
    int status;
    Field f;
    JSAtom name;
    JSValue value;

    while ((kind = *(*at)++)) {
        f = field(at);
        if (kind == 'b') {
            if ((status = invoke("begin", f.text, f.n))) return status;
            continue;
        }
        name = JS_NewAtomLen(ctx, f.text, f.n);
        switch (kind) {
        case 't': value = text(field(at)); break;
        case 'o': value = texts(at); break;
        default: f = field(at); value = JS_ParseJSON(ctx, f.text, f.n, "state");
        }
        if (name == JS_ATOM_NULL || JS_IsException(value) || JS_SetProperty(ctx, ctx->global_obj, name, value) < 0) return report(ctx);
        JS_FreeAtom(ctx, name);
    }
    return DONE;
}

/* put appends a field to the outbox. put returns NULL if there is no room, and leaves the outbox as it is. */
static char *put(char *at, const char *from, size_t n) {
    uint32_t length = n;
    if (!at || !from || n > (size_t)(outbox + BOX - at) || n + sizeof length > (size_t)(outbox + BOX - at)) return NULL;
    memcpy(at, &length, sizeof length);
    memcpy(at + sizeof length, from, n);
    return at + sizeof length + n;
}

/* put_text appends a string. No code of a script runs: another value is for prelude.js. */
static char *put_text(char *at, JSValueConst v) {
    const char *from;
    size_t n;

    if (!at || !JS_IsString(v)) return NULL;
    from = JS_ToCStringLen(ctx, &n, v);
    if (!from) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        return NULL;
    }
    at = put(at, from, n);
    JS_FreeCString(ctx, from);
    return at;
}

/* put_texts appends the members of an object of strings, as Object.keys would find the members. Any other value,
   such as an object with a getter, is for prelude.js. */
static char *put_texts(char *at, JSValueConst v) {
    char *count = at;
    JSObject *p;
    JSShapeProperty *prop;
    uint32_t n = 0, index;
    int i;

    if (!JS_IsObject(v) || JS_VALUE_GET_OBJ(v)->class_id != JS_CLASS_OBJECT) return NULL;
    if ((size_t)(outbox + BOX - at) < sizeof n) return NULL;
    at += sizeof n;
    p = JS_VALUE_GET_OBJ(v);
    prop = get_shape_prop(p->shape);
    for (i = 0; i < p->shape->prop_count && at; i++, prop++) {
        if (prop->atom == JS_ATOM_NULL) continue;
        if (JS_AtomIsArrayIndex(ctx, &index, prop->atom) || JS_AtomGetKind(ctx, prop->atom) != JS_ATOM_KIND_STRING ||
            (prop->flags & (JS_PROP_TMASK | JS_PROP_ENUMERABLE)) != JS_PROP_ENUMERABLE)
            return NULL;
        at = put_text(at, JS_MKPTR(JS_TAG_STRING, rt->atom_array[prop->atom]));
        at = put_text(at, p->prop[i].u.value);
        n++;
    }
    memcpy(count, &n, sizeof n);
    return at;
}

/* finish tells Go the globals that the script may have changed: strings and objects of strings together, others by
   prelude.js. */
static int finish(const char **at) {
    char *out = outbox, *next, kind;
    int status;
    Field f;
    JSAtom name;
    JSValue value;

    while ((kind = *(*at)++)) {
        f = field(at);
        next = NULL;
        if (kind != 'k' && (next = put(out, f.text, f.n))) {
            name = JS_NewAtomLen(ctx, f.text, f.n);
            if (name == JS_ATOM_NULL) return report(ctx);
            value = JS_GetProperty(ctx, ctx->global_obj, name);
            JS_FreeAtom(ctx, name);
            if (JS_IsException(value)) return report(ctx);
            next = kind == 't' ? put_text(next, value) : put_texts(next, value);
            JS_FreeValue(ctx, value);
        }
        if (next) {
            out = next;
        } else if ((status = invoke("tell", f.text, f.n))) {
            return status;
        }
    }
    if (out > outbox) call(TOLD, outbox, out - outbox);
    return DONE;
}

/* handle handles one event: the name of the event, the globals of the event, and the globals that Go wants. */
static int handle(const char *at) {
    Field event = field(&at);
    JSValue f, r;
    JSContext *c;
    JSAtom name;
    int status = begin(&at);

    if (status) return status;
    if (!JS_IsUndefined(script)) {
        r = script;
        script = JS_UNDEFINED;
        r = JS_EvalFunction(ctx, r);
        if (JS_IsException(r)) return report(ctx);
        JS_FreeValue(ctx, r);
    }
    name = JS_NewAtomLen(ctx, event.text, event.n);
    if (name == JS_ATOM_NULL) return report(ctx);
    f = JS_GetGlobalVar(ctx, name, false); /* a handler declared with const is no property of the global object */
    JS_FreeAtom(ctx, name);
    if (JS_IsException(f)) return report(ctx);
    if (!JS_IsFunction(ctx, f)) return NO_HANDLER;
    r = JS_Call(ctx, f, JS_UNDEFINED, 0, NULL);
    JS_FreeValue(ctx, f);
    if (JS_IsException(r)) return report(ctx);
    do status = JS_ExecutePendingJob(rt, &c); while (status > 0);
    if (status < 0) return report(c);
    if (JS_IsPromise(r)) { /* the handler is an async function */
        JSPromiseStateEnum promise = JS_PromiseState(ctx, r);
        JSValue v = JS_PromiseResult(ctx, r);
        if (promise == JS_PROMISE_PENDING) return WAITS;
        JS_FreeValue(ctx, r);
        r = v;
        if (promise == JS_PROMISE_REJECTED) {
            JS_Throw(ctx, r);
            return report(ctx);
        }
    }
    if (JS_IsBool(r) && !JS_VALUE_GET_BOOL(r)) return FALSE_RETURNED;
    JS_FreeValue(ctx, r);
    return finish(&at);
}

/* run handles one event, and frees the buffer of the state. */
int EXPORT(run)(char *state) {
    int status = handle(state);
    if (state != inbox) free(state);
    return status;
}
