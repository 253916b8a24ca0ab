# JSON, regular expressions, big numbers, XML, compression, classes and generators in CPython: `python3 work.py`. Its output depends on nothing else.
import collections
import decimal
import hashlib
import io
import json
import re
import sys
import xml.etree.ElementTree as tree
import zlib

rows = [{"n": n, "list": [str(k) for k in range(n % 20)], "text": "row %d é" % n} for n in range(4000)]
text = json.dumps(rows, indent=1)
print(len(text), len(json.loads(text)), hashlib.sha256(text.encode()).hexdigest()[:16])
print(len(re.findall(r'"(\w+) (\d+) (?:\\u00e9)"', text)), len(re.sub(r"\d+", lambda m: str(int(m[0]) * 7), text)))
print(sum(map(int, str(3**2000))), decimal.Decimal(2).sqrt(decimal.Context(prec=60)))
root = tree.Element("rows")
for row in rows[:400]:
    element = tree.SubElement(root, "row", n=str(row["n"]))
    element.text = row["text"]
written = tree.tostring(root)
print(len(written), len(tree.parse(io.BytesIO(written)).findall("row[@n='7']")))
packed = zlib.compress(text.encode(), 6)
print(zlib.crc32(zlib.decompress(packed)))
Point = collections.namedtuple("Point", "x y")
points = sorted((Point(n * 7919 % 1009, n) for n in range(30000)), key=lambda p: (p.x, -p.y))
print(points[:3], collections.Counter(p.x % 7 for p in points).most_common(2))


class Node:
    def __init__(self, value, left=None, right=None):
        self.value, self.left, self.right = value, left, right

    def __iter__(self):
        for child in (self.left, self.right):
            if child:
                yield from child
        yield self.value


def build(depth):
    return Node(depth, build(depth - 1), build(depth - 1)) if depth else None


print(sum(build(14)))
try:
    json.loads("[1, 2")
except ValueError as error:
    print(error)
sys.stderr.write("on stderr\n")
sys.exit(3)
