"""What tracing cost each function, over all ranks: by DuckDB.  python duckdb_query.py DATASET"""

import sys

import duckdb

dataset = sys.argv[1]
rows = duckdb.execute(
    """
    select coalesce(owner, "function") as name, sum(self_ns) / 1e9 as seconds, count(*) filter (is_retrace) as retraces,
           count(distinct rank) as ranks
    from read_parquet($files, hive_partitioning = true)
    where is_user
    group by name
    order by seconds desc
    limit 10
    """,
    {"files": f"{dataset}/trace/*/*/*.parquet"},
).fetchall()
for name, seconds, retraces, ranks in rows:
    print(f"{seconds:10.3f} s {retraces:6} retraces on {ranks} ranks  {name}")
