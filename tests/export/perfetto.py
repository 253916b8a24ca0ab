"""A trace of `export perfetto`, decoded by protoc: what refers to something comes behind it, the sums are those of `top`, and the counters
reach the peak that `heap` says."""
import os
import sqlite3
import sys

from readers import SOURCE, ask, by_function, decode, fail, same, top, visible

PROTO = os.path.join(SOURCE, "viewer/export/perfetto.proto")
INTERNED = ("function_names", "frames", "callstacks", "build_ids", "mapping_paths", "source_paths", "mappings")


class Trace:
    def __init__(self, data):
        self.tables = {name: {} for name in INTERNED}
        self.tracks, self.counts, self.instants, self.samples = {}, {}, [], []
        self.has_ended = False
        self.pids = {}
        for number, packet in enumerate(decode(PROTO, "hakmem.perfetto.Trace", data)["packet"]):
            same("sequence", packet["trusted_packet_sequence_id"], [1])
            same("sequence_flags", packet["sequence_flags"], [1 if number == 0 else 2])
            for data_ in packet.get("interned_data", []):
                self.intern(data_)
            for track in packet.get("track_descriptor", []):
                self.add_track(track)
            for event in packet.get("track_event", []):
                self.add_event(packet["timestamp"][0], event)
            for profile in packet.get("profile_packet", []):
                self.add_profile(profile)
        if not self.samples or not self.has_ended:
            fail("the heap profile does not end")

    def intern(self, data):
        for name, rows in data.items():
            for row in rows:
                if row["iid"][0] in self.tables[name]:
                    fail("an iid that is there twice:", name, row)
                self.tables[name][row["iid"][0]] = row
                for field, table in (("function_name_id", "function_names"), ("mapping_id", "mappings"), ("source_path_iid", "source_paths"),
                                     ("frame_ids", "frames"), ("path_string_ids", "mapping_paths"), ("build_id", "build_ids")):
                    for iid in row.get(field, []):
                        if iid and iid not in self.tables[table]:
                            fail("an iid that is not there yet:", name, row)

    def add_track(self, track):
        if "parent_uuid" in track and track["parent_uuid"][0] not in self.tracks:
            fail("a track below one that is not there yet:", track)
        same("tracks with the same uuid", track["uuid"][0] in self.tracks, False)
        self.tracks[track["uuid"][0]] = track
        if "process" in track:
            pid = track["process"][0]["pid"][0]
            same("processes with the same pid", pid in self.pids, False)
            self.pids[pid] = track

    def add_event(self, ns, event):
        track = self.tracks[event["track_uuid"][0]]
        if event["type"][0] == "TYPE_COUNTER":
            self.counts.setdefault(event["track_uuid"][0], []).append((ns, event["counter_value"][0], track))
        else:
            same("the track of a mark is a process", "process" in track, True)
            self.instants.append((ns, event["name"][0]))

    def add_profile(self, profile):
        same("index", profile["index"], [len(self.samples)])
        same("a profile that had ended", self.has_ended, False)
        self.has_ended = profile["continued"] == ["false"]
        dump = profile["process_dumps"][0]
        same("heap_name", dump["heap_name"], ["malloc"])
        self.samples.append((dump["pid"][0], dump["samples"][0]))

    def name(self, frame):
        return self.tables["function_names"][self.tables["frames"][frame]["function_name_id"][0]]["str"][0]

    def live(self, allocated, freed):
        sums = {}
        for _, sample in self.samples:
            if sample[freed][0] > sample[allocated][0]:
                fail("more freed than allocated:", sample)
            name = visible(self.name(self.tables["callstacks"][sample["callstack_id"][0]]["frame_ids"][-1]))
            sums[name] = sums.get(name, 0) + sample[allocated][0] - sample[freed][0]
        return {name: value for name, value in sums.items() if value}


def check(store, has_forks):
    for words in ([], ["--at", "end"], ["--process", "#1"]):
        trace = Trace(ask("export", "perfetto", "-s", store, *words))
        due = top(store, *words)
        same(f"{store} {words}: bytes", trace.live("self_allocated", "self_freed"), by_function(due, "live_bytes"))
        same(f"{store} {words}: blocks", trace.live("alloc_count", "free_count"), by_function(due, "live_blocks"))
        if not has_forks:
            whole = top(store, "--by", "calls", *(words if "--at" in words else ["--at", "peak", *words]))["total"]
            same(f"{store} {words}: allocated", sum(s["self_allocated"][0] for _, s in trace.samples), whole["allocated_bytes"])
            same(f"{store} {words}: calls", sum(s["alloc_count"][0] for _, s in trace.samples), whole["allocated_blocks"])
        all_bytes = [rows for rows in trace.counts.values() if "parent_uuid" not in rows[0][2] and "bytes" in rows[0][2]["name"][0]][0]
        process = words if "--process" in words else []
        same(f"{store} {words}: the greatest count", max(value for _, value, _ in all_bytes), top(store, *process)["total"]["live_bytes"])
        if list(all_bytes) != sorted(all_bytes, key=lambda row: row[0]):
            fail("counts that go back in time")
        if not words:
            check_processes(trace, all_bytes)
        if words == ["--at", "end"]:
            check_pids(store, trace)
    marks = sqlite3.connect(store).execute("select ns, name from mark where process = 1 order by event").fetchall()
    same("marks", trace.instants, marks)


def check_pids(store, trace):
    """Each process has a track of its own, by its number in the capture, which says pid and program, and its own heap profile."""
    live = {}
    for pid, sample in trace.samples:
        live[pid] = live.get(pid, 0) + sample["self_allocated"][0] - sample["self_freed"][0]
    rows = sqlite3.connect(store).execute("select id, pid, program from process").fetchall()
    same("processes", len(trace.pids), len(rows))
    for pid, track in trace.pids.items():
        row = track["uuid"][0] // 4
        due = [r for r in rows if r[0] == row][0]
        same("name", track["name"], [f"{due[1]} ({os.path.basename(due[2])})"])
        same("pid", pid, due[1] if [r[1] for r in rows if r[0] < row].count(due[1]) == 0 else (1 << 22) + row)
        same(f"live in {row}", live.get(pid, 0), top(store, "--process", f"#{row}", "--at", "end")["total"]["live_bytes"])


def check_processes(trace, all_bytes):
    """At each count of all processes together the newest counts of each are that."""
    live, at = {}, {}
    for uuid, rows in trace.counts.items():
        if "parent_uuid" in rows[0][2] and "bytes" in rows[0][2]["name"][0]:
            for ns, value, _ in rows:
                at.setdefault(ns, []).append((uuid, value))
    for ns, value in {ns: value for ns, value, _ in all_bytes}.items(): # of counts at the same time the last
        live.update(at.get(ns, []))
        same(f"the processes at {ns} ns", sum(live.values()), value)


if __name__ == "__main__":
    check(sys.argv[1], sys.argv[2] == "forks")
