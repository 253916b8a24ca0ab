"""answers.py STORE LIVES ADDRESS: what `hakmem-trace mcp` answers of captures (LIVES has many owners of ADDRESS) is the command's document, within any size. It follows the
answers' own words to the rest, and finds all. The documents are left in `document N` for the schema."""
import json
import os
import re
import subprocess
import sys
import client

STORE, LIVES, ADDRESS = sys.argv[1:]
WHOLE = os.environ.get("FULL") == "1"
SIZES = [1000, 1500, 2500, 6000, 8000, 20000] if WHOLE else [1000, 8000]
FOLLOWED = [None, 6000] if WHOLE else [None] # the answers of these sizes are followed to their end
documents = 0

# tool, arguments, the command that has all of it, its list, and whether the newest is last
QUESTIONS = [
    ("faults", {}, "faults", "faults", False),
    ("fault", {"number": 1}, "faults 1", "lives", True),
    ("why", {"address": ADDRESS}, "why --all --stacks " + ADDRESS, "lives", True),
    ("block", {"address": ADDRESS, "limit": 20}, "block --stacks " + ADDRESS, "lives", True),
    ("top", {"per": "line", "at": "end"}, "top --per line --at end --limit 0", "rows", False),
    ("top", {"per": "stack", "at": "end"}, "top --per stack --at end --limit 0", "rows", False),
    ("top", {"by": "calls", "per": "size"}, "top --by calls --per size --limit 0", "rows", False),
    ("top", {"at": "end", "tree": True}, "top --at end --tree", None, False),
    ("top", {"at": "end", "bottom_up": True}, "top --at end --bottom-up", None, False),
    ("diff", {"between": ["start", "end"], "per": "line"}, "diff --between start end --per line --limit 0", "rows", False),
    ("leaks", {}, "leaks --limit 0", "leaks", False),
    ("leaks", {"held": True}, "leaks --held --limit 0", "held", False),
    ("explain", {}, "explain", "faults", False),
    ("explain", {"code": "HKM-301"}, "explain HKM-301", "faults", False),
]


def store_of(tool):
    return {} if tool == "explain" else {"store": LIVES if tool in ("why", "block") else STORE}


def command(words):
    store = ["-s", name] if (name := store_of(words.split()[0]).get("store")) else []
    done = subprocess.run([client.TRACE, *words.split(), "--json", *store], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert done.returncode in (0, 1, 4), words
    return json.loads(done.stdout)


def compact(document):
    return json.dumps(document, separators=(",", ":"))


def leave(document):
    global documents
    documents += 1
    with open("document %d" % documents, "w") as file:
        json.dump(document, file)


def is_part(part, whole):
    """Texts, lists and objects of `part` are the begins of those of `whole`."""
    if isinstance(part, str) and isinstance(whole, str):
        return whole.startswith(part)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(is_part, part, whole))
    if isinstance(part, dict) and isinstance(whole, dict):
        return list(part) == list(whole) and all(is_part(part[name], whole[name]) for name in part)
    return part == whole and type(part) is type(whole)


def ask(server, tool, arguments):
    """The document and what was cut of it."""
    failed, texts = server.texts(server.begin_call(tool, **arguments))
    assert not failed, (tool, arguments, texts)
    most = 4 * arguments.get("max_tokens", 3999)
    assert sum(map(len, texts)) <= most, (tool, arguments, sum(map(len, texts)))
    document = json.loads(texts[0])
    assert compact(document) == texts[0]
    cut = document.pop("cut", None)
    if "document" not in (cut or {}).get("shown", {}):
        leave(document)
    return document, cut


def check_page(document, cut, whole, name, is_newest_last, offset):
    """Elements are those that `cut` says; how many."""
    shown, count = document[name], len(whole[name])
    said = cut["shown"].get(name) if cut else None
    if said is None:
        assert len(shown) == count and offset == 0
        first = 0
    elif said == "none of %d" % count:
        assert not shown
        return 0
    else:
        first, last, of = map(int, re.fullmatch(r"(\d+) to (\d+) of (\d+)", said).groups())
        assert (last - first + 1, of) == (len(shown), count), (said, len(shown), count)
        assert first == (count - offset - len(shown) if is_newest_last else offset), said
    assert is_part(shown, whole[name][first:first + len(shown)]), (said, name)
    return len(shown)


def check(server, tool, arguments, words, name, is_newest_last):
    whole = command(words)
    few = many = pages = 0
    for tokens in [None] + SIZES:
        sized = arguments | ({"max_tokens": tokens} if tokens else {})
        document, cut = ask(server, tool, sized)
        if cut and "document" in cut["shown"]:
            assert cut["shown"]["document"] == "none of %d bytes" % len(compact(whole)) and tokens <= 1500, (tool, tokens, cut)
            few += 1
            continue
        if not cut:
            assert compact(document) == compact(whole), (tool, sized)
            continue
        many += 1
        if name is None:
            assert is_part(document, whole)
            continue
        offset = 0
        while True:
            assert is_part({key: value for key, value in document.items() if key not in (name, "left_out", "others")},
                           {key: value for key, value in whole.items() if key not in (name, "left_out", "others")}), (tool, sized)
            offset += check_page(document, cut, whole, name, is_newest_last, offset)
            pages += 1
            more = re.match(r"offset (\d+) goes on( to older ones)?;", cut["rest"]) if cut else None
            if not more:
                break
            if tokens not in FOLLOWED:
                offset = len(whole[name])
                break
            assert int(more[1]) == offset and bool(more[2]) == is_newest_last, (cut, offset)
            document, cut = ask(server, tool, sized | {"offset": offset})
        assert offset == len(whole[name]) or offset == 0 and "none of" in cut["shown"][name], (tool, sized, offset, len(whole[name]), cut)
    print("%s %s: %d bytes, %d of them cut, %d pages, %d too small" % (tool, json.dumps(arguments), len(compact(whole)), many, pages, few))
    return pages


server = client.Server()
total = sum(check(server, tool, store_of(tool) | arguments, *rest) for tool, arguments, *rest in QUESTIONS)
assert total > 30, "only %d pages: the capture is too small to show anything" % total
# A limit of the caller, and a part of the list that is not there.
assert len(server.call("top", store=STORE, per="line", at="end", limit=3, offset=2)["rows"]) == 3
assert server.call("top", store=STORE, per="line", at="end", offset=100000)["rows"] == []
assert server.end() == (0, [])
