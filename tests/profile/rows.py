"""What the stored profile says, beside what the events say one by one: rows.py BUILD STORE MOMENTS [SEED].

The events come from the reference decoder, which shares no code with hakmem; the rules are those of
docs/specs/profile.md, with a dictionary of lives for each process. Asks for MOMENTS spans, half of them from the beginning, the end among
them, of 20 and more also what was live at the peaks. Prints the first differences; status 1 when there is one.
"""
import random
import sqlite3
import subprocess
import sys

build, store, moments = sys.argv[1], sys.argv[2], int(sys.argv[3])
draw = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
MALLOC, FREE, REALLOC, REALLOC_FROM, FORK, LIVE, ILLEGAL = 1, 2, 3, 4, 100, 5, 2

db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
number = dict(db.execute("SELECT id, number FROM thread"))
session = dict(db.execute("SELECT id, session FROM process"))
origin = {p: (parent, fork) for p, parent, fork in db.execute("SELECT id, parent, fork_event FROM process")
          if parent != p and session.get(parent) == session[p]}
last = db.execute("SELECT max(id + events - 1) FROM chunk").fetchone()[0] or 0
db.close()


class Process:
    def __init__(self):
        self.lives = {}  # base: [key, size, birth, thread, is inherited]
        self.live = self.peak = self.peak_at = self.unknown = 0


class Model:
    """The heap of all processes, event by event."""

    def __init__(self, spans):
        self.processes, self.rows, self.last_birth, self.forked = {}, {}, {}, {}
        self.spans = sorted(spans)
        self.start = {}  # span: rows when it began, and the peaks since
        self.answers = {}
        self.stops = sorted({stop for span in spans for stop in span[:2]})
        self.children = {}
        for child, (parent, fork) in origin.items():
            self.children.setdefault(fork, []).append((child, parent))

    def row(self, process, key):
        return self.rows.setdefault((process,) + key, [0] * 10)  # live, came, went, brief, inherited

    def stop(self, event):
        for span in self.spans:
            if span[0] == event:
                self.start[span] = ({k: tuple(r) for k, r in self.rows.items()},
                                    {n: [p.live, p.live, 0, p.unknown] for n, p in self.processes.items()})
            if span[1] == event:
                self.answers[span] = self.answer(span)

    def answer(self, span):
        rows, peaks = self.start.pop(span)
        found = set()
        for key, now in self.rows.items():
            then = rows.get(key, (0,) * 10)
            change = [a - b for a, b in zip(now, then)]
            if span[2] in (0, key[0]) and (any(then[:2]) or any(change[2:])):
                found.add("row {} {} {} before {} {} inherited {} {} came {} {} went {} {} brief {} {} live {} {}".format(
                    *key, *then[:2], *change[8:], *change[2:8], *now[:2]))
        for n, p in self.processes.items():
            peak = peaks.get(n, [0, 0, 0, 0])
            if span[2] in (0, n):
                found.add(f"process {n} live {p.live} peak {peak[1]} {peak[2]} unknown {p.unknown - peak[3]}")
        return found

    def look(self, n, event):
        live = self.processes[n].live
        for _, peaks in self.start.values():
            peak = peaks.setdefault(n, [0, 0, 0, 0])
            if live > peak[1]:
                peak[1], peak[2] = live, event
        p = self.processes[n]
        if live > p.peak:
            p.peak, p.peak_at = live, event

    def begin(self, n, event):
        p = self.processes[n] = Process()
        if n not in origin:
            return
        parent, fork = origin[n]
        lives = self.forked.pop(n, {}) if fork else getattr(self.processes.get(parent), "lives", {})
        p.lives = {base: life[:4] + [True] for base, life in lives.items()}
        for key, size, *_ in p.lives.values():
            row = self.row(n, key)
            row[0] += 1
            row[1] += size
            row[8] += 1
            row[9] += size
            p.live += size
        self.look(n, event)

    def change(self, n, key, blocks, size, brief=False):
        row = self.row(n, key)
        row[0] += blocks
        row[1] += size
        self.processes[n].live += size
        is_gain = blocks > 0 or (blocks == 0 and size > 0)
        at = 2 if is_gain else 4
        row[at] += abs(blocks)
        row[at + 1] += abs(size)
        if brief:
            row[6] += 1
            row[7] -= size

    def take(self, event, n, thread, kind, base, size, place, stack, flags):
        if n not in self.processes:
            self.begin(n, event)
        p = self.processes[n]
        if kind == FORK:
            for child, parent in self.children.get(event, ()):
                if parent == n:
                    self.forked[child] = {b: list(life) for b, life in p.lives.items()}
        if kind > REALLOC_FROM or flags & ILLEGAL or not base:
            return
        life = p.lives.get(base)
        if kind in (FREE, REALLOC_FROM):
            if not life:
                p.unknown += 1
                return
            brief = not life[4] and life[3] and self.last_birth[life[3]] == life[2]
            self.change(n, life[0], -1, -life[1], brief)
            del p.lives[base]
        elif kind == REALLOC and place == LIVE:
            if not life:
                life = p.lives[base] = [(0, 0), 0, event, 0, False]
                self.row(n, (0, 0))
                self.change(n, (0, 0), 1, size)
            elif size != life[1]:
                self.change(n, life[0], 0, size - life[1])
            life[1] = size
        else:
            if life:
                self.change(n, life[0], -1, -life[1])
            key = (min(number.get(thread, 0), 64), stack)
            p.lives[base] = [key, size, event, thread, False]
            self.last_birth[thread] = event
            self.change(n, key, 1, size)
        self.look(n, event)


def events():
    with subprocess.Popen([f"{build}/tests/tools/reference_decoder", store], stdout=subprocess.PIPE, text=True) as dump:
        next(dump.stdout)
        for line in dump.stdout:
            f = line.split("\t")
            yield int(f[0]), int(f[2]), int(f[3]), int(f[5]), int(f[7]), int(f[8]), int(f[11]), int(f[13]), int(f[15])
    if dump.returncode:
        sys.exit(f"the reference decoder ended with {dump.returncode}")


def run(spans):
    model = Model(spans)
    stops = model.stops
    at = 0
    for event in events():
        while at < len(stops) and stops[at] < event[0]:
            model.stop(stops[at])
            at += 1
        model.take(*event)
    for stop in stops[at:]:
        model.stop(stop)
    return model


spans = [(0, last, 0)]
while len(spans) < moments:
    end = draw.randint(1, last)
    spans.append((draw.choice((0, draw.randrange(end))), end, draw.choice((0, 0, draw.choice(list(session))))))
spans = list(dict.fromkeys(spans))
model = run(spans)
due = model.answers
if moments >= 20:  # a second pass
    due |= run([(0, p.peak_at, n) for n, p in sorted(model.processes.items())[:5] if p.peak_at]).answers
said = subprocess.run([f"{build}/tests/format/dump_store", "--heap", store], text=True, stdout=subprocess.PIPE, check=True,
                      input="".join("{} {} {}\n".format(*span) for span in due)).stdout
answers, read, wrong = {}, 0, 0
for line in said.splitlines():
    word = line.split(" ")
    if word[0] == "span":
        span = (int(word[1]), int(word[2]), int(word[3]))
        answers[span] = set()
        if word[4] != "answered":
            answers[span] = {line}
    elif word[0] == "events_read":
        read += int(word[1])
    else:
        answers[span].add(line)
for span, rows in due.items():
    if answers.get(span) != rows:
        wrong += 1
        if wrong < 4:
            print(f"{span}: the profile says, and the events do not:", *sorted(answers.get(span, set()) - rows)[:5], sep="\n  ")
            print(f"{span}: the events say, and the profile does not:", *sorted(rows - answers.get(span, set()))[:5], sep="\n  ")
print(f"{last} events, {len(model.processes)} processes, {len(due)} spans, {sum(map(len, due.values()))} rows, {read} events read: {wrong} wrong")
sys.exit(wrong > 0)
