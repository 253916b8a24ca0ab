-- Rows of a host that means no good: escape sequences, newlines, no UTF-8, numbers at their ends, times that are none.
INSERT INTO hakmem.run(run, month, at, host, pid, program, command, build, version, level, hakmem, rate, labels, capture, summary)
    SELECT 100 + n, '2026-11-01', t::timestamptz, '\x1b5d303b6f776e6564070a686f737480ff'::bytea, -1, '\x2f1b5b324a6576696c0a6e616d65'::bytea, '\x1b5b33316dff'::bytea,
    '\x1b5b41'::bytea, '\x1b5b420a76'::bytea, '\x1b63'::bytea, '\x0d'::bytea, rate, '\x7b1b5b4322ff'::bytea, NULL, '\x1b'::bytea
    FROM (VALUES (1, '2026-11-10 00:00+00', 'NaN'::float8), (2, 'infinity', 1), (3, '-infinity', 1), (4, '2026-11-10 00:00:01+00', '-Infinity'), (5, '2026-11-10 00:00:02+00', 1e308)) x(n, t, rate);
INSERT INTO hakmem.finding(run, month, number, fingerprint, code, name, headline, place, count, address, report)
    SELECT run, month, 0, '\x484b4d2d3230321b5d303b6f776e656407'::bytea, -5, '\x1b5b324a'::bytea, '\x1b5b33316d0a00fe'::bytea, '\x6f70656e0a1b5b41'::bytea,
    9223372036854775807, -1, '\x1b5d303b6f776e6564070a6c696e652074776f0d1b5b324a80ff0a3c2f7363726970743e3c7363726970743e616c6572742831293c2f7363726970743e'::bytea
    FROM hakmem.run WHERE run > 100;
