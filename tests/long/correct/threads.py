# Threads, an executor, and compression that leaves the interpreter's lock, in CPython: `python3 threads.py`. Its output depends on nothing else.
import hashlib
import json
import queue
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

rows = [{"n": n, "list": [str(k) for k in range(n % 20)]} for n in range(600)]
items, results = queue.Queue(), queue.Queue()


def work():
    while (number := items.get()) is not None:
        text = json.dumps(rows[number:]).encode()
        results.put((number, len(zlib.decompress(zlib.compress(text, 1))), hashlib.sha1(text).hexdigest()[:8]))


threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[items.put(number) for number in range(0, 600, 16)]
[items.put(None) for _ in threads]
[thread.join() for thread in threads]
for result in sorted(results.queue):
    print(*result)
with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(lambda n: len(str(n) * n), range(2000))))
local = threading.local()


def short(number):
    local.rows = [str(number)] * 100
    results.put(len(local.rows))


for number in range(40):
    thread = threading.Thread(target=short, args=(number,))
    thread.start()
    if number % 4 == 3:
        thread.join()
