"""What tracing cost each function, over all ranks: by Spark.  spark-submit spark_query.py DATASET"""

import sys

from pyspark.sql import SparkSession

dataset = sys.argv[1]
spark = SparkSession.builder.appName("tracedbg").getOrCreate()
spark.read.parquet(f"{dataset}/trace").createOrReplaceTempView("trace")
rows = spark.sql(
    """
    select coalesce(owner, function) as name, sum(self_ns) / 1e9 as seconds, count(*) filter (where is_retrace) as retraces,
           count(distinct rank) as ranks
    from trace
    where is_user
    group by name
    order by seconds desc
    limit 10
    """
).collect()
for name, seconds, retraces, ranks in rows:
    print(f"{seconds:10.3f} s {retraces:6} retraces on {ranks} ranks  {name}")
spark.stop()
