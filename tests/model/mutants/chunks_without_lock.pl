# The pool of chunks is used without its lock.
# scenario: cross
# file: src/front/chunks.c
# says: a race
s/(static void fetch_spares.*?\n)\s*hak_lock\(&hak_chunks_lock\);(.*?)\s*hak_unlock\(&hak_chunks_lock\);/$1$2/s;
