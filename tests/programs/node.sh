#!/usr/bin/env bash
# node: arrays, JSON, worker threads, and WebAssembly traps that V8's own SIGSEGV handler turns into exceptions.
# timeout: 1800
. "${SOURCE:?}/tests/tools/real_program.sh"
rounds=$(scale 1 40 15)
story() { "${under[@]}" node "$SOURCE/tests/tools/node_story.js" "$rounds"; }
error_story() { "${under[@]}" node -e 'console.log("before"); console.error("on stderr"); process.exitCode = 3; setTimeout(() => { throw new Error("not caught"); }, 10)'; }
normalise() { sed 's/^Node\.js v.*//'; }
check_program story "node"
addresses=20 check_program error_story
