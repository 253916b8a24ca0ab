# Classes, closures, generators, exceptions, subprocesses and threads in Python: `classes.py ROUNDS`.
# Its output depends on nothing but ROUNDS.
import collections
import hashlib
import itertools
import subprocess
import sys
import threading
import weakref

rounds = int(sys.argv[1])
digest = hashlib.sha256()
gone = collections.Counter()


class Node:
    def __init__(self, key, *children):
        self.key, self.children, self.parent = key, children, None
        for child in children:
            child.parent = self
        weakref.finalize(self, gone.update, ("node",))

    def walk(self):
        yield self.key
        for child in self.children:
            yield from child.walk()


class Strange(Exception):
    def __init__(self, node):
        super().__init__(f"strange {node.key}")
        self.node = node


def make(depth, key=1):
    return Node(key, *(make(depth - 1, key * 3 + i) for i in range(3))) if depth else Node(key)


for turn in range(rounds):
    tree = make(6)
    digest.update(",".join(map(str, tree.walk())).encode())
    kind = type(f"Kind{turn}", (Node,), {"walk": lambda self: iter((self.key, turn))})
    digest.update(repr(list(kind(turn).walk())).encode())
    try:
        raise Strange(tree)
    except Strange as error:
        digest.update(str(error).encode())
    table = {str(n): [n] * (n % 50) for n in range(3000)}
    for key in list(itertools.islice(table, 0, None, 3)):
        del table[key]
    digest.update(str(sum(map(len, table.values()))).encode())

results = [None] * 4


def work(place):
    results[place] = hashlib.sha256(repr(sorted(range(20000), key=lambda n: n * 7919 % 20011)).encode()).hexdigest()


threads = [threading.Thread(target=work, args=(place,)) for place in range(len(results))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
digest.update("".join(results).encode())
for status in (0, 3):
    child = subprocess.run([sys.executable, "-c", f"import sys; print(list(range(9))); sys.exit({status})"], stdout=subprocess.PIPE, check=False)
    digest.update(child.stdout + bytes([child.returncode]))
print(digest.hexdigest(), gone["node"] > 0)
