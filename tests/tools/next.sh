# Types the commands under NEXT of a report; tests/crash/next.sh sources it, behind faults.sh.
# shellcheck shell=bash
# The commands of a report on stdin, one a line.
commands_of() {
    awk '/^  NEXT  / { on = 1 } on && /^(  )?[A-Z]/ && !/^  NEXT/ { exit } on { print substr($0, 21) }' |
        sed 's/     hakmem-trace /\nhakmem-trace /g; s/ *$//'
}

# check_next PROGRAM LEVEL [VARIABLE=VALUE...]
check_next() {
    local program=$1 level=$2 command status code variables failed=0 count=0
    mapfile -t variables < <(variables_of "$program")
    shift 2
    run_program "$program" "$level" auto "$@"
    [ -s "$printed" ] || return 0
    code=$(sed -nE '1s/^hakmem: (HKM-[0-9]+) .*/\1/p' "$printed")
    while IFS= read -r command; do
        count=$((count + 1))
        (cd "${printed%/*}" && exec env "${variables[@]}" "$@" \
            bash -c "$command") >said 2>&1 </dev/null
        status=$?
        case $command in
        *' why '*) grep -qE '^  owner  event|^The nearest blocks|was only given to' said || failed=1 ;;
        *' run '* | *' hunt '*) grep -qE '^hakmem: (HKM-[0-9]+|SIG)' said || failed=1 ;;
        *' explain '*) grep -q "^$code" said || failed=1 ;;
        *) [ -s said ] || failed=1 ;;
        esac
        case $status in 2 | 3 | 4 | 127) failed=1 ;; esac
        if [ $failed -ne 0 ]; then
            echo "$program, level $level: '$command' ended with $status:"
            head -n 20 said
            return 1
        fi
    done < <(commands_of <"$printed")
    [ $count -gt 0 ] || { echo "$program, level $level: NEXT has no command"; return 1; }
}

# In a directory of its own: several run at the same time.
check_apart() (
    here=$(mktemp -d "$PWD/next.XXXXXX") && cd "$here" && check_next "$@"
)
