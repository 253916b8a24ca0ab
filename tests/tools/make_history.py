# A history of N commits as `git fast-import` reads it, the same every time: `make_history.py N`.
import sys

commits = int(sys.argv[1])
out = sys.stdout.buffer
state = 1


def draw(below):
    global state
    state = (state * 1103515245 + 12345) % 2**31
    return (state >> 8) % below


def data(content):
    out.write(b"data %d\n%s\n" % (len(content), content))


files = {}
for number in range(1, commits + 1):
    out.write(b"commit refs/heads/main\nmark :%d\n" % number)
    out.write(b"committer A Name <a@example.org> %d +0000\n" % (1000000000 + 60 * number))
    data(b"change %d\n\n%s" % (number, b"because of this. " * draw(20)))
    for _ in range(1 + draw(3)):
        name = b"part%d/file%d.txt" % (draw(8), draw(12))
        lines = files.setdefault(name, [b"first line of " + name])
        for _ in range(1 + draw(12)):
            lines.insert(draw(len(lines) + 1), b"line %d of commit %d: %d" % (draw(1000), number, draw(2**30)))
        if len(lines) > 20:
            del lines[draw(len(lines) - 5) :][:3]
        content = b"\n".join(lines) + b"\n"
        out.write(b"M 100644 inline %s\n" % name)
        data(content)
    if number % 100 == 0:
        out.write(b"reset refs/tags/v%d\nfrom :%d\n\n" % (number // 100, number))
