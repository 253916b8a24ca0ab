"""Writes a corpus of small C and C++ programs, each with one heap fault, as suites for analysers have them.

    generate.py DIRECTORY [EVERY]    each program, or each EVERYth of every kind

DIRECTORY/cases.list then has a line for each: name, kind, weakness, files. A program run with "bad" as its
argument commits its fault, with "good" it does nearly the same without one. A kind's programs are all
combinations of a template below, a type, a size and a flow (flows.py), thinned out to the number in KINDS.

The numbers are in the proportions of the public suites for analysers, for 1,107 programs of theirs."""
import os
import random
import sys

import flows


class Type:
    def __init__(self, name, printer, one, format=None):
        self.name, self.printer, self.one, self.format = name, printer, one, format
        self.pointer = f"{name} *"
        self.is_text = name in ("char", "wchar_t")
        self.prefix = "L" if name == "wchar_t" else ""

    def letter(self, letter):
        return f"{self.prefix}'{letter}'"

    def fill(self, where, count, letter="A"):
        """Lines that fill `count` elements; strings are closed in the last."""
        if self.name == "char":
            return [f"memset({where}, 'A', {count} - 1);".replace("'A'", f"'{letter}'"), f"{where}[{count} - 1] = 0;"]
        if self.name == "wchar_t":
            return [f"wmemset({where}, L'{letter}', {count} - 1);", f"{where}[{count} - 1] = 0;"]
        return [f"for (int i = 0; i < {count}; i++)", f"    {where}[i] = {self.one};"]


CHAR = Type("char", "print_char", "'c'")
WCHAR = Type("wchar_t", "print_wchar", "L'w'")
INT = Type("int", "print_int", "5")
INT64 = Type("int64_t", "print_int64", "6")
PAIR = Type("pair", "print_pair", "(pair){1, 2}")
ACCOUNT = Type("account", "print_account", "account{3, 4}")
C_TYPES = [CHAR, WCHAR, INT, INT64, PAIR]
CPP_TYPES = C_TYPES + [ACCOUNT]
SIZES = [10, 25, 50, 100]


class Case:
    """One program: what makes its data and what uses it, in both variants."""

    def __init__(self, what, language, type, bad_source, good_source, bad_sink, good_sink=None, prelude=(), initial="NULL",
                 is_local=False):
        self.what, self.language, self.type, self.initial = what, language, type, initial
        self.sources, self.sinks = (bad_source, good_source), (bad_sink, good_sink or bad_sink)
        self.prelude, self.is_local = list(prelude), is_local

    def flows(self):
        if self.language == "c":
            return flows.FOR_LOCALS if self.is_local else flows.FOR_C
        return flows.FOR_LOCALS_CPP if self.is_local else flows.FOR_CPP


def allocation(language, type, count, call="malloc"):
    """Lines that allocate an array, and that free it."""
    if language == "cpp":
        return [f"data = new {type.name}[{count}];"], ["delete[] data;"]
    text = {"malloc": f"malloc({count} * sizeof *data)", "calloc": f"calloc({count}, sizeof *data)",
            "realloc": f"realloc(NULL, {count} * sizeof *data)"}[call]
    return [f"data = ({type.pointer}){text};", "if (data == NULL)", "    exit(1);"], ["free(data);"]


def copies(type, count):
    """Ways to copy `count` elements of `source` (a closed string for texts) into `data`."""
    size = f"{count} * sizeof *data"
    ways = {
        "loop": [f"for (size_t i = 0; i < {count}; i++)", "    data[i] = source[i];"],
        "memcpy": [f"memcpy(data, source, {size});"],
        "memmove": [f"memmove(data, source, {size});"],
    }
    if type.name == "char":
        ways.update({
            "strcpy": ["strcpy(data, source);"],
            "strncpy": [f"strncpy(data, source, {count} - 1);", f"data[{count} - 1] = 0;"],
            "strcat": ["data[0] = 0;", "strcat(data, source);"],
            "strncat": ["data[0] = 0;", f"strncat(data, source, {count} - 1);"],
            "snprintf": [f'snprintf(data, {count}, "%s", source);'],
            "sprintf": ['sprintf(data, "%s", source);'],
        })
    if type.name == "wchar_t":
        ways.update({
            "wcscpy": ["wcscpy(data, source);"],
            "wcsncpy": [f"wcsncpy(data, source, {count} - 1);", f"data[{count} - 1] = 0;"],
            "wcscat": ["data[0] = 0;", "wcscat(data, source);"],
            "swprintf": [f'swprintf(data, {count}, L"%ls", source);'],
        })
    return ways


def languages(call="malloc"):
    for language, types in (("c", C_TYPES), ("cpp", CPP_TYPES)):
        for type in types:
            yield language, type


def overflows():
    for language, type in languages():
        for size in SIZES:
            short, release = allocation(language, type, size)
            enough, _ = allocation(language, type, 2 * size)
            source = [f"{type.name} source[{2 * size}];", *type.fill("source", 2 * size, "C")]
            for way, lines in copies(type, 2 * size).items():
                yield Case(f"half the room {way}", language, type.pointer, short, enough,
                           [*source, *lines, f"{type.printer}(data);", *release])
            read_all = [f"for (int i = 0; i < {size}; i++)", f"    {type.printer}(&buffer[i]);"]
            if not type.is_text:
                release_buffer = ["delete[] buffer;"] if language == "cpp" else ["free(buffer);"]
                make = (f"{type.pointer}buffer = new {type.name}[{size}]();" if language == "cpp" else
                        f"{type.pointer}buffer = ({type.pointer})calloc({size}, sizeof *buffer);")
                yield Case("index", language, "int", [f"data = {size};"], [f"data = {size - 1};"],
                           [make, "if (data >= 0)", f"    buffer[data] = {type.one};", *read_all, *release_buffer], initial="-1")
    for language in ("c", "cpp"):
        for type in (CHAR, WCHAR):
            for length in (7, 10, 15, 24, 50):
                text = f'{type.prefix}"' + ("ten letter" * 9)[:length] + '"'
                short, release = allocation(language, type, length)
                enough, _ = allocation(language, type, length + 1)
                for way, lines in copies(type, length + 1).items():
                    if way in ("strncpy", "wcsncpy"):
                        lines = [f"{way}(data, source, {length + 1});"]
                    yield Case(f"no room for zero {way}", language, type.pointer, short, enough,
                               [f"{type.name} source[{length + 1}] = {text};", *lines, f"{type.printer}(data);", *release])
        yield Case("size of pointer", language, "pair *",
                   ["data = (pair *)malloc(sizeof data);"], ["data = (pair *)malloc(sizeof *data);"],
                   ["data->first = 1;", "data->second = 2;", "print_pair(data);", "free(data);"])
    # The block is not left, only one of its members: no one can see that from outside.
    member = ["typedef struct {", "    char text[16];", "    void *next;", "    void *last;", "} record;",
              "record *block = (record *)malloc(sizeof *block);", "block->next = block->last = NULL;"]
    for way in ("memcpy", "memmove"):
        yield Case(f"inside the block {way}", "c", "int", ["data = sizeof(char[16]) + 8;"], ["data = sizeof(char[16]);"],
                   [*member, f'{way}(block->text, "thirty-two letters of this text.", data);', "block->text[15] = 0;",
                    "print_char(block->text);", "free(block);"], initial="0")


def kept_buffer(language, type, size):
    """Lines that allocate `buffer`, fill it, and keep it; lines that free it at the end, or nothing."""
    make = (f"{type.pointer}buffer = new {type.name}[{size}];" if language == "cpp" else
            f"{type.pointer}buffer = ({type.pointer})malloc({size} * sizeof *buffer);")
    return [make, *type.fill("buffer", size), "kept = buffer;"]


def releases(language, type):
    free = f"delete[] ({type.pointer})kept;" if language == "cpp" else "free(kept);"
    return (("freed", [free, "kept = NULL;"]), ("held", []))


def underflows():
    for language, type in languages():
        for size in SIZES:
            make = kept_buffer(language, type, size)
            for release_way, release in releases(language, type):
                source = [f"{type.name} source[{size}];", *type.fill("source", size, "C")]
                for way, lines in copies(type, size).items():
                    yield Case(f"in front {way} {release_way}", language, type.pointer, make + ["data = buffer - 8;"],
                               make + ["data = buffer;"], [*source, *lines, f"{type.printer}(data);", *release])
                if not type.is_text:
                    yield Case(f"negative index {release_way}", language, "int", ["data = -5;"], ["data = 5;"],
                               [*make, f"if (data < {size})", f"    buffer[data] = {type.one};",
                                f"{type.printer}(&buffer[1]);", *release], initial="0")


def overreads():
    for language, type in languages():
        for size in SIZES:
            short, release = allocation(language, type, size)
            enough, _ = allocation(language, type, 2 * size)
            target = [f"{type.name} target[{2 * size}];", *type.fill("target", 2 * size, "C")]
            ways = {"loop": [f"for (size_t i = 0; i < {2 * size}; i++)", "    target[i] = data[i];"],
                    "memcpy": [f"memcpy(target, data, {2 * size} * sizeof *data);"],
                    "memmove": [f"memmove(target, data, {2 * size} * sizeof *data);"]}
            for way, lines in ways.items():
                close = [f"target[{2 * size} - 1] = 0;"] if type.is_text else []
                yield Case(f"twice as long {way}", language, type.pointer, short + type.fill("data", size),
                           enough + type.fill("data", 2 * size),
                           [*target, *lines, *close, f"{type.printer}(target);", *release])
            if not type.is_text:
                make = (f"{type.pointer}buffer = new {type.name}[{size}]();" if language == "cpp" else
                        f"{type.pointer}buffer = ({type.pointer})calloc({size}, sizeof *buffer);")
                free = "delete[] buffer;" if language == "cpp" else "free(buffer);"
                yield Case("index", language, "int", [f"data = {size};"], [f"data = {size - 1};"],
                           [make, "if (data >= 0)", f"    {type.printer}(&buffer[data]);", free], initial="-1")


def underreads():
    for language, type in languages():
        for size in SIZES:
            make = kept_buffer(language, type, size)
            for release_way, release in releases(language, type):
                target = [f"{type.name} target[{size}];", *type.fill("target", size, "C")]
                ways = {"loop": [f"for (size_t i = 0; i < {size}; i++)", "    target[i] = data[i];"],
                        "memcpy": [f"memcpy(target, data, {size} * sizeof *data);"],
                        "memmove": [f"memmove(target, data, {size} * sizeof *data);"]}
                for way, lines in ways.items():
                    close = [f"target[{size} - 1] = 0;"] if type.is_text else []
                    yield Case(f"in front {way} {release_way}", language, type.pointer, make + ["data = buffer - 8;"],
                               make + ["data = buffer;"],
                               [*target, *lines, *close, f"{type.printer}(target);", *release])
                if not type.is_text:
                    yield Case(f"negative index {release_way}", language, "int", ["data = -5;"], ["data = 5;"],
                               [*make, f"if (data < {size})", f"    {type.printer}(&buffer[data]);", *release], initial="0")


def single_or_array():
    """Ways to own memory: name, language, lines that make it, lines that free it."""
    for type in C_TYPES:
        for size in (1, 100):
            for call in ("malloc", "calloc", "realloc"):
                make, release = allocation("c", type, size, call)
                yield f"{call} of {size}", "c", type, make, release
    for type in CPP_TYPES:
        yield "new", "cpp", type, [f"data = new {type.name};"], ["delete data;"]
        yield "new[]", "cpp", type, [f"data = new {type.name}[100];"], ["delete[] data;"]


def double_frees():
    for way, language, type, make, release in single_or_array():
        yield Case(f"freed twice {way}", language, type.pointer, make + release, make, release)
        yield Case(f"freed under a condition {way}", language, type.pointer, make, make,
                   block_if("always", release) + release, block_if("never", release) + release)


def block_if(condition, lines):
    return [f"if ({condition}) {{", *("    " + line for line in lines), "}"]


def uses_after_free():
    for way, language, type, make, release in single_or_array():
        count = 1 if "of 1" in way or way == "new" else 100
        fill = type.fill("data", count)
        show = [f"{type.printer}(data);"]
        yield Case(f"read {way}", language, type.pointer, make + fill + release, make + fill, show, show + release)
        write = [f"data[0] = {type.one if not type.is_text else 0};"]
        yield Case(f"written {way}", language, type.pointer, make + fill + release, make + fill, write, write + release)
        if way != "malloc of 1":
            yield Case(f"read again {way}", language, type.pointer, make + fill, make + fill, release + show, show + release)


def reads_after_free():
    return (case for case in uses_after_free() if case.what.startswith("read"))


def writes_after_free():
    return (case for case in uses_after_free() if case.what.startswith("written"))


def frees_of_no_heap():
    for language, type in languages():
        ways = [("free", ["free(data);"], [f"{type.pointer}buffer = ({type.pointer})malloc(100 * sizeof *buffer);"])]
        if language == "cpp":
            ways = [("delete", ["delete data;"], [f"{type.pointer}buffer = new {type.name};"]),
                    ("delete[]", ["delete[] data;"], [f"{type.pointer}buffer = new {type.name}[100];"])]
        for way, release, heap in ways:
            count = 1 if way == "delete" else 100
            after = [f"{type.printer}(data);"]
            good = heap + type.fill("buffer", count) + ["data = buffer;"]
            places = {
                "array": ([f"{type.name} local[100];"], type.fill("local", 100) + ["data = local;"]),
                "alloca": ([f"{type.pointer}local = ({type.pointer})alloca(100 * sizeof *local);"],
                           type.fill("local", 100) + ["data = local;"]),
                "static": ([f"static {type.name} fixed[100];"], type.fill("fixed", 100) + ["data = fixed;"]),
            }
            for place, (prelude, bad) in places.items():
                yield Case(f"{way} of {place}", language, type.pointer, bad, good, after + release, prelude=prelude,
                           is_local=True)


def frees_inside():
    for language, type in languages():
        if not type.is_text:
            continue
        for size in (50, 100):
            make, release = allocation(language, type, size)
            text = f'{type.prefix}"a fixed text to Search in"'
            copy = "wcscpy" if type.prefix else "strcpy"
            for letter in "Snt":
                bad = [f"for (; *data != 0; data++)", f"    if (*data == {type.letter(letter)})", "        break;",
                       'puts("searched");', *release]
                good = ["size_t i;", "for (i = 0; data[i] != 0; i++)", f"    if (data[i] == {type.letter(letter)})",
                        "        break;", 'puts("searched");', *release]
                fill = make + [f"{copy}(data, {text});"]
                yield Case(f"moved on to {letter} {size}", language, type.pointer, fill, fill, bad, good)
    for type in (INT, INT64, PAIR):
        for language in ("c", "cpp"):
            make, release = allocation(language, type, 20)
            bad = ["for (int i = 0; i < 20; i++)", f"    *data++ = {type.one};", 'puts("filled");', *release]
            good = ["for (int i = 0; i < 20; i++)", f"    data[i] = {type.one};", 'puts("filled");', *release]
            yield Case("filled by moving", language, type.pointer, make, make, bad, good)


def mismatches():
    for type in CPP_TYPES:
        one, many = f"new {type.name}", f"new {type.name}[100]"
        cast = f"({type.pointer})"
        makes = {
            "malloc": (f"{cast}malloc(100 * sizeof *data)", "free(data);"),
            "calloc": (f"{cast}calloc(100, sizeof *data)", "free(data);"),
            "realloc": (f"{cast}realloc(NULL, 100 * sizeof *data)", "free(data);"),
            "new": (one, "delete data;"),
            "new[]": (many, "delete[] data;"),
        }
        if type.name == "char":
            makes["strdup"] = ('strdup("a text of its own")', "free(data);")
        if type.name == "wchar_t":
            makes["wcsdup"] = ('wcsdup(L"a text of its own")', "free(data);")
        for way, (make, right) in makes.items():
            for wrong in ("free(data);", "delete data;", "delete[] data;"):
                if wrong == right:
                    continue
                use = [f"data[0] = {type.one if not type.is_text else 0};", f"{type.printer}(data);"]
                yield Case(f"{way} given to {wrong.split('(')[0].split(' ')[0]}", "cpp", type.pointer,
                           [f"data = {make};"], [f"data = {make};"], use + [wrong], use + [right])
                # As it comes about: the source changes, the free stays.
                if way in ("malloc", "new", "new[]") and wrong != "free(data);":
                    matching = one if wrong == "delete data;" else many
                    yield Case(f"{way} made for {wrong.split(' ')[0]}", "cpp", type.pointer, [f"data = {make};"],
                               [f"data = {matching};"], use + [wrong])


def leaks():
    for way, language, type, make, release in single_or_array():
        count = 1 if "of 1" in way or way == "new" else 100
        fill = type.fill("data", count) + [f"{type.printer}(data);"]
        yield Case(f"not freed {way}", language, type.pointer, make + fill, make + fill, ['puts("done");'],
                   ['puts("done");'] + release)
        yield Case(f"freed under a condition {way}", language, type.pointer, make + fill, make + fill,
                   block_if("never", release), block_if("always", release))
    for language in ("c", "cpp"):
        yield Case("strdup not freed", language, "char *", ['data = strdup("a text");'], ['data = strdup("a text");'],
                   ["print_char(data);"], ["print_char(data);", "free(data);"])
        make, release = allocation("c", CHAR, 100)
        yield Case("overwritten", language, "char *", make + make, make, release)


# kind: cases, codes that name it, its share among 1,107 of the suites' programs, how many are written.
KINDS = {
    "heap overflow by writes": (overflows, (301,), 300, 420),
    "heap underflow by writes": (underflows, (302,), 120, 170),
    "read past the end": (overreads, (301,), 90, 130),
    "read in front": (underreads, (302,), 110, 155),
    "double free": (double_frees, (202,), 100, 140),
    "read after free": (reads_after_free, (304,), 40, 80),
    "write after free": (writes_after_free, (303, 304), 10, 40),
    "free of no heap": (frees_of_no_heap, (201,), 90, 130),
    "free not at start": (frees_inside, (201,), 40, 70),
    "mismatched kinds": (mismatches, (203, 204), 180, 250),
    "leak": (leaks, (401,), 27, 80),
}

MAIN = """
int always = 1, never = 0, five = 5;
void *kept;

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    if (strcmp(argv[1], "bad") == 0)
        bad();
    else
        good();
    puts("ends");
    return 0;
}
"""


def program_text(kind, case, flow):
    """The text of the first source file, and of the second."""
    first = f"/* {kind}: {case.what}; {flow.__name__.replace('_', ' ')}. */\n#include \"support.h\"\n\n"
    second = '/* The other part of its program. */\n#include "support.h"\n\n'
    has_second = False
    for name, source, sink in zip(("bad", "good"), case.sources, case.sinks):
        parts = flows.Parts(name, case.type, case.initial, case.prelude, source, sink)
        text, other = flow(parts)
        first += text
        second += other
        has_second = has_second or other != ""
    return first + MAIN.lstrip("\n"), second if has_second else ""


def choose(kind):
    """The kind's combinations of case and flow, thinned out evenly, in an order that stays the same."""
    cases, _, _, count = KINDS[kind]
    pairs = [(case, flow) for case in cases() for flow in case.flows()]
    random.Random(kind).shuffle(pairs)
    # Flows in turn, so that each is there.
    by_flow = {}
    for case, flow in pairs:
        by_flow.setdefault(flow.__name__, []).append((case, flow))
    chosen = []
    while len(chosen) < min(count, len(pairs)):
        for name in list(by_flow):
            if by_flow[name]:
                chosen.append(by_flow[name].pop())
    return chosen[:count]


def write_if_changed(path, text):
    if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def main(directory, every=1):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "cases.list"), "w", encoding="utf-8") as listing:
        for kind in KINDS:
            for number, (case, flow) in enumerate(choose(kind)):
                if number % every:
                    continue
                name = f"{kind.replace(' ', '_')}_{number:03}"
                files = []
                for suffix, text in zip(("", "_other"), program_text(kind, case, flow)):
                    if text:
                        files.append(f"{name}{suffix}.{case.language}")
                        write_if_changed(os.path.join(directory, files[-1]), text)
                print(name, kind, f"{case.what}; {flow.__name__}", " ".join(files), sep="\t", file=listing)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
