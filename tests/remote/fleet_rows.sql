-- What tests/remote/fleet.sh asks about: a double free of two builds, a leak since the second one, hostile text in a third program.
SET TIME ZONE 'UTC';
INSERT INTO hakmem.run SELECT n, date_trunc('month', t AT TIME ZONE 'UTC')::date, t, convert_to('host' || n % 3, 'UTF8'), 100 + n, '/srv/bin/server',
    '/srv/bin/server --port 80', convert_to(CASE WHEN n <= 4 THEN 'aaaa1111bbbb' WHEN n <= 8 THEN 'cccc2222' ELSE 'dddd3333' END, 'UTF8'),
    convert_to(CASE WHEN n <= 4 THEN '1.0' WHEN n <= 8 THEN '1.1' ELSE '' END, 'UTF8'), 'light', '0.9', CASE WHEN n % 2 = 0 THEN 64 ELSE 1 END,
    convert_to('{"env":"' || CASE WHEN n % 2 = 0 THEN 'prod' ELSE 'test' END || '"}', 'UTF8'), CASE WHEN n = 2 THEN 77 END, '{}'
    FROM (SELECT n, TIMESTAMPTZ '2026-10-25 10:00+00' + n * INTERVAL '1 day' AS t FROM generate_series(1, 12) n) x;
INSERT INTO hakmem.finding(run, month, number, fingerprint, code, name, headline, place, count, address, report)
    SELECT run, month, 0, 'HKM-202:5f0c1d9e22ab4471', 202, 'double-free', 'hakmem: HKM-202 double-free', 'close server.c:88', 1, 4096 + run,
    convert_to(E'hakmem: HKM-202 double-free\n  report ' || run || E'\n', 'UTF8') FROM hakmem.run WHERE run <= 6;
INSERT INTO hakmem.finding(run, month, number, fingerprint, code, name, headline, place, count, address, report)
    SELECT run, month, 1, 'HKM-401:0000000000000001', 401, 'leak', 'leak of 10 blocks', 'open server.c:12', 10, NULL, 'a leak' FROM hakmem.run WHERE run >= 5;
INSERT INTO hakmem.capture_end(capture, part_count, row_count, byte_count) VALUES(77, 1, 1, 1);
