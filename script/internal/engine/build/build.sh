#!/usr/bin/env bash
# Builds engine.wasm from a checkout of QuickJS-ng: build.sh FOLDER [OUTPUT]. README.md names
# the version and the tools.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$1" && pwd)
output=$(realpath -m "${2:-$here/../engine.wasm}")
(cd "$source" && sha256sum --check --quiet "$here/source.sha256")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$source"/*.c "$source"/*.h "$here/machine.c" "$work/"
cd "$work"
# Errors name the place of a throw statement, also if the script throws a text.
perl -0pi -e 's/(CASE\(OP_throw\):\n)/$1            sf->cur_pc = pc;\n            machine_thrown(ctx);\n/ or die "no OP_throw"' quickjs.c
perl -0pi -e 's/(case TOK_THROW:)\n(        if \(next_token\(s\)\))/$1 {\n        int line = s->token.line_num, column = s->token.col_num;\n$2/ or die "no TOK_THROW"' quickjs.c
perl -0pi -e 's/(        emit_op\(s, OP_throw\);\n)(        if \(js_parse_expect_semi\(s\)\)\n            goto fail;\n        break;\n)/        emit_source_loc_at(s, line, column);\n$1$2        }\n/ or die "no throw statement"' quickjs.c
perl -0pi -e 's/(static JSValue js_call_c_function)/void machine_thrown(JSContext *ctx);\n$1/ or die "no place for machine_thrown"' quickjs.c

# MVP instructions only: a bulk instruction would take long for a single unit of fuel.
flags=(--target=wasm32-wasi -Os -flto -DNDEBUG -D_GNU_SOURCE -fno-strict-aliasing -Wno-everything -ffile-prefix-map="$work"=.)
for f in machine libregexp libunicode dtoa; do clang "${flags[@]}" -c $f.c -o $f.o; done
clang "${flags[@]}" -mexec-model=reactor -Wl,--export=cards,--stack-first,-z,stack-size=393216,--gc-sections,--strip-all \
  machine.o libregexp.o libunicode.o dtoa.o -lm -o plain.wasm
cd "$here/../meter"
go run . "$work/plain.wasm" "$output"
sha256sum "$output"
