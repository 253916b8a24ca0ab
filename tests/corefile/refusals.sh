#!/usr/bin/env bash
# A file that is no core, has no hakmem in it, is cut off or damaged gets one clear line and its status; no byte of a core ends the command.
# FULL=1 damages more cores, and asks each of them everything.
# timeout: 1800
. "${SOURCE:?}/tests/tools/corefiles.sh"
program=$BUILD/tests/corefile/blocks
full=${FULL:-0}

# refused STATUS PATTERN ARG...
refused() {
    local status
    timeout 400 "$trace" core "${@:3}" >out 2>errors
    status=$?
    [ "$status" -eq "$1" ] || fail "core ${*:3}: status $status, due $1: $(head -n 3 errors)"
    grep -qE -- "$2" errors || fail "core ${*:3}: due '$2', said: $(cat errors)"
    [ "$(wc -l <errors)" -eq 1 ] || fail "core ${*:3}: more than one line: $(cat errors)"
}

make_core good.core "$BUILD/libhakmem.so" "$program"
cp said good.said
HAKMEM_GUARD=off make_core checked.core "$BUILD/hakmem-debug.so" "$program"
cp said checked.said
make_core none.core '' "$program"
echo 'not at all' >text
: >empty
[ -p pipe ] || mkfifo pipe
refused 3 'text is no core file: it is no ELF file' text
refused 3 'empty is no core file' empty
refused 3 'pipe is no core file: it is no plain file' pipe
refused 3 'missing cannot be opened: No such file' missing
refused 3 'is no core file: it is a program or library; the core comes first' "$program" good.core
refused 3 'no allocator of hakmem is in none.core$' none.core
refused 2 'expected an address in hex' good.core --why nothing
refused 2 'did not end by an access to memory' good.core --why @fault

# As the kernel leaves it: of a module that was only read, the first page alone. The rest comes from the file, if it is still the same.
cp "$BUILD/libhakmem.so" ./libhakmem.so
make_core moved.core "$PWD/libhakmem.so" "$program"
as_of_kernel moved.core
timeout 400 "$trace" core moved.core >out 2>errors || fail "shortened modules: $(cat errors)"
cp said moved.said
cp "$BUILD/hakmem-record.so" ./libhakmem.new && mv libhakmem.new libhakmem.so
refused 3 'libhakmem.so \(it is not the file that was loaded\)' moved.core
rm libhakmem.so
refused 3 'libhakmem.so \(No such file or directory\)' moved.core
timeout 400 "$trace" core moved.core "$BUILD/libhakmem.so" >out 2>errors || fail "PROGRAM does not stand in: $(cat errors)"

# Cut off at any place: said, and never taken for whole.
bytes=$(stat -c %s good.core) turn=0
for part in 40 100 3000 $((bytes / 50)) $((bytes / 3)) $((bytes - 5000)); do
    head -c "$part" good.core >cut.core
    timeout 400 "$trace" core cut.core >out 2>errors
    status=$?
    [ "$status" -eq 3 ] || [ "$status" -eq 4 ] || fail "cut off at $part bytes: status $status: $(head -n 3 errors)"
    grep -qE 'cut off|no core file' errors || fail "cut off at $part bytes: $(cat errors)"
    questions=(--layers "--why $(address_of freed)" "--owner $(address_of live)" "--history $(address_of live)")
    [ "$full" = 1 ] || questions=("${questions[turn++ % 4]}")
    for question in "${questions[@]}"; do
        # shellcheck disable=SC2086
        timeout 400 "$trace" core cut.core $question >out 2>errors
        status=$?
        [ "$status" -eq 3 ] || [ "$status" -eq 4 ] || fail "$question, cut off at $part bytes: status $status: $(head -n 3 errors)"
    done
done

# So does JSON say it, which somebody may keep without what stderr said.
lack_of() { # STATUS ARG...
    local status
    timeout 400 "$trace" core "${@:2}" --json >found.json 2>errors
    status=$?
    [ "$status" -eq "$1" ] || fail "core ${*:2} --json: status $status, due $1: $(head -n 3 errors)"
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" found.json || fail "core ${*:2} --json: not as the schema says"
    python3 -c 'import json; print(json.load(open("found.json"))["incomplete"])'
}
cp good.core cut.core
without_stack cut.core
for question in '' --layers --top --check "--why $(address_of live)"; do
    # shellcheck disable=SC2086
    [ "$(lack_of 0 good.core $question)" = None ] || fail "$question --json of a whole core: $(lack_of 0 good.core $question)"
    # shellcheck disable=SC2086
    [[ $(lack_of 4 cut.core $question) == 'the core is cut off: '* ]] || fail "$question --json of a core that is cut off: $(cat found.json)"
done

# Lists that lead back into themselves or promise more than there is memory.
python3 "$SOURCE/tests/corefile/damage.py" "$trace" good.core good.said "$BUILD/libhakmem.so" || fail 'lists damaged on purpose'

# Bytes of the head, the notes and the heap's own structures changed at odds: an answer or an error in time.
address=$(sed -n 's/^freed //p' moved.said)
cat >odds.py <<'END'
import random, subprocess, sys
trace, path, full, turns, *addresses = sys.argv[1:]
full = full == "1"
random.seed(18)
good = open(path, "rb").read()
table = good.find(b"superslab.owner")
heads = [(0, 4096), (0, 65536)]
with open(path, "r+b", buffering=0) as core:
    # Where memory that is not zero lies.
    busy = [at for at in range(0, len(good), 4096) if good[at:at + 4096].strip(b"\0")]
    for turn in range(int(turns)):
        places = []
        for _ in range(random.choice((1, 4, 40))):
            start, length = random.choice(heads) if turn % 3 == 0 else (random.choice(busy), 4096)
            places.append(min(start + random.randrange(length), len(good) - 1))
        for at in places:
            core.seek(at)
            core.write(bytes([random.choice((0, 1, 0x7f, 0xff, random.randrange(256)))]))
        questions = [], ["--why", addresses[0]], ["--check"], ["--leaks"]
        for more in questions if full else (questions[turn // 3 % 4], questions[(turn // 3 + 1) % 4]):
            try:
                done = subprocess.run([trace, "core", path, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=500)
            except subprocess.TimeoutExpired:
                sys.exit(f"turn {turn}: no end; changed {places}")
            if done.returncode not in (0, 1, 3, 4):
                sys.exit(f"turn {turn}: status {done.returncode}: {done.stderr[:200]}; changed {places}")
        for at in places:
            core.seek(at)
            core.write(good[at:at + 1])
END
python3 odds.py "$trace" good.core $full $((full ? 120 : 20)) "$(sed -n 's/^live //p' said)" "$address" || fail 'a damaged core'
# A core of hakmem-debug.so has the pages that hakmem mapped, and a state for each slot.
python3 odds.py "$trace" checked.core $full $((full ? 60 : 12)) "$(sed -n 's/^live //p' checked.said)" || fail 'a damaged core of hakmem-debug.so'
exit 0
