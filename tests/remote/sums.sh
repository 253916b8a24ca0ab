# shellcheck shell=bash
# Helpers for tests of what a server has: after postgres.sh.

query() { psql -qXAtd hakmem -c "$1"; }

# A line for each table of captures, and for what is said of them: rows and a hash of all.
sums() {
    local table
    for table in part capture_end $(query "select relname from pg_class where relnamespace = 'hakmem'::regnamespace and relkind = 'r'
            and relname like 'c\_%' order by 1"); do
        echo "select '$table', count(*), md5(string_agg(t::text, ';' order by t::text)) from (select $(
            [ "$table" = capture_end ] && echo 'capture, part_count, row_count, byte_count' || echo '*') from hakmem.\"$table\") t;"
    done | psql -qXAtd hakmem
}

# Takes all captures away.
empty() {
    query "do \$\$ declare t regclass; begin for t in select oid::regclass from pg_class where relnamespace = 'hakmem'::regnamespace
        and relkind = 'r' and (relname like 'c\_%' or relname in ('capture', 'part', 'capture_end'))
        loop execute 'delete from ' || t; end loop; end \$\$"
}
