"""The tables of a recording. This text is their reference: `docs/reference/store.md` shows it.

A run is a folder: `run.json` (the run as a whole) and one SQLite database `p<pid>.db` for each
process. A database is append-only but for the end of a trace, which is filled in when it comes,
and for totals: of `calls`, ops, steps and samples. Beside it lies a journal, as long as the process has not
ended: totals that the database does not have yet.
Columns that hold JSON are named `*_json`; the forms stand in `codec.py`.
"""

from __future__ import annotations

VERSION = 1
"""Raised when an older reader would misread a database. Kept in `PRAGMA user_version`."""

APPLICATION_ID = 0x74726462
"""`trdb`: tells our databases from others. Kept in `PRAGMA application_id`."""

TABLES = """
create table process (
    pid             integer not null,
    ppid            integer not null,
    rank            integer,            -- of torchrun, SLURM, ...: null where there is none
    host            text not null,
    argv_json       text not null,      -- sys.orig_argv: the whole command line
    python          text not null,      -- 3.11.7
    started_wall_ns integer not null,   -- since the epoch; *_ns times below count from this moment
    stopped_ns      integer,            -- null: killed, or still running
    recording_error text not null default '', -- why the recording ends before the process did
    local_rank      integer,            -- from here on as in identity.Identity
    world_size      integer,
    node            integer,
    job             text not null default '',
    launcher        text not null default '', -- torchrun, slurm, openmpi, tf_config
    task            text not null default '', -- of TF_CONFIG: worker 1
    generation      integer,            -- how often the launcher had started the ranks before
    rank_pid        integer             -- that is this rank, or began the program: itself, or one above it
);

create table journal (
    last            integer not null    -- record of the journal that was added to the totals last
);

create table framework (                -- imported by the program
    name            text primary key,   -- torch, tensorflow
    version         text not null
);

create table traceable (                -- a function object that a framework traces
    id              integer primary key,
    framework       text not null,      -- tf.function, torch.compile, torch.jit, autograd
    name            text not null,      -- qualified
    file            text not null,
    line            integer not null,   -- of its def
    object_id       integer not null,   -- tells apart function objects of one code
    closure_id      text not null,      -- equal: they close over the same objects
    created_json    text,               -- frame where the function object was made
    owner           text not null,      -- resume functions: what they are the rest of
    is_user         integer not null,   -- 0: made by a library for itself
    unique (framework, name, file, line, object_id, closure_id, owner)
);

create table trace (                    -- one tracing or compilation of it
    id              integer primary key,
    traceable_id    integer not null references traceable,
    parent_id       integer,            -- the trace during which it happened
    role            text not null,      -- forward, variable_creation, backward, resume, dataset, check
    label           text not null,      -- the framework's name: 0/1, f
    final_label     text not null default '',  -- its name when it was done: __inference_f_12
    thread_id       integer not null,
    start_ns        integer not null,
    end_ns          integer,            -- null: under way when the recording ended
    outcome         text,               -- compiled, eager, failed
    error           text not null default '',
    op_count        integer,
    cached_count    integer not null,   -- how many earlier traces the call was compared with
    signature_json  text,               -- what the call looked like
    traced_json     text,               -- what it was traced for, where that is more general
    symbolic_json   text not null default '[]',  -- expressions that may have another value: L['n']
    call_stack_json text not null,      -- the user's frames, innermost first
    options_json    text not null,      -- backend, dynamic, jit_compile, ...
    cache_json      text not null default '[]', -- compiler cache hits and misses up to its end
    inputs_json     text not null default '[]'  -- in a rank of several: [[L['x'], float32[4]], ...]
);

create table guard_failure (            -- why one cached entry did not fit
    trace_id        integer,            -- the compile that it led to, or
    fallback_id     integer,            -- the fallback to eager that it led to
    position        integer not null,   -- order within its trace or fallback
    entry           text not null,      -- 0/1
    guard           text not null,      -- the framework's own text
    source          text not null,      -- expression that the guard reads: L['x']
    before          text not null,
    now             text not null,
    frame_json      text,               -- the user's line that made the guard
    fixed           integer not null    -- 1: the entry can never fit again
);

create table phase (                    -- a stretch of time that a trace took: they may lie inside each other
    trace_id        integer not null,
    name            text not null,      -- autograph, dynamo, ...: events.PHASES
    start_ns        integer not null,
    duration_ns     integer not null
);

create table late_cache (               -- compiler cache hits and misses after the end of a trace
    trace_id        integer not null,
    cache_json      text not null       -- as in trace
);

create table graph (                    -- a graph that a trace made
    trace_id        integer not null,
    stage           text not null,      -- func_graph, dynamo, ...
    op_count        integer not null,
    sites           blob not null       -- zlib of JSON columns, see codec.pack_sites
);

create table conversion (               -- AutoGraph's work on one function
    trace_id        integer,
    function        text not null,
    file            text not null,
    line            integer not null,
    duration_ns     integer not null,
    source          text not null,
    generated       text not null,
    line_map_json   text not null,      -- [[line of the file, line of generated], ...]
    failure         text not null       -- '': it was converted
);

create table construct (                -- what an if, while or for became
    trace_id        integer,
    function        text not null,
    file            text not null,
    line            integer not null,
    kind            text not null,      -- if, while, for, if_exp
    became          text not null       -- cond, while_loop, python, unrolled
);

create table graph_break (
    trace_id        integer,
    traceable_id    integer not null references traceable,
    code            text not null,      -- GB0170
    kind            text not null,
    reason          text not null,
    frame_json      text not null,      -- the user's line: [file, line, function]
    stack_json      text not null,      -- inlined callers, innermost first
    ran_eager       text not null       -- text of that line
);

create table fallback (                 -- calls run eager from here on, without an error
    id              integer primary key,
    traceable_id    integer not null references traceable,
    kind            text not null,      -- recompile_limit, skipped, ...: events.FALLBACKS
    reason          text not null,
    time_ns         integer not null,
    call_stack_json text not null       -- the user's frames, innermost first
);

create table stale (                    -- a trace was used although it should have been remade
    trace_id        integer,
    traceable_id    integer not null references traceable,
    kind            text not null,      -- global, closure, attribute, side_effect, random, baked_branch
    name            text not null,      -- as the user wrote it: cfg.lr
    frame_json      text not null,      -- the user's line that read it, or ran
    then_text       text not null,      -- the value while tracing
    now_text        text not null,      -- the value when the trace was used later
    time_ns         integer not null    -- when it was noticed
);

create table calls (                    -- how often a function was called, up to the last count
    traceable_id    integer primary key references traceable,
    compiled        integer,            -- null: not known
    eager           integer,            -- null: not known
    first_eager_call integer            -- number of the first eager call, from 1
);

create table kernel_window (            -- a stretch of the run that a framework's profiler has seen
    profiler        text not null,      -- torch, tensorflow
    start_ns        integer not null,
    end_ns          integer not null,
    steps           integer not null,   -- whole steps in it
    kernel_count    integer not null,
    dropped         integer not null,   -- kernels that were counted, and not kept
    note            text not null,      -- why it is less than was asked for
    kernels         blob not null       -- zlib of JSON columns, see kernel_codec.pack_kernels
);

create table stack (                    -- the user's frames: one, and what called it
    id              integer primary key,
    outer_id        integer,            -- null: the outermost
    file            text not null,
    line            integer not null,
    function        text not null
);

create table op_observer (              -- how ops were seen
    observer        text primary key,   -- RecordFunction, torch.profiler, fast path
    left_out        integer not null,   -- executions in the window that there was no room for
    note            text not null       -- why it is less than was asked for
);

create table op_kind (                  -- what executions of one op have in common
    id              integer primary key,
    framework       text not null,      -- torch, tensorflow
    name            text not null,      -- aten::mm
    inputs          text not null,      -- shapes and dtypes; '' where they were not looked at
    stack_id        integer,            -- null: no line of the user's is known
    is_backward     integer not null,
    is_traced       integer not null,   -- 1: a compiled graph ran it
    is_outer        integer not null,   -- 1: no other op called it
    sync            text not null       -- item, nonzero, ...: ran.SYNCS
);

create table op_total (                 -- executions of one kind in one thread, all of them
    kind_id         integer not null references op_kind,
    thread_id       integer not null,
    count           integer not null,
    duration_ns     integer not null,
    self_ns         integer not null,   -- without the ops that it called
    longest_ns      integer not null,
    primary key (kind_id, thread_id)
);

create table op_rows (                  -- single executions, in a window alone
    start_ns        integer not null,   -- of the first
    end_ns          integer not null,   -- of the last
    count           integer not null,
    rows            blob not null       -- zlib of columns, see op_codec.pack_rows
);

create table step_graph (               -- a graph that a step of eager code built, and no step before it
    traceable_id    integer not null references traceable,
    kind            text not null,      -- autograd, tape, sequence
    fingerprint     text not null,
    step            integer not null,   -- the first that built it, from 1
    time_ns         integer not null,
    op_count        integer not null,
    left_out        integer not null,   -- of those: not kept
    sites           blob not null,      -- as in graph
    primary key (traceable_id, kind, fingerprint)
);

create table step_count (               -- steps of one function
    traceable_id    integer not null references traceable,
    kind            text not null,
    steps           integer not null,
    looked_at       integer not null,   -- of those: compared with the step before
    primary key (traceable_id, kind)
);

create table step_change (              -- steps that built another graph than the one before
    traceable_id    integer not null references traceable,
    kind            text not null,
    before          text not null,      -- fingerprints
    after           text not null,
    count           integer not null,
    step            integer not null,   -- the first of them
    primary key (traceable_id, kind, before, after)
);

create table step_line (                -- what a line of the forward cost the backward
    traceable_id    integer not null references traceable,
    kind            text not null,
    file            text not null,
    line            integer not null,
    function        text not null,
    nodes           integer not null,
    backward_ns     integer not null,
    saved_bytes     integer not null,   -- kept by one step, the most that was seen
    primary key (traceable_id, kind, file, line, function)
);

create table sampling (                 -- a stretch in which threads were sampled
    rate_hz         integer not null,
    start_ns        integer not null,
    end_ns          integer not null,
    own_ns          integer not null,   -- CPU time of the sampler
    primary key (rate_hz, start_ns)
);

create table sample (                   -- time that a thread spent in one place
    stack_id        integer not null,   -- 0: no frame of the user's
    activity        text not null,      -- python, eager_ops, ...: activities.Activity
    phase           text not null,      -- dynamo, autograph, ...; '' where that is not known
    thread_id       integer not null,
    is_main         integer not null,
    count           integer not null,
    wall_ns         integer not null,
    cpu_ns          integer not null,
    primary key (stack_id, activity, phase, thread_id)
);

create table stay (                     -- the main thread of a rank was in one place for long
    start_ns        integer primary key,
    end_ns          integer not null,
    stack_id        integer not null,   -- 0: no frame of the user's
    activity        text not null,      -- as in sample; what it did for the most part
    phase           text not null,
    cpu_ns          integer not null
);

create table stop (                     -- a thread stood still in the debugger, and has gone on
    thread_id       integer not null,
    reason          text not null,      -- breakpoint, step, pause, exception, ...
    frame_json      text not null,      -- the line on which it stood
    stack_json      text not null,      -- the user's frames, traced ones among them, innermost first
    op              text not null,      -- before or after which it stood; '': at a line
    graph           text not null,      -- in which it stood: 0/1 forward; '': eager code
    is_backward     integer not null,
    text            text not null,      -- what was found, where that made it stop
    start_ns        integer not null,
    end_ns          integer not null
);

create table fault (                    -- a fault of tracedbg itself
    place           text not null,
    message         text not null,
    time_ns         integer not null
);

create table tally (                    -- counted, but not kept: the recording was full
    framework       text not null,
    name            text not null,
    file            text not null,
    line            integer not null,
    traces          integer not null,
    retraces        integer not null,
    duration_ns     integer not null,
    graph_breaks    integer not null,
    primary key (framework, name, file, line)
);

create table dropped (                  -- events that were not kept, by kind
    kind            text primary key,
    count           integer not null
);
"""
