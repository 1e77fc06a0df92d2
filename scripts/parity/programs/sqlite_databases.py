"""sqlite3: types, transactions, functions, windows, search."""

import datetime
import sqlite3
import tempfile
from pathlib import Path


def fresh(**options):
    connection = sqlite3.connect(":memory:", **options)
    connection.executescript(
        "create table t (id integer primary key, name text, x real, n integer);"
        "insert into t values (1, 'Ann', 1.5, 10), (2, 'Bo', null, 3000000000), (3, 'Cy', 2.25, 5);"
    )
    return connection


# %% select
fresh().execute("select * from t order by id").fetchall()

# %% large integers
fresh().execute("select ?, ?, sum(n) from t", (2**63 - 1, -(2**63))).fetchone()

# %% an integer too large
fresh().execute("select ?", (2**63,))

# %% overflow in SQL
fresh().execute("select 9223372036854775807 + 1, sum(9223372036854775807 + 0.0)").fetchone()

# %% sum that overflows
fresh().execute("select sum(v) from (select 9223372036854775807 v union all select 1)").fetchone()

# %% types
fresh().execute(
    "select typeof(1), typeof(1.0), typeof('a'), typeof(x'00'), typeof(null)"
).fetchone()

# %% affinities
c = fresh()
c.execute("create table a (i integer, r real, t text, b blob, n numeric)")
c.execute("insert into a values ('12', '3', 4, 5, '6.5')")
c.execute("select i, r, t, b, n from a").fetchone()

# %% bytes and None
fresh().execute("select ?, ?, ?", (b"\x00\xff", None, True)).fetchone()

# %% what cannot be bound
fresh().execute("select ?", ([1],))

# %% floats and back
fresh().execute("select ?, 0.1 + 0.2, 1e308 * 10, round(2.5, 0)", (0.1,)).fetchone()

# %% division
fresh().execute("select 7 / 2, -7 / 2, 7 % -3, 7.0 / 2, 1 / 0").fetchone()

# %% text functions
fresh().execute(
    "select upper('äb'), length('日本'), substr('abcdef', -3, 2), instr('abc', 'c'), hex('é')"
).fetchone()

# %% like and glob
fresh().execute("select 'Äb' like 'äb', 'Ab' like 'a_', 'ab' glob 'A*'").fetchone()

# %% printf
fresh().execute("select printf('%05.1f|%,d|%x|%s', 3.14159, 1234567, 255, 'q')").fetchone()

# %% math functions | within 1 ulp
fresh().execute("select sqrt(2), exp(1), ln(10), sin(1), power(2, 0.5), pi()").fetchone()

# %% dates
fresh().execute(
    "select date('2024-02-29', '+1 year'), strftime('%j %W', '2024-12-31'), julianday('2000-01-01')"
).fetchone()

# %% unixepoch
fresh().execute("select unixepoch('2040-01-01'), datetime(4000000000, 'unixepoch')").fetchone()

# %% local time
fresh().execute("select datetime(0, 'unixepoch', 'localtime')").fetchone()

# %% window functions
fresh().execute(
    "select name, row_number() over (order by n desc), sum(n) over (order by id), lag(name) over (order by id) from t"
).fetchall()

# %% recursive query
fresh().execute(
    "with recursive f(a, b) as (select 0, 1 union all select b, a + b from f limit 60) select max(a) from f"
).fetchone()

# %% group_concat and having
fresh().execute(
    "select group_concat(name, '-'), count(*) from t group by n > 7 having count(*) > 0 order by 2"
).fetchall()

# %% upsert and returning
c = fresh()
c.execute(
    "insert into t (id, name) values (1, 'Zed') on conflict (id) do update set name = excluded.name returning id, name"
).fetchall()

# %% JSON functions
fresh().execute(
    """select json_extract('{"a":[1,2.5]}', '$.a[1]'), json_group_array(id), '{"a":1}' ->> 'a' from t"""
).fetchone()

# %% full text search
c = fresh()
c.execute("create virtual table d using fts5(body)")
c.executemany("insert into d values (?)", [("the cat sat",), ("a dog ran",)])
c.execute("select body from d where d match 'cat OR ran' order by rank").fetchall()

# %% rtree
c = fresh()
c.execute("create virtual table r using rtree(id, x0, x1)")
c.execute("insert into r values (1, 0.5, 2)")
c.execute("select id from r where x0 < 1").fetchall()

# %% a Python function
c = fresh()
c.create_function("twice", 1, lambda v: v * 2, deterministic=True)
c.execute("select twice(21), twice('ab')").fetchone()

# %% a Python function that raises
c = fresh()
c.create_function("bad", 0, lambda: 1 / 0)
c.execute("select bad()").fetchone()


# %% an aggregate
class Spread:
    def __init__(self):
        self.seen = []

    def step(self, value):
        self.seen.append(value)

    def finalize(self):
        return max(self.seen) - min(self.seen)


c = fresh()
c.create_aggregate("spread", 1, Spread)
c.execute("select spread(n) from t").fetchone()

# %% a collation
c = fresh()
c.create_collation("backwards", lambda a, b: (a < b) - (a > b))
c.execute("select name from t order by name collate backwards").fetchall()

# %% commit and rollback
c = fresh()
c.commit()
c.execute("delete from t")
c.rollback()
c.execute("select count(*) from t").fetchone()

# %% with a connection
c = fresh()
try:
    with c:
        c.execute("update t set n = 0")
        raise ValueError
except ValueError:
    pass
c.execute("select sum(n) from t").fetchone()

# %% in_transaction and isolation
c = fresh()
before = c.in_transaction
c.execute("insert into t (name) values ('x')")
[before, c.in_transaction, c.isolation_level, c.total_changes]

# %% autocommit
c = fresh(autocommit=True)
c.execute("begin")
c.execute("delete from t")
c.rollback()
[c.in_transaction, c.execute("select count(*) from t").fetchone()]

# %% savepoints
c = fresh()
c.execute("savepoint a")
c.execute("delete from t where id = 1")
c.execute("rollback to a")
c.execute("select count(*) from t").fetchone()

# %% integrity error
fresh().execute("insert into t values (1, 'x', 1, 1)")

# %% foreign keys
c = fresh()
c.execute("pragma foreign_keys = on")
c.execute("create table u (tid references t)")
c.execute("insert into u values (99)")

# %% syntax error
fresh().execute("selec 1")

# %% wrong number of values
fresh().execute("select ?, ?", (1,))

# %% named values
fresh().execute("select :a + :b", {"a": 1, "b": 2}).fetchone()

# %% rows by name
c = fresh()
c.row_factory = sqlite3.Row
row = c.execute("select id, name from t").fetchone()
[row["name"], row.keys(), tuple(row)]

# %% cursor facts
cursor = fresh().execute("select id as i, x from t")
[[one[0] for one in cursor.description], cursor.rowcount, cursor.fetchmany(2)]

# %% lastrowid and rowcount
c = fresh()
cursor = c.executemany("insert into t (name) values (?)", [("a",), ("b",)])
[cursor.rowcount, c.execute("insert into t (name) values ('c')").lastrowid]

# %% own types
sqlite3.register_adapter(complex, lambda v: f"{v.real};{v.imag}")
sqlite3.register_converter("cplx", lambda t: complex(*map(float, t.split(b";"))))
c = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES)
c.execute("create table z (v cplx)")
c.execute("insert into z values (?)", (1 + 2j,))
c.execute("select v from z").fetchone()

# %% a file
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "data.db")
    with sqlite3.connect(path) as c:
        c.execute("create table t (a)")
        c.execute("insert into t values (5)")
    c.close()
    c = sqlite3.connect(path)
    found = [
        c.execute("select a from t").fetchone(),
        sorted(one.name for one in Path(folder).iterdir()),
    ]
    c.close()
found

# %% journal of a file
with tempfile.TemporaryDirectory() as folder:
    c = sqlite3.connect(Path(folder, "data.db"))
    found = [
        c.execute(f"pragma journal_mode = {mode}").fetchone()
        for mode in ("delete", "memory", "wal")
    ]
    c.close()
found

# %% backup and iterdump
target = sqlite3.connect(":memory:")
fresh().backup(target)
list(target.iterdump())[:3]

# %% serialize
copy = sqlite3.connect(":memory:")
copy.deserialize(fresh().serialize())
copy.execute("select count(*) from t").fetchone()

# %% blobs
c = fresh()
c.execute("create table b (d blob)")
c.execute("insert into b values (zeroblob(8))")
with c.blobopen("b", "d", 1) as blob:
    blob.write(b"abc")
    blob[5] = 7
c.execute("select d from b").fetchone()

# %% attach
c = fresh()
c.execute("attach ':memory:' as other")
c.execute("create table other.q as select id from t")
c.execute("select count(*) from other.q").fetchone()

# %% integrity check and pragmas
c = fresh()
[
    c.execute(f"pragma {p}").fetchone()
    for p in ("integrity_check", "encoding", "page_size", "user_version")
]

# %% trace and limits
c = fresh()
seen = []
c.set_trace_callback(seen.append)
c.execute("select count(*) from t")
[seen, c.getlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH)]

# %% explain
len(fresh().execute("explain query plan select * from t where id = 1").fetchall())

# %% thread safety
[sqlite3.threadsafety, sqlite3.apilevel, sqlite3.paramstyle]

# %% extensions
fresh().enable_load_extension(True)

# %% order of text and numbers
fresh().execute(
    "select v from (select 2 v union select '10' union select 'a' union select null union select x'01') order by v"
).fetchall()

# %% generated columns
c = fresh()
c.execute("create table g (a integer, b integer generated always as (a * a))")
c.execute("insert into g (a) values (70000)")
c.execute("select b from g").fetchone()

# %% strict tables
c = fresh()
c.execute("create table s (a integer) strict")
c.execute("insert into s values ('x')")
