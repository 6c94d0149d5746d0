"""What people might write: words of SQL, YAML, expressions and commands, and scraps of them."""

from __future__ import annotations

from hypothesis import strategies as st

WORDS = r"""
SELECT 1
*
FROM
transactions
sales
'
"
;
--
/*
*/
)
(
,
COPY
TO
'/tmp/x'
ATTACH
INSTALL
LOAD httpfs
read_csv('/etc/passwd')
read_text('/etc/passwd')
getenv('HOME')
glob('/*')
PRAGMA
SET
DROP TABLE sales
DELETE FROM
INSERT INTO
CREATE TABLE x AS
UPDATE
UNION ALL
WHERE
GROUP BY
OR
AND
NOT
NULL
card
paid
spend
region
visits
member
share
>=
<
=
IN
BETWEEN
LIKE
'north'
100
1e309
-0
0x1F
::BLOB
CAST(
AS
CASE WHEN
THEN
END
EXISTS
$1
?
:a
{a: 1}
[1,2]
x -> x
COLUMNS('.*')
OVER ()
sum(
current_setting('x')
query('FROM a')
query_table('sales')
pragma_database_list()
duckdb_secrets()
nextval('s')
客户
😀
${HOME}
{{ 7*7 }}
!!python/object:os.system
&a
*a
<<: *a
---
- 
:
#
""".strip("\n").splitlines()
fragments = st.one_of(st.sampled_from(WORDS), st.text(max_size=8))
scraps = st.lists(fragments, max_size=12).map(" ".join)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), scraps),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
