# shellcheck shell=bash disable=SC2034
# Helpers for tests that run small real programs without hakmem and below it. Sourced; works in the current directory.
. "$SOURCE/tests/tools/test.sh"
export LC_ALL=C PYTHONMALLOC=malloc GIT_CONFIG_NOSYSTEM=1 HOME=$PWD

# run_without COMMAND...: without hakmem; what found.out, found.err and a status shall be.
run_without() {
    "$@" >due.out 2>due.err </dev/null
    due=$?
}

# compare_with_due NAME STATUS: of a run that left found.out and found.err.
compare_with_due() {
    [ "$2" -eq "$due" ] || complain "$1: status $2, without hakmem $due"
    cmp -s due.out found.out || complain "$1: $(diff due.out found.out | head -n 5)"
    cmp -s due.err found.err || complain "$1: $(diff due.err found.err | head -n 20)"
}

# make_inputs ROWS: work.sql, which fills a table of so many rows, and a git repository.
make_inputs() {
    cat >work.sql <<END
create table t(a, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < $1) insert into t select x, hex(x) || x from c;
create index i on t(b);
select count(*), sum(a) from t where b like '%7%';
END
    git init -q repository
    for n in 1 2 3; do
        echo "$n" >"repository/file$n"
        git -C repository add "file$n"
        git -C repository -c user.name=n -c user.email=n@example.org commit -q -m "file $n"
    done
}
