#!/usr/bin/env bash
# docs/specs/ring.md says the same of the session memory as session.h and protocol.h.
. "${SOURCE:-$(dirname "$0")/../../..}/tests/tools/test.sh"
work=$PWD
cd "$SOURCE" || exit 2
page=docs/specs/ring.md

# section heading or table head -> struct
{
    echo '#include <stddef.h>'
    echo '#include "trace/session.h"'
    echo '#include "trace/protocol.h"'
    awk -F'|' '
        /^## Header/ { s = "hak_session" }
        /^## Process table/ { s = "hak_process_entry" }
        /^## Rings/ { s = "hak_ring_entry" }
        /^## Report area/ { s = "hak_report_request" }
        /^Others, each/ { s = "hak_report_other" }
        /^Code:/ { s = "hak_report_code" }
        /^Pointed, each/ { s = "hak_report_pointed" }
        /^Creations, each/ { s = "hak_report_creation" }
        /^Candidates, each/ { s = "hak_report_candidate" }
        /^Region:/ { s = "hak_report_region" }
        /^Facts:/ { s = "hak_fault_facts" }
        /^\| hello: offset/ { s = "hak_hello" }
        /^\| answer: offset/ { s = "hak_hello_answer" }
        /^## Records/ { s = "" }
        s != "" && $2 ~ /^ [0-9]+ $/ && $3 ~ /^ [0-9]+ $/ {
            gsub(/[ `]/, "", $4)
            printf "_Static_assert(offsetof(struct %s, %s) == %d, \"%s.%s: offset\");\n", s, $4, $2, s, $4
            printf "_Static_assert(sizeof(((struct %s *)0)->%s) == %d, \"%s.%s: bytes\");\n", s, $4, $3, s, $4
            rows++
        }
        END { if (rows < 100) print "#error the page has fewer rows than structs have fields: " rows }
    ' "$page"
} >"$work/page.c"
if ! ${CC:-cc} -std=gnu11 -Isrc -fsyntax-only "$work/page.c" 2>"$work/errors"; then
    echo "$page does not say what session.h and protocol.h say: $(grep -m1 error "$work/errors")"
    exit 1
fi
