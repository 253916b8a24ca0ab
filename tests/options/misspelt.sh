#!/usr/bin/env bash
# A variable that is nearly one of hakmem's is one line, in the first process of a tree that reads it; one that is none of them is nobody's business.
# A wrong value of one that asks for something is 1, and an error of `run`.
. "${SOURCE:?}/tests/tools/test.sh"
while read -r variable nearest; do
    line="hakmem: HAKMEM_${variable%%=*} is no variable of hakmem's${nearest:+; did you mean HAKMEM_$nearest?}"
    [ -n "$nearest" ] || line=
    for library in libhakmem.so hakmem-debug.so; do
        env "HAKMEM_$variable" HAKMEM_TRACE=off LD_PRELOAD="$BUILD/$library" sh -c 'true; (/bin/true); /bin/true' >out 2>&1 && [ "$(cat out)" = "$line" ] ||
            complain "$library, HAKMEM_$variable: $(cat out)"
    done
    env "HAKMEM_$variable" "$trace" run --force -s a.db -- sh -c 'true; (/bin/true); exec /bin/true' >out 2>&1 && [ "$(cat out)" = "$(sed "s/hakmem: /hakmem-trace: run: /; s/mean \(.*\)?/mean '\1'?/" <<<"$line")" ] ||
        complain "run, HAKMEM_$variable: $(cat out)"
done <<'END'
GAURD=all GUARD
LEAK=1 LEAKS
CHCK=light CHECK
leaks=1 LEAKS
MY_OWN_THING=1
X=1
END
HAKMEM_LEAKS=yes "$trace" run --force -s a.db -- true >out 2>&1
[ $? -eq 2 ] && [ "$(cat out)" = "hakmem-trace: run: HAKMEM_LEAKS=yes: 0|1|error was expected" ] || complain "run, a wrong value: $(cat out)"
HAKMEM_LEAKS=yes HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" /bin/true >out 2>&1
[ "$(cat out)" = "hakmem: HAKMEM_LEAKS=yes: expected 0|1|error; taking 1" ] || complain "a wrong value: $(cat out)"
exit "$failed"
