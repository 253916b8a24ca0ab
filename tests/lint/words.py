"""words.py FILE...: names each sentence of the pages, tables and help texts that users read which breaks a rule of plain English.

A page (.md) is read by its paragraphs, list items, cells and headings, without code; a .def table or C file by the texts in quotes that have
words. Rules: at most 25 words; a statement does not begin with what, which, whose, whom or who; none of the words and turns in TURNS.
`--count` prints how many stand in each file; `--comments` reads the comments of sources and scripts instead, for their first words alone."""
import collections
import re
import sys

MOST_WORDS = 25
# Each turn and what to write instead.
TURNS = [
    (r"\bthat which\b", "the noun"),
    (r"\bof which\b", "two sentences"),
    (r"\b(?:is|are|was|were) to be had\b", "is available"),
    (r"\bnot to be had\b", "not available"),
    (r"\bothers with you\b", "differ on your machine"),
    (r"\bat (?:its|their) begin\b|\bin the begin\b", "at the start"),
    (r"\b(?:un)?mend(?:s|ed|ing)?\b", "fix"),
    (r"\bcan be borne\b|\bbears? it\b", "is acceptable"),
    (r"\bpointers? leads? to\b", "unreachable"),
    (r"\bin good order\b", "exited"),
    (r"\b(?:is|are|be) told\b", "names the speaker"),
    (r"\bmet SIG", "also got SIG"),
    (r"was stopped \(SIG", "faulted"),
    (r"\btakes? the right\b", "needs permission"),
    (r"\bthis is the one that was chosen\b", "selected"),
    (r"\bas the kernel last said\b", "RSS"),
    (r"\b(?:came|comes?) and (?:went|goe?s?)\b|\bcame / went\b", "allocated / freed"),
    (r"\bwhat is live\b|\bwhat was live\b", "live blocks"),
    (r"\bis known no more\b|\bknown no more\b", "unknown from here on"),
    (r"\bthe like\b", "similar, or name it"),
    (r"\bwho owns (?!what)", "the owner"),
    (r"\bhow it ended is not recorded\b", "still running when recording stopped"),
    (r"\bmoves of blocks, not writes\b", "writes are not recorded"),
    (r"\u2014", "a comma, a colon or two sentences"),
]
OPENING = re.compile(r"(?:What|Which|Whose|Whom|Who|Whoever|Whatever)\b|(?:With|To|From|In|Of|By|On|At|For) (?:what|which|whose|whom)\b")
WHERE = re.compile(r"Where\b")  # in the sense of "if"; allowed in comments


def blocks_of(text):
    """(line, kind, text) of each paragraph, item, cell and heading of a page."""
    gathered, start, fence = [], 0, False

    def flush():
        if gathered:
            yield start, "text", " ".join(gathered)
        gathered.clear()

    before_blank = True
    for number, line in enumerate(text.split("\n"), 1):
        if re.match(r" *```", line):
            yield from flush()
            fence = not fence
        elif fence:
            pass
        elif not line.strip():
            yield from flush()
        elif re.match(r" {4,}\S", line) and before_blank and not gathered:
            continue
        elif re.match(r" *<!--.*-->$", line):
            yield from flush()
        elif line.startswith("#"):
            yield from flush()
            yield number, "heading", line.lstrip("# ")
        elif line.lstrip().startswith("|"):
            yield from flush()
            if not re.match(r"[ |:-]+$", line):
                for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")):
                    yield number, "cell", cell.strip()
        else:
            item = re.match(r" *(?:[-*]|\d+\.) +(.*)", line)
            if item:
                yield from flush()
            if not gathered:
                start = number
            gathered.append(item[1] if item else line.strip())
        before_blank = not line.strip()
    yield from flush()


def strings_of(text):
    """(line, kind, text) of the texts for people in the string literals of a C file or table: literals in a row are one, an empty
    line or an indented one begins another. SQL, roff and assembly are left out."""
    text = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.S)
    text = re.sub(r"(?m)^\s*#include.*|(?<![:\"])//[^\"\n]*$", "", text)
    literal = r"\"(?:[^\"\\\n]|\\.)*\""
    for found in re.finditer(rf"{literal}(?:(?:\s|\\\n|PRI\w+)+{literal})*", text):
        said = "".join(part[1:-1] for part in re.findall(literal, found[0])).replace('\\"', '"').replace("\\t", " ")
        for part in re.split(r"(?:\\n){2,}|\\n(?= )", said):
            part = part.replace("\\n", " ").strip()
            is_other = re.match(r"\.[A-Z][a-z]", part) or re.search(r"\b(?:SELECT|CREATE|INSERT|UPDATE|DELETE|WHERE|FROM|VALUES)\b|\?\d| AND |%r[a-z]|\.cfi|\.macro", part)
            if len(re.findall(r"(?<![\w%])[a-z]{2,}", part)) >= 3 and not is_other:
                yield text.count("\n", 0, found.start()) + 1, "string", part


def comments_of(text, name):
    """(line, kind, text) of the comments of a C file or table, a script or a Python file: lines of comments in a row are one."""
    if re.search(r"\.(?:sh|py)$", name):
        found = re.finditer(r"(?m)(?:^[ \t]*#[^!\n].*\n?)+", text)
        said = ((each.start(), re.sub(r"(?m)^[ \t]*#", " ", each[0])) for each in found)
    else:
        said = ((each.start(), re.sub(r"\n[ \t]*\*", " ", each[1])) for each in re.finditer(r"/\*(.*?)\*/", text, re.S))
    for start, part in said:
        yield text.count("\n", 0, start) + 1, "comment", " ".join(part.split())


def masked(text):
    """The same length, with what is not prose made one word: code, the address of a link."""
    for pattern in (r"``.*?``|`[^`]*`", r"(?<=\])\([^) ]*\)", r"https?://[^\s)]+", r"\$[A-Z_]+"):
        text = re.sub(pattern, lambda found: "C" * len(found[0]), text)
    return re.sub(r"\b(e\.g|i\.e|etc|vs|no)\. ", lambda found: found[0].replace(".", " "), text)


def sentences_of(text):
    """(sentence, the same masked) of a text: it ends at a full stop, a question mark or a colon."""
    said, at = masked(text), 0
    for end in [found.end() for found in re.finditer(r"[.!?:][)\"*_]*(?=\s)", said)] + [len(said)]:
        if text[at:end].strip():
            yield text[at:end].strip(), said[at:end].strip()
        at = end


def words_of(sentence):
    return [word for word in sentence.split() if re.search(r"\w", word)]


def faults_of(kind, text):
    """(what is wrong, the sentence) of a text."""
    for sentence, said in sentences_of(text):
        bare = said.replace("*", "").lstrip("[(_")
        if kind == "comment":
            if OPENING.match(bare) and not sentence.endswith("?"):
                yield f"a comment's sentence begins with {said.split()[0]}: {' '.join(said.split()[:12])} ...", sentence
            continue
        for pattern, instead in TURNS:
            found = re.search(pattern, said, re.I)
            if found:
                yield f'"{found[0]}": write {instead}', sentence
        if kind == "heading":
            continue
        words = words_of(said)
        if len(words) > MOST_WORDS:
            yield f"{len(words)} words, at most {MOST_WORDS}: {' '.join(words[:12])} ...", sentence
        if (OPENING.match(bare) or WHERE.match(bare)) and len(words) > 3 and not sentence.endswith("?") and "?**" not in text:
            yield f"a statement begins with {words[0].strip('[*')}: {' '.join(words[:12])} ...", sentence


def main(names):
    mode = names.pop(0) if names[:1] in (["--count"], ["--comments"]) else ""
    counts = collections.Counter()
    for name in names:
        text = open(name, encoding="utf-8").read()
        parts = comments_of(text, name) if mode == "--comments" else blocks_of(text) if name.endswith(".md") else strings_of(text)
        for line, kind, part in parts:
            for fault, _ in faults_of(kind, part):
                counts[name] += 1
                if mode != "--count":
                    print(f"{name}:{line}: {fault}")
    if mode == "--count":
        for name, count in counts.most_common():
            print(f"{count:6} {name}")
        print(sum(counts.values()))
    return bool(counts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
