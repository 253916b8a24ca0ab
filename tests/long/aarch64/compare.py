"""compare.py WORDS TEXTS SAID: compares what the decoder says of random instructions (words.c) with the text that llvm-mc gives them. TEXTS is its
output, SAID its warnings. Both must agree on what is read or written, how many bytes, at which address, and how the base moves."""
import collections
import re
import sys

LANES = {"b": 1, "h": 2, "s": 4, "d": 8, "q": 16}
WIDTHS = {"w": 4, "x": 8, **LANES}
TAGS = {"stg": ("-w", 16, True), "st2g": ("-w", 32, True), "stzg": ("-w", 16, False), "stz2g": ("-w", 32, False), "ldg": ("r-", 16, True),
        "stgp": ("-w", 16, False)}
ATOMIC = re.compile(r"cas|swp|(ld|st)(add|clr|eor|set|[su]max|[su]min)")
LINES = {"ivau", "cvac", "cvau", "cvap", "cvadp", "civac", "cgvac", "cgdvac", "cgvap", "cgdvap", "cgvadp", "cgdvadp", "cigvac", "cigdvac"}


def number_of(register):
    return 31 if register in ("sp", "wsp") else int(register[1:])


def sized(name, register):
    return 1 if name.endswith("b") else 2 if name.endswith("h") else WIDTHS[register[0]]


def structures(name, operands):
    """LD1 to LD4, ST1 to ST4."""
    names, lane = re.match(r"\{(.*?)\}(\[\d+\])?", operands).groups()
    if " - " in names:
        first, last = (int(part.strip()[1:].split(".")[0]) for part in names.split(" - "))
        vectors = (last - first) % 32 + 1
    else:
        vectors = len(names.split(","))
    elements, width = re.search(r"\.(\d*)([bhsd])", names).groups()
    return vectors * LANES[width] * (1 if lane or name.endswith("r") else int(elements))


def effect_of(text):
    """Ways, bytes, whether it is tags, whether its address is unknown; or a word; None: no memory."""
    name, _, operands = text.partition("\t")
    first = re.split(r"[,\s]+", operands)[0]
    if name in ("dc", "ic"):
        if first in ("zva", "gva", "gzva"):
            return "-w", 64, first == "gva", False
        return ("--", 0, False, False) if first in LINES else None
    if name == "adr" or not re.search(r"\[(x|sp|z)", operands):
        return None
    if re.search(r"\bz\d+|\bp\d+\b|\bza", operands):
        return "unknown"
    if name.startswith(("cpy", "set")):
        return "either" if "xzr!" in operands else "unknown"
    if name.startswith("prf"):
        return "--", 0, False, False
    ways = "r-" if name.startswith("ld") else "-w"
    if re.match(r"(ld|st)[1-4]r?$", name):
        return ways, structures(name, operands), False, False
    if name in TAGS:
        return *TAGS[name], False
    if name in ("stgm", "ldgm", "stzgm"):
        return ways, 16, name != "stzgm", True
    if name in ("ldraa", "ldrab"):
        return ways, 8, False, True
    if "64b" in name:
        return ways, 64, False, False
    registers = [part.strip() for part in operands[:operands.index("[")].split(",") if part.strip()]
    if name.startswith("casp"):
        return "rw", 2 * WIDTHS[registers[0][0]], False, False
    if ATOMIC.match(name):
        return "rw", sized(name, registers[0]), False, False
    if re.match(r"(ldp|ldnp|stp|stnp|ldxp|ldaxp)$", name):
        return ways, 2 * WIDTHS[registers[0][0]], False, False
    if re.match(r"stl?xp$", name):
        return ways, 2 * WIDTHS[registers[1][0]], False, False
    if name == "ldpsw":
        return ways, 8, False, False
    if name.endswith("sw"):
        return ways, 4, False, False
    return ways, sized(name, registers[1] if re.match(r"stl?xr", name) else registers[0]), False, False


def address_of(text):
    """Base, index, scale, part, displacement, moves, moved_by, rip."""
    operands = text.partition("\t")[2]
    literal = re.search(r"#(-?\d+)$", operands)
    if "[" not in operands and operands.startswith(("zva", "gva", "gzva", "i", "c")):
        register = operands.split()[-1]
        return (-1 if register == "xzr" else number_of(register)), -1, 1, 0, 0, 0, -1, 0
    if "[" not in operands:
        return -1, -1, 1, 0, int(literal[1]) - 4, 0, -1, 1
    inside, before, after = re.search(r"\[([^\]]*)\](!)?(?:,\s*(\S+))?", operands[operands.rindex("["):]).groups()
    base, *rest = (part.strip() for part in inside.split(","))
    index, scale, part, displacement = -1, 1, 0, 0
    if rest and rest[0].startswith("#"):
        displacement = int(rest[0][1:], 0)
    elif rest:
        index = -1 if rest[0] in ("xzr", "wzr") else number_of(rest[0])
        how = rest[1].split() if len(rest) > 1 else ["lsl"]
        part = {"lsl": 0, "uxtw": 1, "sxtw": 2, "sxtx": 0}[how[0]]
        scale = 1 << int(how[1][1:]) if len(how) > 1 else 1
    moves = displacement if before else int(after[1:], 0) if after and after[0] == "#" else 0
    return number_of(base), index, scale, part, displacement, moves, number_of(after) if after and after[0] != "#" else -1, 0


def difference(text, said):
    """The first thing that text and decoder do not agree on; None: there is none."""
    known, count, *operand = said.split()
    is_literal = re.match(r"(ldr|ldrsw|prfm)\t", text) and re.search(r"\t[^\[]*#-?\d+$", text)
    effect = effect_of(text)
    if is_literal:
        name, register = text.split()[:2]
        effect = ("--", 0, False, False) if name == "prfm" else ("r-", 4 if name == "ldrsw" else WIDTHS[register[0]], False, False)
    if effect == "either":
        return None
    is_unknown = count != "0" and operand[0][2] == "?"
    if effect == "unknown":
        return None if is_unknown else "an operand that is known"
    if effect is None:
        if known == "0" and not text.startswith("udf"):
            return "an instruction that is not known"
        return "an operand" if count != "0" and not is_unknown else None
    if count == "0":
        return "no operand"
    if (operand[0][:2], int(operand[1]), operand[0][3] == "t", is_unknown) != effect:
        return f"not {effect}"
    found, due = tuple(map(int, operand[2:])), address_of(text)
    if text.startswith(("ldraa", "ldrab")):
        found = found[:5] + (due[5],) + found[6:]
    return None if found == due else f"not {due}"


def main():
    refused = {int(match[1]) for match in (re.match(r"<stdin>:(\d+):\d+: warning: invalid instruction", line) for line in open(sys.argv[3])) if match}
    texts = iter([line.strip() for line in open(sys.argv[2]) if line.strip() and not line.strip().startswith(".")])
    compared, wrong = collections.Counter(), 0
    for number, line in enumerate(open(sys.argv[1]), 1):
        code, said = line.rstrip("\n").split("\t")
        if number in refused:
            count, *operand = said.split()[1:]
            found = "is none to llvm-mc" if count != "0" and operand[0][2] != "?" else None
            text = "?"
        else:
            text = next(texts)
            found = difference(text, said)
            compared[text.split()[0]] += 1
        if found:
            wrong += 1
            if wrong <= 20:
                print(f"{code}  {text}: {said}: {found}")
    left = sum(1 for _ in texts)
    if left:
        print(f"{left} texts too many")
    print(f"{sum(compared.values())} instructions with {len(compared)} names, {wrong} differ")
    sys.exit(1 if wrong or left or len(compared) < 500 else 0)


main()
