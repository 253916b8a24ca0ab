-- Inserts, indexes, windows, JSON and full text in SQLite: `sqlite3 :memory: '.read work.sql'`. Its output depends on nothing else.
pragma cache_size = -1000;
create table t(a integer, b text, c real);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 25000)
insert into t select x, printf('%x-%d', x * 7919 % 65536, x), x / 7.0 from n;
create index by_b on t(b);
select count(*), sum(a), round(sum(c), 3) from t where b like '%7%';
select b, rank() over (partition by a % 5 order by b) from t where a < 12 order by 1;
create virtual table words using fts5(text);
insert into words select 'word' || (a % 100) || ' ' || b from t where a < 4000;
select count(*) from words where words match 'word7*';
select sum(json_extract(j, '$.n')) from (select json_object('n', a, 'list', json_array(b, c)) as j from t where a < 5000);
update t set b = upper(b) where a % 3 = 0;
delete from t where a % 4 = 0;
select count(distinct substr(b, 1, 2)), group_concat(b, ',') from (select b from t order by b desc, a limit 8);
