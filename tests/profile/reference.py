"""A second, simple way to the numbers of `top` and `heap`, from `events --json` alone, and a comparison with them.

    reference.py HAKMEM_TRACE STORE [MOMENTS [SPANS]]

Follows the rules of docs/specs/top.md event by event with dictionaries. MOMENTS (50) moments over the log are asked, the peak
among them, and SPANS (10) spans. Prints each difference; the status is 1 when there is one.
"""
import collections
import json
import subprocess
import sys

CALLS = ('MALLOC', 'REALLOC', 'FREE', 'REALLOC_FROM')


def ask(tool, *words):
    result = subprocess.run([tool, *words], stdout=subprocess.PIPE, check=False)
    if result.returncode not in (0, 4):
        raise SystemExit(f'{" ".join(words)}: status {result.returncode}')
    return result.stdout.decode()


def events(tool, store, *options):
    """The events of `events --json`, one by one: each stands on a line of its own."""
    with subprocess.Popen([tool, 'events', '-s', store, '--json', *options], stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            line = line.strip()
            if line.startswith(b'{"id"'):
                yield json.loads(line.rstrip(b','))


Call = collections.namedtuple('Call', 'id ns kind process thread base size class_index is_in_place stack')


class Life:
    __slots__ = ('stack', 'size', 'ns', 'birth', 'thread', 'owner', 'class_index')

    def __init__(self, stack, size, ns, birth, thread, owner, class_index):
        self.stack, self.size, self.ns, self.birth = stack, size, ns, birth
        self.thread, self.owner, self.class_index = thread, owner, class_index


def add(table, key, blocks, size):
    entry = table.setdefault(key, [0, 0])
    entry[0] += blocks
    entry[1] += size


class Process:
    def __init__(self, parent, fork, has_ended):
        self.parent, self.fork, self.has_ended = parent, fork, has_ended
        self.first = self.last = 0
        self.held = {}
        self.state = 'none'


class Reference:
    """What is held, and what came and went, by stack; `forget` begins a span."""

    def __init__(self, tool, store):
        self.tool, self.store = tool, store
        self.processes = {}
        rows = json.loads(ask(tool, 'sql', '-s', store, '--json',
                              'select p.id, coalesce(q.id, 0), p.fork_event, p.end_kind from process p'
                              ' left join process q on q.id = p.parent and q.session = p.session and q.id <> p.id'))
        for number, parent, fork, end in rows['results'][0]['rows']:
            self.processes[number] = Process(parent, fork, end != 0)
        self.calls = []
        self.last = 0
        for e in events(tool, store):
            p = self.processes[e['process']]
            p.first = p.first or e['id']
            p.last = self.last = e['id']
            if e['kind'] in CALLS and not e['illegal'] and e['base']:
                self.calls.append(Call(e['id'], e['ns'], e['kind'], e['process'], e['thread']['id'], e['base'], e['size'],
                                       e['class'], e['place'] == 'program', e['stack']))
        self.allocations = {}
        self.live = [0, 0]
        self.peak = (0, 0, 0)  # bytes, blocks, event
        self.forget()

    def forget(self):
        self.came, self.went, self.brief = {}, {}, {}
        self.before = self.by_stack()
        self.unknown = [0, 0]

    def running(self):
        return [p for p in self.processes.values() if p.state == 'running']

    def by(self, key):
        table = {}
        for p in self.running():
            for life in p.held.values():
                add(table, key(life), 1, life.size)
        return table

    def by_stack(self):
        return self.by(lambda life: life.stack)

    def total(self):
        return [sum(len(p.held) for p in self.running()), sum(life.size for p in self.running() for life in p.held.values())]

    def change(self, blocks, size):
        self.live[0] += blocks
        self.live[1] += size

    def look(self, event):
        if self.live[1] > self.peak[0]:
            self.peak = (self.live[1], self.live[0], event)

    def before_event(self, event, is_call=False):
        """Forks, ends and first events that come before the event with this id, a call or one that has happened."""
        turns = []
        for number, p in self.processes.items():
            if not p.first:
                continue
            if p.parent and p.state == 'none':
                fork = p.fork if p.fork and p.fork < p.first else p.first - 1
                if fork < event:
                    turns.append((fork + 1, 0, number))
            if p.has_ended and p.state != 'ended' and p.last < event:
                turns.append((p.last + 1, 1, number))
            if p.state in ('none', 'forked') and p.first <= event:
                turns.append((p.first, 2, number))
        for at, what, number in sorted(turns):
            p = self.processes[number]
            if what == 0:
                parent = self.processes.get(p.parent)
                if parent and parent.state in ('running', 'forked'):
                    p.held = {base: Life(x.stack, x.size, x.ns, x.birth, x.thread, x.owner, x.class_index)
                              for base, x in parent.held.items()}
                    p.state = 'forked'
            elif what == 1:
                if p.state == 'running':
                    self.change(-len(p.held), -sum(x.size for x in p.held.values()))
                p.left, p.held, p.state = p.held, {}, 'ended'
            elif p.state in ('none', 'forked'):
                p.state = 'running'
                self.change(len(p.held), sum(x.size for x in p.held.values()))
                if at < event or not is_call:
                    self.look(at)

    def boundaries(self):
        found = set()
        for p in self.processes.values():
            if p.first:
                found.update((p.first, p.last + 1, p.fork + 1))
        return found

    def end(self, e, p, is_seen):
        life = p.held.pop(e.base)
        add(self.went, life.stack, 1, life.size)
        self.change(-1, -life.size)
        if is_seen and life.birth and life.owner == e.process and self.allocations[life.thread] == life.birth:
            add(self.brief, life.stack, 1, life.size)

    def take(self, e):
        p = self.processes[e.process]
        if p.state != 'running':
            raise SystemExit(f'event {e.id} of a process that does not run')
        if e.kind in ('FREE', 'REALLOC_FROM'):
            if e.base in p.held:
                self.end(e, p, True)
            else:
                self.unknown[0] += 1
                self.unknown[1] += e.size
            return
        is_in_place = e.kind == 'REALLOC' and e.is_in_place
        if is_in_place and e.base in p.held:
            life = p.held[e.base]
            if e.size > life.size:
                add(self.came, life.stack, 0, e.size - life.size)
            else:
                add(self.went, life.stack, 0, life.size - e.size)
            self.change(0, e.size - life.size)
            life.size, life.class_index = e.size, e.class_index
        else:
            if e.base in p.held:
                self.end(e, p, False)
            birth = 0
            if not is_in_place:
                birth = self.allocations[e.thread] = self.allocations.get(e.thread, 0) + 1
            stack = 0 if is_in_place else e.stack
            p.held[e.base] = Life(stack, e.size, e.ns, birth, e.thread, e.process, e.class_index)
            add(self.came, stack, 1, e.size)
            self.change(1, e.size)
        self.look(e.id)

    def run(self, stops):
        """Yields each of the sorted ids `stops` when the log has come so far."""
        boundaries = sorted(self.boundaries(), reverse=True)
        at = 0
        for e in self.calls:
            while at < len(stops) and stops[at] < e.id:
                self.before_event(stops[at])
                yield stops[at]
                at += 1
            while boundaries and boundaries[-1] <= e.id:
                boundary = boundaries.pop()
                self.before_event(boundary, boundary == e.id)
            self.take(e)
        while at < len(stops):
            self.before_event(stops[at])
            yield stops[at]
            at += 1


class Comparison:
    def __init__(self, tool, store):
        self.tool, self.store, self.wrong, self.compared, self.asked = tool, store, 0, 0, 0

    def top(self, *options):
        """Out of the stored profile or, with a number of calls for short lives, out of the events: now one, now the other."""
        self.asked += 1
        way = ['--short-lived', '1'] if self.asked % 2 else []
        return json.loads(ask(self.tool, 'top', '-s', self.store, '--json', '--limit', '0', *way, *options))

    def same(self, what, found, due):
        self.compared += 1
        if found != due:
            self.wrong += 1
            print(f'{what}: {found} where {due} was due')

    def table(self, what, rows, blocks, size, due):
        found = {row['stack']: [row['self'][blocks], row['self'][size]] for row in rows}
        found = {stack: pair for stack, pair in found.items() if pair != [0, 0]}
        due = {stack: pair for stack, pair in due.items() if pair != [0, 0]}
        self.compared += len(due)
        if found != due:
            keys = [k for k in sorted(set(found) | set(due)) if found.get(k) != due.get(k)]
            self.wrong += 1
            print(f'{what}: {len(keys)} stacks differ, first {keys[0]}: {found.get(keys[0])} where {due.get(keys[0])} was due')

    def moment(self, name, due, *options):
        answer = self.top('--per', 'stack', *options)
        self.table(name, answer['rows'], 'live_blocks', 'live_bytes', due)
        total = [sum(x[0] for x in due.values()), sum(x[1] for x in due.values())]
        self.same(f'{name}, total', [answer['total']['live_blocks'], answer['total']['live_bytes']], total)
        return answer

    def tree(self, name, *options):
        """Children and the node's own are the node, to the byte."""
        answer = self.top('--tree', *options)
        waiting = [answer['callees']]
        while waiting:
            node = waiting.pop()
            for key in ('live_blocks', 'live_bytes'):
                parts = node['self'][key] + node['others'][key] + sum(c['total'][key] for c in node['children'])
                self.same(f'{name}, {node.get("function")}, {key}', parts, node['total'][key])
            waiting += node['children']
        self.same(f'{name}, total', answer['callees']['total'], answer['total'])


def size_key(size):
    return 0 if size < 2 else (size - 1).bit_length()


def main():
    tool, store = sys.argv[1:3]
    moments = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    spans = int(sys.argv[4]) if len(sys.argv) > 4 else 10
    c = Comparison(tool, store)
    r = Reference(tool, store)
    last = r.last
    stops = sorted({max(1, last * i // moments) for i in range(1, moments)} | {1, last})
    for stop in r.run(stops):
        c.moment(f'event {stop}', r.by_stack(), '--at', f'#{stop}')
        if stop in stops[::10]:
            c.tree(f'tree at {stop}', '--at', f'#{stop}')
            sizes = c.top('--per', 'size', '--at', f'#{stop}')
            found = sorted((row['self']['live_blocks'], row['self']['live_bytes']) for row in sizes['rows'])
            due = sorted(tuple(x) for x in r.by(lambda life: size_key(life.size)).values())
            c.same(f'sizes at {stop}', found, due)
    peak = r.peak
    for p in r.processes.values():  # at the end each process has what it held at its own
        p.held, p.state = p.left if p.state == 'ended' else p.held, 'running' if p.first else p.state
    c.moment('the end', r.by_stack(), '--at', 'end')

    r = Reference(tool, store)
    for stop in r.run([peak[2]]):
        for _ in range(2):
            answer = c.moment('the peak', r.by_stack(), '--at', 'peak')
        c.same('the peak', [answer['at']['event'], answer['total']['live_bytes'], answer['total']['live_blocks']],
               [peak[2], peak[0], peak[1]])
    if not peak[2]:
        c.same('no peak', c.top()['total']['live_bytes'], 0)

    r = Reference(tool, store)
    edges = sorted({max(1, last * i // (spans + 1)) for i in range(1, spans + 2)})
    begin = 0
    for stop in r.run(edges):
        name = f'from {begin} to {stop}'
        answer = c.top('--per', 'stack', '--by', 'calls', '--between', f'#{begin}' if begin else 'start', f'#{stop}')
        for blocks, size, due in (('allocated_blocks', 'allocated_bytes', r.came), ('freed_blocks', 'freed_bytes', r.went),
                                  ('short_lived_blocks', 'short_lived_bytes', r.brief), ('live_blocks', 'live_bytes', r.by_stack())):
            c.table(f'{name}, {blocks}', answer['rows'], blocks, size, due)
        live = r.by_stack()
        grown = {k: [live.get(k, [0, 0])[i] - r.before.get(k, [0, 0])[i] for i in (0, 1)] for k in set(live) | set(r.before)}
        c.table(f'{name}, grown', answer['rows'], 'grown_blocks', 'grown_bytes', grown)
        c.same(f'{name}, unknown', answer['unknown_blocks'], r.unknown[0])
        begin = stop
        r.forget()
    print(f'{store}: {last:,} events, {len(stops)} moments, {len(edges)} spans, {c.compared:,} numbers compared, {c.wrong} differ')
    return 1 if c.wrong else 0


if __name__ == '__main__':
    sys.exit(main())
