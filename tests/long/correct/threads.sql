-- Sorts by threads of SQLite, of more than fits in a megabyte: `sqlite3 :memory: '.read threads.sql'`. Its output depends on nothing else.
pragma threads = 4;
pragma cache_size = -1000;
create table t(a integer, b text);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 20000)
insert into t select x, printf('%08x of the row with the number %d, and some words more to sort by %d', x * 7919 % 65536, x, x) from n;
create index by_b on t(b);
create unique index by_both on t(b || a, a desc);
select count(*), min(b), max(b) from t indexed by by_b where b > '0';
select b from t order by substr(b, 40) || b desc limit 3;
pragma integrity_check;
