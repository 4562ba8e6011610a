"""What tracing cost each function, over all ranks: by Ray Data.  python ray_query.py DATASET"""

import sys

import ray
from ray.data.aggregate import CountDistinct, Sum

dataset = sys.argv[1]
columns = ["function", "owner", "self_ns", "is_retrace", "is_user", "rank"]
rows = (
    ray.data.read_parquet(f"{dataset}/trace", columns=columns)
    .filter(lambda row: row["is_user"])
    .map(
        lambda row: {
            "name": row["owner"] or row["function"],
            "self_ns": row["self_ns"] or 0,
            "retraces": int(row["is_retrace"]),
            "rank": row["rank"],
        }
    )
    .groupby("name")
    .aggregate(
        Sum("self_ns", alias_name="spent_ns"),
        Sum("retraces", alias_name="all_retraces"),
        CountDistinct("rank", alias_name="ranks"),
    )
    .take_all()
)
for row in sorted(rows, key=lambda row: -row["spent_ns"])[:10]:
    seconds, retraces = row["spent_ns"] / 1e9, row["all_retraces"]
    print(f"{seconds:10.3f} s {retraces:6} retraces on {row['ranks']} ranks  {row['name']}")
ray.shutdown()
