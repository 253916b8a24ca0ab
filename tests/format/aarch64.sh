#!/usr/bin/env bash
# A store that was recorded on aarch64 (shelf.c, level normal, qemu-user) and what hakmem-trace of aarch64 says of it: that of this
# machine says the same. tests/long/arm_viewer.sh asks the one of aarch64 the same questions.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
folder=$SOURCE/tests/format/aarch64
export TZ=UTC
cp "$folder/shelf.db" . && chmod 600 shelf.db || exit 1
while IFS= read -r question; do
    printf '$ hakmem-trace %s\n' "$question"
    # shellcheck disable=SC2086
    "$BUILD/hakmem-trace" $question -s shelf.db 2>&1 || echo "status $?"
done <"$folder/questions" >answers
grep -q "^  ALLOCATED .*event 7" answers || complain "no report in the answers"
diff -u "$folder/answers" answers >difference || complain "other answers: $(head -n 40 difference)"
