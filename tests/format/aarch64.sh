#!/usr/bin/env bash
# Stores that were recorded on aarch64 (level normal, qemu-user): what hakmem-trace of this machine says of them. shelf.c frees twice; its
# answers are those of aarch64's hakmem-trace. late.c reads after a free, so that its report has registers and instruction; its answers are
# this machine's. tests/long/arm_viewer.sh asks the one of aarch64 about both.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
folder=$SOURCE/tests/format/aarch64
export TZ=UTC
for name in shelf late; do
    cp "$folder/$name.db" . && chmod 600 $name.db || exit 1
    while IFS= read -r question; do
        printf '$ hakmem-trace %s\n' "$question"
        # shellcheck disable=SC2086
        "$BUILD/hakmem-trace" $question -s $name.db 2>&1 || echo "status $?"
    done <"$folder/$name.questions" >$name.answers
    [ -z "${UPDATE-}" ] || cp $name.answers "$folder"
    diff -u "$folder/$name.answers" $name.answers >difference || complain "$name: other answers: $(head -n 40 difference)"
done
grep -q "^  ALLOCATED .*event 7" shelf.answers || complain "no report in the answers"
grep -q '^  INSTRUCTION  *ldr w[0-9]*, \[x' late.answers && grep -q '^      x[0-9]* ' late.answers && grep -q '"x30"' late.answers ||
    complain "no instruction or registers of aarch64 in the answers"
