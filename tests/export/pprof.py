"""A profile of `export pprof`, decoded by protoc: whole, its references right, its sums those of `top`."""
import os
import subprocess

from readers import SOURCE, ask, by_function, decode, fail, gunzip, same, top, visible

PROTO = os.path.join(SOURCE, "viewer/export/pprof.proto")
TYPES = [("alloc_objects", "count", "allocated_blocks"), ("alloc_space", "bytes", "allocated_bytes"),
         ("inuse_objects", "count", "live_blocks"), ("inuse_space", "bytes", "live_bytes"),
         ("short_lived_objects", "count", "short_lived_blocks"), ("short_lived_space", "bytes", "short_lived_bytes"),
         ("grown_objects", "count", "grown_blocks"), ("grown_space", "bytes", "grown_bytes")]


class Profile:
    def __init__(self, data):
        self.all = decode(PROTO, "hakmem.pprof.Profile", gunzip(data))
        self.text = self.all["string_table"]
        same("the first string", self.text[0], "")
        same("strings that are there twice", len(self.text) - len(set(self.text)), 0)
        self.types = [(self.text[t["type_text"][0]], self.text[t["unit_text"][0]]) for t in self.all["sample_type"]]
        self.functions = self.numbered("function")
        self.mappings = self.numbered("mapping")
        self.locations = self.numbered("location")

    def numbered(self, field):
        rows = {row["id"][0]: row for row in self.all.get(field, [])}
        same(f"{field}s with the same id", len(self.all.get(field, [])) - len(rows), 0)
        return rows

    def words(self, row, field):
        return self.text[row.get(field, [0])[0]]

    def lines(self, location):
        return [self.words(self.functions[line["function_id"][0]], "name_text") for line in location["line"]]

    def stack(self, sample):
        """Functions, innermost first."""
        return [name for number in numbers(sample["location_id"]) for name in self.lines(self.locations[number])]

    def sums(self, at):
        """By innermost function."""
        sums = {}
        for sample in self.all.get("sample", []):
            value = numbers(sample["value"])[at]
            if value:
                name = visible(self.stack(sample)[0])
                sums[name] = sums.get(name, 0) + value
        return {name: value for name, value in sums.items() if value}


def numbers(value):
    return value if isinstance(value, list) else [value]


def build_id(path):
    notes = subprocess.run(["readelf", "-n", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    found = [line.split()[-1] for line in notes.splitlines() if "Build ID" in line]
    return found[0] if found else ""


def check_code(profile, program):
    """Addresses lie in their mappings, whose files have these build ids; the program is the first."""
    first = profile.all["mapping"][0]
    if program:
        same("the first mapping", os.path.basename(profile.words(first, "filename_text")), program)
    for mapping in profile.mappings.values():
        path = profile.words(mapping, "filename_text")
        if os.path.exists(path):
            same("build id of " + path, profile.words(mapping, "build_id_text"), build_id(path))
    inlined = 0
    for location in profile.locations.values():
        inlined += len(location["line"]) > 1
        if "mapping_id" in location:
            mapping = profile.mappings[location["mapping_id"][0]]
            if not mapping["memory_start"][0] <= location["address"][0] < mapping["memory_limit"][0]:
                fail("an address outside of its mapping:", location, mapping)
    return inlined


def check(store, program=None):
    variants = [["--at", "end"], ["--process", "#1"], ["--all"]]
    if os.environ.get("FULL") != "1":  # one of them for each store
        variants = [variants[len(store) % 3]]
    for words in ([], *variants):
        profile = Profile(ask("export", "pprof", "-s", store, *words))
        same("sample types", profile.types, [t[:2] for t in TYPES[:6]])
        same("shown first", profile.words(profile.all, "default_sample_type_text"), "inuse_space")
        at = words if "--at" in words else ["--at", "peak", *words]
        moment, whole = top(store, *words), top(store, "--by", "calls", *at)
        for i, (name, _, member) in enumerate(TYPES[:6]):
            document = moment if name.startswith("inuse") else whole
            same(f"{store} {words} {name}", profile.sums(i), by_function(document, member))
            same(f"{store} {words} {name}, total", sum(profile.sums(i).values()), document["total"][member])
        if not words:
            check_code(profile, program)
    profile = Profile(ask("export", "pprof", "-s", store, "--between", "peak", "end"))
    span = top(store, "--between", "peak", "end")
    same("sample types of a span", profile.types, [t[:2] for t in TYPES])
    for i, (name, _, member) in enumerate(TYPES):
        same(f"{store} span {name}", profile.sums(i), by_function(span, member))
    same("shown first of a span", profile.words(profile.all, "default_sample_type_text"), "grown_space")
    if not profile.all["time_nanos"][0] > 1.6e18:
        fail("time_nanos:", profile.all["time_nanos"])


if __name__ == "__main__":
    import sys
    check(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
