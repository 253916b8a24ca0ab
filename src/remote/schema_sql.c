/* The server's own tables as SQL, each with a sentence, each column with one, in the form of
 * store/schema_sql.c: a column to a line, its sentence behind it, further lines of that below it.
 * docs/specs/fleet-tables.md is made of this text. The tables of captures (c_TABLE) are those of a
 * store and are not written twice: tables.c.
 *
 * These statements were run on servers: a change is a new migration at the end. */
#include "remote/migrations.h"

#include <stddef.h>

/* clang-format off */
static const char captures[] =
    "-- == Captures\n"
    "CREATE TABLE hakmem.capture( -- each capture that was pushed whole, or begun to be\n"
    "  capture BIGINT PRIMARY KEY, -- its number: a hash of its rows, 1..2^63 - 1\n"
    "  host BYTEA NOT NULL, -- name of the machine that pushed it first\n"
    "  file BYTEA NOT NULL, -- name of its file there, without the folder\n"
    "  pusher TEXT NOT NULL DEFAULT session_user, -- the server's role that pushed it first\n"
    "  pushed TIMESTAMPTZ NOT NULL DEFAULT now() -- when that began\n"
    ");\n"
    "CREATE TABLE hakmem.part( -- each part of a capture that has come: a part's row and the rows\n"
    "    -- of its part are one transaction\n"
    "  capture BIGINT NOT NULL, -- the capture\n"
    "  number BIGINT NOT NULL, -- of the part, from 0 without gaps\n"
    "  name BYTEA NOT NULL, -- table of the store whose rows it has\n"
    "  row_count BIGINT NOT NULL, -- how many\n"
    "  byte_count BIGINT NOT NULL, -- of their values\n"
    "  checksum BIGINT NOT NULL, -- hash of the rows as they were sent\n"
    "  PRIMARY KEY(capture, number)\n"
    ");\n"
    "CREATE TABLE hakmem.capture_end( -- a capture whose parts have all come and were compared\n"
    "  capture BIGINT PRIMARY KEY, -- the capture\n"
    "  part_count BIGINT NOT NULL, -- its parts\n"
    "  row_count BIGINT NOT NULL, -- their rows\n"
    "  byte_count BIGINT NOT NULL, -- bytes of their values\n"
    "  ended TIMESTAMPTZ NOT NULL DEFAULT now() -- when\n"
    ");\n";

static const char findings[] =
    "-- == Findings\n"
    "CREATE TABLE hakmem.run( -- each program's run that was pushed; partitions by month\n"
    "  run BIGINT NOT NULL, -- its number: a hash of host, recording, pid and start\n"
    "  month DATE NOT NULL, -- first day of the month (UTC) of `at`\n"
    "  at TIMESTAMPTZ NOT NULL, -- when it began\n"
    "  host BYTEA NOT NULL, -- name of its machine\n"
    "  pid BIGINT NOT NULL, -- as the kernel said\n"
    "  program BYTEA NOT NULL, -- path of the program\n"
    "  command BYTEA NOT NULL, -- its arguments, with spaces between them\n"
    "  build BYTEA NOT NULL, -- build-id of the program in hexadecimal; empty: it has none\n"
    "  version BYTEA NOT NULL, -- value of --label version=...; empty: not given\n"
    "  level BYTEA NOT NULL, -- how it was recorded: light, ...\n"
    "  hakmem BYTEA NOT NULL, -- version of hakmem\n"
    "  rate DOUBLE PRECISION NOT NULL, -- one in how many allocations level light guards; 1 in the\n"
    "    -- recorded levels. A finding counts so many times\n"
    "  labels BYTEA NOT NULL, -- of --label, a JSON object\n"
    "  capture BIGINT, -- the whole capture, where it was pushed too; else NULL\n"
    "  summary BYTEA NOT NULL, -- the profile in short, a JSON object\n"
    "  pushed TIMESTAMPTZ NOT NULL DEFAULT now(), -- when it came\n"
    "  PRIMARY KEY(run, month)\n"
    ") PARTITION BY RANGE(month);\n"
    "CREATE INDEX run_by_month ON hakmem.run(month, build); -- for builds and hosts of a time\n"
    "CREATE TABLE hakmem.finding( -- each fault, leak and crash of a run; partitions by month\n"
    "  run BIGINT NOT NULL, -- the run\n"
    "  month DATE NOT NULL, -- of the run\n"
    "  number INTEGER NOT NULL, -- place in the run's list, from 0\n"
    "  fingerprint BYTEA NOT NULL, -- the same for the same fault, as in a baseline\n"
    "  code INTEGER NOT NULL, -- n of HKM-n; 0 = a crash\n"
    "  name BYTEA NOT NULL, -- of the kind: double-free, ...\n"
    "  headline BYTEA NOT NULL, -- the report's first line\n"
    "  place BYTEA NOT NULL, -- \"function file:line\" of the first stack\n"
    "  count BIGINT NOT NULL, -- blocks of a leak; else 1\n"
    "  address BIGINT, -- the block's address in the program; NULL = none\n"
    "  report BYTEA NOT NULL, -- the report as it was printed\n"
    "  PRIMARY KEY(run, month, number)\n"
    ") PARTITION BY RANGE(month);\n"
    "CREATE INDEX finding_by_fingerprint ON hakmem.finding(fingerprint, month); -- for all that is\n"
    "    -- known of a fault\n";

static const char sums[] =
    "DROP INDEX hakmem.finding_by_fingerprint;\n"
    "CREATE INDEX finding_sums ON hakmem.finding(fingerprint, month, run, count, code); -- for all\n"
    "    -- that is known of a fault; sums over all faults read it and no row\n";

static const char profiles[] =
    "-- == Heap profiles\n"
    "CREATE TABLE hakmem.pull( -- each time that a process's heap profile was read; partitions by\n"
    "    -- month\n"
    "  run BIGINT NOT NULL, -- the process: a hash of host, pid, its start and program\n"
    "  month DATE NOT NULL, -- first day of the month (UTC) of `at`\n"
    "  pull BIGINT NOT NULL, -- when it was read, in ns of the machine's clock since its start\n"
    "  at TIMESTAMPTZ NOT NULL, -- when it was read\n"
    "  began TIMESTAMPTZ NOT NULL, -- the process's first sample\n"
    "  host BYTEA NOT NULL, -- name of its machine\n"
    "  pid BIGINT NOT NULL, -- as the kernel said\n"
    "  program BYTEA NOT NULL, -- path of the program\n"
    "  build BYTEA NOT NULL, -- build-id of the program in hexadecimal; empty: it has none\n"
    "  version BYTEA NOT NULL, -- value of --label version=...; empty: not given\n"
    "  hakmem BYTEA NOT NULL, -- version of hakmem\n"
    "  rate BIGINT NOT NULL, -- mean bytes between two samples\n"
    "  unsampled BIGINT NOT NULL, -- samples that are missing, for want of memory\n"
    "  labels BYTEA NOT NULL, -- of --label, a JSON object\n"
    "  pushed TIMESTAMPTZ NOT NULL DEFAULT now(), -- when it came\n"
    "  PRIMARY KEY(run, month, pull)\n"
    ") PARTITION BY RANGE(month);\n"
    "CREATE TABLE hakmem.pull_sum( -- the estimates of a pull by stack; partitions by month\n"
    "  run BIGINT NOT NULL, -- the process\n"
    "  month DATE NOT NULL, -- of the pull\n"
    "  pull BIGINT NOT NULL, -- the pull\n"
    "  stack BIGINT NOT NULL, -- the stack\n"
    "  live_blocks BIGINT NOT NULL, -- blocks that were live then\n"
    "  live_bytes BIGINT NOT NULL, -- their bytes\n"
    "  allocated_blocks BIGINT NOT NULL, -- all since the process's start\n"
    "  allocated_bytes BIGINT NOT NULL, -- their bytes\n"
    "  freed_blocks BIGINT NOT NULL, -- of these, those that were freed\n"
    "  freed_bytes BIGINT NOT NULL, -- their bytes\n"
    "  live_variance DOUBLE PRECISION NOT NULL, -- of live_bytes: the square of its standard error\n"
    "  PRIMARY KEY(run, month, pull, stack)\n"
    ") PARTITION BY RANGE(month);\n"
    "CREATE TABLE hakmem.stack( -- the frames of each stack, once for each month in which it came\n"
    "  stack BIGINT NOT NULL, -- its fingerprint: a hash of its functions, of frames without one of\n"
    "    -- module, build-id and offset\n"
    "  month DATE NOT NULL, -- of a pull that has it\n"
    "  frames BYTEA NOT NULL, -- a line for each, the innermost first: function, a tabulator, a sign\n"
    "    -- (+ the program's, - a library's), name of the source file\n"
    "  PRIMARY KEY(stack, month)\n"
    ");\n";
/* clang-format on */

const struct hak_remote_migration hak_remote_migrations[] = {
    {1, 1, captures}, {2, 2, findings}, {3, 2, sums}, {4, 2, profiles}, {0, 0, NULL},
};
