#!/usr/bin/env bash
# The reference client of the Model Context Protocol (@modelcontextprotocol/sdk from npm: needs the network) connects to `hakmem-trace mcp`, reads its
# list, calls each tool, cancels, and closes; so does the client of version 2026-07-28 (@modelcontextprotocol/client), without initialize.
. "${SOURCE:?}/tests/tools/test.sh"
export BUILD LC_ALL=C.UTF-8 HOME=$PWD
command -v npm >out && command -v node >out || { echo "skipped: no node and npm for @modelcontextprotocol/sdk"; exit 77; }
npm install --no-audit --no-fund --ignore-scripts --fetch-retries 1 --fetch-timeout 60000 --cache "$PWD/cache" --prefix "$PWD" \
    @modelcontextprotocol/sdk@1 @modelcontextprotocol/client@2 >out 2>&1 || {
    echo "skipped: npm cannot install @modelcontextprotocol/sdk: $(grep -m 1 -i error out)"
    exit 77
}
mkdir captures && "$BUILD/tests/cli/make_store" captures || fail "make_store failed"
cp "$SOURCE/tests/mcp/sdk.mjs" . && node sdk.mjs "$BUILD/hakmem-trace" captures
