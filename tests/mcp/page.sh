#!/usr/bin/env bash
# The dialogues of docs/mcp.md: each call is made, and answers as the page shows.
. "${SOURCE:?}/tests/tools/test.sh"
export BUILD LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
cp "$SOURCE"/examples/tutorial/orders.{c,txt} . || exit 1
"${CC:-cc}" -g -O1 -o orders orders.c && "${CC:-cc}" -g -O1 -o growth "$SOURCE/examples/heap/growth.c" || exit 1
PATH=$BUILD:$PATH "$SOURCE/tests/docs/setup" docs/hunt.md >said 2>&1 && [ -x parser ] || { cat said; exit 1; }
python3 "$SOURCE/tests/mcp/page.py" "$SOURCE/docs/mcp.md"
