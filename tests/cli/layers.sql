-- Counters as a worker puts them: two snapshots of stale.db's process and its last one. They agree
-- with its four mallocs. As rows with their names, as a view of a store gives them.
DROP VIEW metric;
CREATE TABLE metric(id INTEGER PRIMARY KEY, ns INTEGER, process INTEGER, name TEXT, class INTEGER, value REAL);
INSERT INTO metric(ns, process, name, class, value) VALUES
 (950000000, 1, 'snapshot.since', 255, 900000000), (1010000000, 1, 'snapshot.since', 255, 980000000),
 (1080000000, 1, 'snapshot.since', 255, 1010000000),
 (950000000, 1, 'served.FRONT', 4, 2), (950000000, 1, 'PAGES_MAP.times', 255, 3),
 (950000000, 1, 'PAGES_MAP.amount', 255, 2101248), (950000000, 1, 'SUPERSLAB_MAP.times', 255, 1),
 (950000000, 1, 'SUPERSLAB_MAP.amount', 255, 2097152), (950000000, 1, 'SLAB_ACQUIRE.times', 4, 1),
 (950000000, 1, 'SLAB_ACQUIRE.amount', 4, 64), (950000000, 1, 'SLAB_LOOK.times', 4, 1),
 (950000000, 1, 'SLAB_LOOK.amount', 4, 1), (950000000, 1, 'A_LAYER_OF_TOMORROW.times', 4, 9),
 (1010000000, 1, 'served.FRONT', 4, 3), (1010000000, 1, 'given.FRONT', 4, 1),
 (1080000000, 1, 'given.FRONT', 4, 4), (1080000000, 1, 'FRONT_SPILL.blocks', 4, 1),
 (1080000000, 1, 'FRONT_SPILL.runs', 4, 1), (1080000000, 1, 'FRONT_REFILL.blocks', 4, 1),
 (1080000000, 1, 'FRONT_REFILL.runs', 4, 1), (1080000000, 1, 'served.SLAB', 4, 1),
 (1080000000, 1, 'SLAB_LOOK.times', 4, 2), (1080000000, 1, 'SLAB_LOOK.amount', 4, 4),
 (1080000000, 1, 'PAGES_UNMAP.times', 255, 1), (1080000000, 1, 'PAGES_UNMAP.amount', 255, 4096),
 (1080000000, 1, 'snapshot.end', 255, 1);
