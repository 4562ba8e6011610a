"""The questions that a report asks of a dataset, as SQL for DuckDB; nothing else speaks it.

A unit is one rank of one run. `traced` has each trace that counts as one, under the function that it belongs
to: the rest of a function after a graph break is part of it.
"""

from __future__ import annotations

VIEWS = """
create temp table unit as
select run, rank, row_number() over (order by run, rank) as unit, count(*) as processes,
       arg_min(host, (is_rank is not true, start_ns)) as host,
       arg_min(process, (is_rank is not true, start_ns)) as main
from process group by run, rank;

create temp table owned as
select framework, function, owner, file, line, coalesce((
    select max(plain.line)
    from (select distinct framework, function, file, line from trace where owner is null) as plain
    where plain.framework = resume.framework and plain.function = resume.owner
        and plain.file = resume.file and plain.line <= resume.line
), line) as at_line
from (select distinct framework, function, owner, file, line from trace where owner is not null) as resume;

create temp table traced as
select unit.unit, trace.process, trace.id, trace.framework, coalesce(trace.owner, trace.function) as name,
       trace.file, coalesce(owned.at_line, trace.line) as line,
       coalesce(trace.self_ns, 0) as self_ns, coalesce(trace.duration_ns, 0) as duration_ns,
       trace.role not in ('backward', 'check') and trace.outcome is distinct from 'failed' as is_counted,
       trace.is_retrace
from trace join unit on unit.run = trace.run and unit.rank = trace.rank
left join owned using (framework, function, owner, file, line)
union all
select unit.unit, tally.process, null, tally.framework, tally.function, tally.file, tally.line,
       tally.duration_ns, tally.duration_ns, true, false
from tally join unit on unit.run = tally.run and unit.rank = tally.rank;

create temp table counted as
select unit, framework, name, file, line, count(*) filter (is_counted and id is not null) as traces,
       count(*) filter (is_retrace) as retraces, sum(self_ns) / 1e9 as seconds
from traced group by unit, framework, name, file, line;

update counted set traces = counted.traces + more.traces, retraces = counted.retraces + more.retraces
from (
    select unit.unit, framework, function as name, file, line, sum(traces) as traces,
           sum(retraces) as retraces
    from tally join unit on unit.run = tally.run and unit.rank = tally.rank
    group by unit.unit, framework, function, file, line
) as more
where more.unit = counted.unit and more.framework = counted.framework and more.name = counted.name
    and more.file = counted.file and more.line = counted.line;

create temp table each_unit as
select unit.unit, coalesce(sum(traces), 0)::bigint as traces, coalesce(sum(retraces), 0)::bigint as retraces,
       coalesce(sum(seconds), 0) as seconds, arg_max(counted.name, counted.seconds) as most,
       max(counted.seconds) as most_s
from unit left join counted on counted.unit = unit.unit group by unit.unit;
"""
"""What the questions below are asked of; made once."""

RUNS = """
select run.run, argv, exit_code, wall_ns / 1e9,
       (select count(*) from unit where unit.run = run.run)
from run order by start_ns, run.run
"""

WHOLE = """
select (select count(*) from unit), (select count(distinct host) from process),
       (select count(*) from process), (select sum(traces)::bigint from each_unit),
       (select sum(retraces)::bigint from each_unit)
"""

FRAMEWORKS = """
select distinct entry.key || ' ' || entry.value
from (select unnest(map_entries(frameworks)) as entry from process) order by 1
"""

SPREAD = """
select sum(seconds), quantile_cont(seconds, 0.5), quantile_cont(seconds, 0.95), max(seconds) from each_unit
"""

HISTOGRAM = """
select least(floor(seconds / $most * $bins), $bins - 1)::integer as bin, count(*)
from each_unit group by bin order by bin
"""

FUNCTIONS = """
with breaks as (
    select function as name, count(distinct (file, line, kind)) as breaks, any_value(file) as file
    from graph_break group by function
), limits as (
    select framework, coalesce(owner, function) as name, file, count(distinct (run, rank)) as hits
    from fallback where kind in ('recompile_limit', 'accumulated_limit') group by all
)
select counted.framework, counted.name, counted.file, counted.line, count(*) as ranks,
       sum(traces)::bigint, sum(retraces)::bigint, coalesce(any_value(breaks.breaks), 0),
       coalesce(any_value(limits.hits), 0),
       sum(seconds), quantile_cont(seconds, 0.5), quantile_cont(seconds, 0.95), max(seconds)
from counted
left join breaks on breaks.name = counted.name and counted.framework = 'torch.compile'
left join limits on limits.framework = counted.framework and limits.name = counted.name
    and limits.file = counted.file
group by counted.framework, counted.name, counted.file, counted.line
order by sum(seconds) desc, counted.file, counted.line, counted.name
limit $top
"""

_CAUSES = """
select cause.kind, coalesce(cause.argument, '') as argument, traced.name, cause.file, cause.line,
       count(*) as retraces, sum(traced.duration_ns) / 1e9 as seconds,
       list(distinct unit.rank order by unit.rank) as ranks, count(distinct traced.unit) as units,
       coalesce(arg_min(cause.before, trace_start), ''), coalesce(arg_max(cause.after, trace_start), ''),
       arg_max(cause.message, trace_start), coalesce(arg_max(cause.advice, trace_start), '')
from (select cause.*, trace.start_ns as trace_start from cause join trace
      on trace.run = cause.run and trace.rank = cause.rank
      and trace.process = cause.process and trace.id = cause.trace_id and trace.is_retrace) as cause
join unit on unit.run = cause.run and unit.rank = cause.rank
join traced on traced.unit = unit.unit and traced.process = cause.process and traced.id = cause.trace_id
"""

CAUSES = (
    _CAUSES
    + """
group by cause.kind, cause.argument, traced.name, cause.file, cause.line
order by seconds desc, retraces desc, cause.file, cause.line, cause.kind
limit $top
"""
)

RARE_CAUSES = (
    _CAUSES  # noqa: S608  all of it is ours
    + """
where unit.run = $run and traced.framework = $framework and traced.name = $name and traced.file = $file
    and traced.line = $line
group by cause.kind, cause.argument, traced.name, cause.file, cause.line
having units < (select count(*) from unit where run = $run)
order by seconds desc, retraces desc, cause.file, cause.line, cause.kind
limit $top
"""
)

DIFFERENCES = """
with function as (
    select distinct unit.run, framework, name, file, line from counted join unit using (unit)
), filled as (
    select function.*, unit.unit, coalesce(counted.traces, 0) as traces,
           coalesce(counted.seconds, 0) as seconds
    from function join unit on unit.run = function.run
    left join counted on counted.unit = unit.unit and counted.framework = function.framework
        and counted.name = function.name and counted.file = function.file and counted.line = function.line
), middle as (
    select run, framework, name, file, line, median(seconds) as median_s
    from filled group by all having min(traces) < max(traces)
)
select run, framework, name, file, line, sum(greatest(seconds - median_s, 0)) as extra
from filled join middle using (run, framework, name, file, line)
group by all order by extra desc, run, file, line, name limit $top
"""

GROUPS = """
select coalesce(counted.traces, 0)::bigint as traces, list(unit.rank order by unit.rank)
from unit left join counted on counted.unit = unit.unit and framework = $framework and name = $name
    and file = $file and line = $line
where unit.run = $run
group by 1 order by count(*) desc, 1
"""

SLOWEST = """
select unit.run, unit.rank, unit.host, unit.processes, traces, retraces, seconds,
       (select sum(duration_ns) / 1e9 from ledger
        where ledger.run = unit.run and ledger.rank = unit.rank
        and ledger.process = unit.main),
       coalesce(most, ''), coalesce(most_s, 0)
from each_unit join unit using (unit)
order by seconds desc, unit.run, unit.rank limit $top
"""

ACTIVITIES = """
with spent as (
    select unit.unit, activity, sum(duration_ns) / 1e9 as seconds
    from ledger join unit on unit.run = ledger.run and unit.rank = ledger.rank
        and unit.main = ledger.process
    group by all
), sampled as (select distinct unit from spent), filled as (
    select name.activity, coalesce(spent.seconds, 0) as seconds
    from sampled cross join (select distinct activity from spent) as name
    left join spent on spent.unit = sampled.unit and spent.activity = name.activity
)
select activity, sum(seconds), quantile_cont(seconds, 0.5), quantile_cont(seconds, 0.95), max(seconds)
from filled group by activity order by 2 desc, 1
"""

FAULTS = """
select place, message, count(distinct (run, rank)) as ranks from fault group by all order by ranks desc, 1, 2
limit $top
"""

DROPPED = "select kind, sum(count)::bigint from dropped group by kind order by kind"
