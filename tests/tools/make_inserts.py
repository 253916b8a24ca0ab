# SQL of a given number of inserts, and sorts over them, for sqlite3; the same text every time.
import sys

rows = int(sys.argv[1])
print("pragma journal_mode = off; create table t (id integer primary key, name text, value real, body blob);")
print("begin;")
state = 1
for number in range(rows):
    state = (state * 1103515245 + 12345) % 2**31
    print(f"insert into t values ({number}, 'name {state % 99991}', {state / 977:.3f}, zeroblob({state % 60}));")
print("commit;")
print("create index by_name on t (name);")
print("select count(*), sum(length(body)), min(name), max(name) from t;")
print("select name, value from t order by value desc, name limit 5;")
print("select name, count(*) c from t group by name order by c desc, name limit 5;")
print("select count(*) from (select distinct name, cast(value as integer) v from t order by v);")
