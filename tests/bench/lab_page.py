"""Makes the page of the lab out of its figures: one table of what each switch does, and one of all times.

An effect on time is measurable where it is beyond three standard errors of the work's own scatter, beyond what nine
of ten neighbouring runs without a switch differ by, and beyond 1 %. Instructions are exact: 1 % is an effect. Page
faults must go beyond all that runs without the switch had; of hits, one point is an effect.
"""
import math
import statistics

FRESH_BASE = 2  # lines between two runs without a switch
# Layers that a malloc finds in its thread's own hands.
OWN = ("FRONT", "ULTRAHOT", "HEAPV2", "FC", "SFC", "SMALLMID", "RING", "MAGAZINE", "MID_RING", "BELOW", "SLL", "MID_LIFO", "BIGCACHE")
SHOWN = 8  # works with an effect that a switch shows, the strongest first


def base_key(name, context, place, number):
    return ("base", name, f"{dict(context)} {place}", number)


def failed(value):
    return value is None or "failed" in value


class Figures:
    def __init__(self, known, lines, rounds):
        self.known, self.rounds = known, rounds
        self.place = {}  # line -> its context and its place among the lines of that context
        for line in lines:
            context = tuple(sorted(line.context.items()))
            place = sum(1 for _, (other, _) in self.place.items() if other == context)
            self.place[line.name] = (context, place)

    def bases(self, name, line, number):
        context, place = self.place[line.name]
        keys = [base_key(name, context, place // FRESH_BASE + after, number) for after in (0, 1)]
        return [self.known.get(key) for key in keys]

    def why_failed(self, name, line):
        for number in range(self.rounds):
            value = self.known.get(("time", name, line.name, number))
            if value and "failed" in value:
                return value["failed"]
        for kind in ("served", "counted"):
            value = self.known.get((kind, name, line.name, 0))
            if value and "failed" in value:
                return f"{kind}: {value['failed']}"
        return None

    def ratios(self, name, line, column):
        """The line's figure over the mean of the two runs around it, round by round."""
        result = []
        for number in range(self.rounds):
            value, around = self.known.get(("time", name, line.name, number)), self.bases(name, line, number)
            if not failed(value) and not any(failed(base) for base in around):
                mean = sum(base[column] for base in around) / 2
                if mean > 0:
                    result.append(value[column] / mean)
        return result

    def time(self, name, line):
        seen = self.ratios(name, line, "cpu")
        return statistics.median(seen) if seen else None

    def noise(self, name):
        """What an effect on this work must be beyond, as a ratio minus one."""
        changes = []
        for key, value in self.known.items():
            if key[0] != "base" or key[1] != name or failed(value):
                continue
            context, place = key[2].rsplit(" ", 1)
            after = self.known.get(("base", name, f"{context} {int(place) + 1}", key[3]))
            if not failed(after):
                changes.append(abs(math.log(after["cpu"] / value["cpu"])))
        if len(changes) < 3:
            return None
        spread = 1.4826 * statistics.median(changes) * math.sqrt(1.5 / 2)
        seen = max(key[3] for key in self.known if key[0] == "base" and key[1] == name) + 1
        tail = sorted(changes)[int(0.9 * (len(changes) - 1))]  # a few runs are far off where threads wait for each other
        return max(0.01, tail, 3 * 1.25 * spread / math.sqrt(seen))

    def usual_faults(self, name):
        """The fewest and the most page faults of the runs without a switch."""
        seen = [value["faults"] for key, value in self.known.items() if key[0] == "base" and key[1] == name and not failed(value)]
        return (min(seen), max(seen)) if seen else (0, 0)

    def faults(self, name, line):
        """Page faults without and with, medians."""
        with_it, without = [], []
        for number in range(self.rounds):
            value, around = self.known.get(("time", name, line.name, number)), self.bases(name, line, number)
            if not failed(value) and not any(failed(base) for base in around):
                with_it.append(value["faults"])
                without += [base["faults"] for base in around]
        return (statistics.median(without), statistics.median(with_it)) if with_it else None

    def idle(self, name, line):
        """Resident KiB after the idle seconds of a burst, without and with."""
        value, around = self.known.get(("time", name, line.name, 0)), self.bases(name, line, 0)
        if failed(value) or any(failed(base) for base in around) or not value["own"]:
            return None
        return statistics.mean(base["own"][2] for base in around), value["own"][2]

    def pair(self, kind, name, line):
        context = sorted(line.context.items())
        both = [self.known.get((kind, name, who, 0)) for who in (f"{context}", line.name)]
        return None if any(failed(value) or not value for value in both) else both


def hits(served):
    total = sum(served.values())
    return 100 * sum(served.get(layer, 0) for layer in OWN) / total if total else 0


def told(served):
    """Who served, in per cent, those above one in a hundred."""
    total = sum(served.values())
    parts = sorted(((count * 100 / total, layer) for layer, count in served.items() if count * 100 > total), reverse=True)
    return ", ".join(f"{layer} {part:.0f}" for part, layer in parts)


def moved(before, after):
    """How many per cent of the mallocs another layer served."""
    shares = [{layer: 100 * count / sum(served.values()) for layer, count in served.items()} for served in (before, after)]
    return sum(abs(shares[1].get(layer, 0) - shares[0].get(layer, 0)) for layer in {*before, *after}) / 2


def effect(figures, name, line, noise):
    """One work under one switch: (strength, cells), or None where nothing changed."""
    time, limit = figures.time(name, line), noise.get(name)
    counted, served = figures.pair("counted", name, line), figures.pair("served", name, line)
    faults, idle = figures.faults(name, line), figures.idle(name, line)
    strength, cells = 0.0, ["", "", "", "", "", ""]
    is_slower = time is not None and limit is not None and abs(time - 1) > limit
    if time is not None:
        cells[0] = f"**{(time - 1) * 100:+.1f} %**" if is_slower else f"{(time - 1) * 100:+.1f} %"
    if counted:
        before, after = counted[0]["each"], counted[1]["each"]
        cells[1] = f"{before:.1f} -> {after:.1f}" if abs(after - before) >= 0.05 else f"{before:.1f}"
        strength = max(strength, abs(after / before - 1)) if abs(after / before - 1) > 0.01 else strength
    if served:
        before, after = hits(served[0]), hits(served[1])
        cells[2] = f"{before:.1f} -> {after:.1f}" if abs(after - before) >= 0.05 else f"{before:.1f}"
        cells[3] = told(served[1])
        if abs(after - before) >= 1 or moved(*served) >= 5:
            strength = max(strength, 0.005)
    if faults and max(faults) > 0:
        cells[4] = f"{faults[0]:,.0f} -> {faults[1]:,.0f}" if faults[0] != faults[1] else f"{faults[0]:,.0f}"
        least, most = figures.usual_faults(name)
        change = abs(faults[1] - faults[0])
        if change > 50 and change > 0.03 * faults[0] and not least <= faults[1] <= most:
            strength = max(strength, 0.1 * change / faults[0])
    if idle:
        cells[5] = f"{idle[0] / 1024:.0f} -> {idle[1] / 1024:.0f}"
        if abs(idle[1] / idle[0] - 1) > 0.03:
            strength = max(strength, abs(idle[1] / idle[0] - 1))
    if is_slower:
        strength = max(strength, abs(time - 1))
    return (strength, cells) if strength > 0 else None


def shown_context(line):
    return f" ({', '.join(f'{name}={value}' for name, value in line.context.items())} on both sides)" if line.context else ""


def effects_table(figures, lines, names, noise):
    yield "| switch | work | time | instructions an operation | served by own caches, % | with it: layers, % | page faults | MiB after idling |"
    yield "|---|---|---|---|---|---|---|---|"
    silent = []
    for line in lines:
        found = [(name, effect(figures, name, line, noise)) for name in names]
        broken = [(name, figures.why_failed(name, line)) for name in names if figures.why_failed(name, line)]
        found = sorted(((name, seen) for name, seen in found if seen), key=lambda item: -item[1][0])
        if not found and not broken:
            silent.append(line)
        title = f"`{line.name}`{shown_context(line)}"
        for name, why in broken:
            reason = " ".join(why.split()).replace("|", "/")
            yield f"| {title} | {name} | FAILED: {reason} | | | | | |"
            title = ""
        for name, (_, cells) in found[:SHOWN]:
            yield f"| {title} | {name} | " + " | ".join(cells) + " |"
            title = ""
        if len(found) > SHOWN:
            yield f"| | and {len(found) - SHOWN} more | | | | | | |"
    yield ""
    if silent:
        yield "No measurable effect on any work (the change of time nearest to one, in brackets what noise allows there; instructions unchanged):"
        yield ""
    for line in silent:
        times = [(abs(figures.time(name, line) - 1) / noise[name], name) for name in noise if figures.time(name, line)]
        if times:
            most, name = max(times)
            change = (figures.time(name, line) - 1) * 100
            yield f"- `{line.name}`{shown_context(line)}: {change:+.1f} % ({name}; {noise.get(name, 0) * 100:.1f} %), over {len(times)} works"


def times_table(figures, lines, names, noise):
    yield "| switch | " + " | ".join(names) + " |"
    yield "|---|" + "---|" * len(names)
    yield "| *noise allows* | " + " | ".join(f"{noise[name] * 100:.1f}" if noise.get(name) else "" for name in names) + " |"
    for line in lines:
        cells = []
        for name in names:
            time = figures.time(name, line)
            cell = "" if time is None else f"{(time - 1) * 100:+.1f}"
            cells.append(f"**{cell}**" if cell and noise.get(name) and abs(time - 1) > noise[name] else cell)
        yield f"| `{line.name}` | " + " | ".join(cells) + " |"


def profiles_table(figures, lines, names):
    """Time and peak memory of whole sets of variables."""
    chosen = [line for line in lines if line.name.startswith(("PROFILE=", "TINY_PRESET=", "ALLOC_LEARN=", "MEM_LEARN=", "both kinds"))]
    yield "| work | " + " | ".join(f"`{line.name}`" for line in chosen) + " |"
    yield "|---|" + "---|" * len(chosen)
    for name in names:
        cells = []
        for line in chosen:
            time, memory = figures.time(name, line), figures.ratios(name, line, "kib")
            cells.append(f"{(time - 1) * 100:+.1f} ({(statistics.median(memory) - 1) * 100:+.0f})" if time and memory else "")
        yield f"| {name} | " + " | ".join(cells) + " |"


def safety_table(figures, names):
    yield "| work | time: safe | BenchFast | safety costs | instructions: safe | BenchFast |"
    yield "|---|---|---|---|---|---|"
    for name in dict.fromkeys(key[1] for key in figures.known if key[0] == "safety"):
        costs, values = [], {"0": [], "1": []}
        for number in range(figures.rounds):
            seen = {part: figures.known.get(("safety", name, part, number)) for part in ("0 start", "0 whole", "1 start", "1 whole")}
            if not any(failed(value) for value in seen.values()):
                net = {mode: seen[f"{mode} whole"]["cpu"] - seen[f"{mode} start"]["cpu"] for mode in "01"}
                for mode in "01":
                    values[mode].append(net[mode])
                costs.append(net["0"] / net["1"] - 1 if net["1"] > 0 else math.nan)
        counted = [figures.known.get(("counted", name, who, 0)) for who in ("BENCH_FAST_MODE=0", "BENCH_FAST_MODE=1")]
        each = [f"{value['each']:.1f}" if value and not failed(value) else "-" for value in counted]
        if costs:
            times = [f"{statistics.median(values[mode]):.3f} s" for mode in "01"]
            yield f"| {name} | {times[0]} | {times[1]} | {statistics.median(costs) * 100:+.1f} % | {each[0]} | {each[1]} |"
        else:
            yield f"| {name} | FAILED | | | {each[0]} | {each[1]} |"


def page(known, lines, names, header, rounds):
    """The whole page as Markdown."""
    figures = Figures(known, lines, rounds)
    noise = {name: figures.noise(name) for name in names}
    noise = {name: limit for name, limit in noise.items() if limit}
    parts = [header, "", "## What each switch does", "", *effects_table(figures, lines, names, noise), ""]
    parts += ["## Profiles, presets and learning", "", "Change of CPU time in per cent, in brackets of the peak of resident memory.", ""]
    parts += [*profiles_table(figures, lines, names), ""]
    parts += ["## What safety costs", "", "`HAKMEM_BENCH_FAST_MODE=1` takes blocks from a pool made at start and checks nothing; its start is taken off.", ""]
    parts += [*safety_table(figures, names), "", "## All times", "", "Change of CPU time in per cent; bold: beyond the noise of that work.", ""]
    parts += [*times_table(figures, lines, names, noise), ""]
    return "\n".join(parts)
