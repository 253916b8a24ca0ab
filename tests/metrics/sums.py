"""Reads `layers --json` and its table: sums must agree, shares must add up to 100.

usage: sums.py JSON TABLE [layer that must have served something]...
"""
import json
import re
import sys

answer = json.load(open(sys.argv[1]))
wrong = []


def served(metrics):
    return sum(v for k, v in metrics.items() if k.startswith("served."))


total = 0
for row in answer["classes"]:
    name = f"{row['class']} {row['slot_bytes'] or ''}".strip()
    if served(row["metrics"]) != row["mallocs"]:
        wrong.append(f"{name}: the layers served {served(row['metrics'])}, mallocs are {row['mallocs']}")
    for kind, blocks in row["metrics"].items():
        if kind.endswith(".blocks") and not 0 < row["metrics"].get(kind[:-6] + "runs", 0) <= blocks:
            wrong.append(f"{name}: {kind} {blocks} in {row['metrics'].get(kind[:-6] + 'runs')} gos")
    total += row["mallocs"]
if not answer["mallocs"]["agree"]:
    wrong.append(f"log and counters: {answer['mallocs']}")
if total != answer["mallocs"]["counted"]:
    wrong.append(f"all classes have {total} mallocs, counted are {answer['mallocs']['counted']}")
for hit in answer["hits"]:
    if hit["hits"] > hit["asked"] or hit["asked"] > total:
        wrong.append(f"hits: {hit}")
stages = answer["stages"]
if stages and stages["stage_1"] + stages["stage_2"] + stages["stage_3"] != stages["taken"]:
    wrong.append(f"stages: {stages}")
for life in answer["changes"].get("superslabs", []):
    if life["unmapped_ns"] is not None and life["mapped_ns"] is not None:
        if sum(life["ns_in"].values()) != life["unmapped_ns"] - life["mapped_ns"]:
            wrong.append(f"life: {life}")

# The shares as they are printed: each is rounded, or "<0.01 %".
table = open(sys.argv[2]).read().split("\n\n")[0].splitlines()
for line in table[1:]:
    shares = re.findall(r"(<?)([0-9.]+) %", line)
    if not shares:
        continue
    low = sum(0 if less else float(share) - 0.0051 for less, share in shares)
    high = sum(0.01 if less else float(share) + 0.0101 for less, share in shares)
    if not low <= 100 <= high:
        wrong.append(f"shares do not add up to 100: {line}")

names = {layer["layer"] for layer in answer["hits"] if layer["hits"]}
for layer in sys.argv[3:]:
    if layer not in names:
        wrong.append(f"{layer} served nothing; hits are {answer['hits']}")
if wrong:
    sys.exit("\n".join(wrong))
