"""The ways in which a generated program's data flows from where it is made to where it is used.

Each function takes the parts of one variant and returns the text of its functions, of which the last is
`void NAME(void)`, and the text of a second source file ("" where there is none). Parts:

    name      of the variant's function: bad or good
    type      of the data, as in "char *"
    initial   its value before it is made
    prelude   lines at the start of the function that makes it
    source    lines that make `data`
    sink      lines that use `data`
"""


class Parts:
    def __init__(self, name, type, initial, prelude, source, sink):
        self.name, self.type, self.initial = name, type, initial
        self.prelude, self.source, self.sink = prelude, source, sink

    def variable(self, name="data"):
        """A declaration of a variable of the data's type."""
        return self.type + name if self.type.endswith("*") else f"{self.type} {name}"

    def declared(self):
        return [f"{self.variable()} = {self.initial};", *self.prelude]


def indent(lines):
    return "".join(f"    {line}\n" for text in lines for line in text.split("\n"))


def function(head, *parts):
    return f"{head} {{\n" + "".join(indent(part) for part in parts) + "}\n\n"


def main_function(parts, *bodies):
    return function(f"void {parts.name}(void)", *bodies)


def block(head, lines):
    return [head + " {", *("    " + line for text in lines for line in text.split("\n")), "}"]


def straight(p):
    return main_function(p, p.declared(), p.source, p.sink), ""


def source_under_if(p):
    return main_function(p, p.declared(), block("if (always)", p.source), p.sink), ""


def sink_under_if(p):
    return main_function(p, p.declared(), p.source, block("if (five == 5)", p.sink)), ""


def if_and_else(p):
    other = ['puts("not taken");']
    return main_function(p, p.declared(), block("if (never)", other) + block("else", p.source), p.sink), ""


def source_in_loop(p):
    return main_function(p, p.declared(), block("for (int round = 0; round < 1; round++)", p.source), p.sink), ""


def sink_in_loop(p):
    return main_function(p, p.declared(), p.source, block("for (int round = 0; round < 1; round++)", p.sink)), ""


def while_with_break(p):
    return main_function(p, p.declared(), block("while (always)", p.source + ["break;"]), p.sink), ""


def under_switch(p):
    return main_function(p, p.declared(), ["switch (five) {", "case 5:"], block("", p.source),
                         ["    break;", "default:", '    puts("not taken");', "}"], p.sink), ""


def over_goto(p):
    return main_function(p, p.declared(), p.source, ["if (always)", "    goto use;", 'puts("not taken");', "use:;"],
                         block("", p.sink)), ""


def sink_in_function(p):
    return (function(f"static void use_{p.name}({p.variable()})", p.sink)
            + main_function(p, p.declared(), p.source, [f"use_{p.name}(data);"])), ""


def source_in_function(p):
    return (function(f"static {p.type} make_{p.name}({p.variable()})", p.prelude, p.source, ["return data;"])
            + main_function(p, [f"{p.variable()} = {p.initial};", f"data = make_{p.name}(data);"], p.sink)), ""


def through_three_functions(p):
    text = function(f"static void third_{p.name}({p.variable()})", p.sink)
    text += function(f"static void second_{p.name}({p.variable()})", [f"third_{p.name}(data);"])
    text += function(f"static void first_{p.name}({p.variable()})", [f"second_{p.name}(data);"])
    return text + main_function(p, p.declared(), p.source, [f"first_{p.name}(data);"]), ""


def over_static_variable(p):
    text = f"static {p.variable('passed_' + p.name)};\n\n"
    text += function(f"static void use_{p.name}(void)", [f"{p.variable()} = passed_{p.name};"], p.sink)
    return text + main_function(p, p.declared(), p.source, [f"passed_{p.name} = data;", f"use_{p.name}();"]), ""


def over_pointer_to_it(p):
    pointer = p.type + ("*" if p.type.endswith("*") else " *")
    return main_function(
        p, p.declared(), [f"{pointer}indirect = &data;"],
        block("", [f"{p.variable()} = *indirect;", *p.source, "*indirect = data;"]),
        block("", [f"{p.variable()} = *indirect;", *p.sink])), ""


def over_copy(p):
    return main_function(p, p.declared(), p.source, [f"{p.variable('copy')} = data;"],
                         block("", [f"{p.variable()} = copy;", *p.sink])), ""


def over_union(p):
    text = f"typedef union {{\n    {p.variable('first')};\n    {p.variable('second')};\n}} both_{p.name};\n\n"
    return text + main_function(p, p.declared(), [f"both_{p.name} both;"], p.source, ["both.first = data;"],
                                block("", [f"{p.variable()} = both.second;", *p.sink])), ""


def over_struct_member(p):
    text = f"typedef struct {{\n    {p.variable('member')};\n}} holder_{p.name};\n\n"
    text += function(f"static void use_{p.name}(holder_{p.name} holder)", [f"{p.variable()} = holder.member;"], p.sink)
    return text + main_function(p, p.declared(), [f"holder_{p.name} holder;"], p.source,
                                ["holder.member = data;", f"use_{p.name}(holder);"]), ""


def over_array(p):
    text = function(f"static void use_{p.name}({p.variable('passed[]')})", [f"{p.variable()} = passed[2];"], p.sink)
    return text + main_function(p, p.declared(), [f"{p.variable('passed[5]')};"], p.source,
                                ["passed[2] = data;", f"use_{p.name}(passed);"]), ""


def over_function_pointer(p):
    text = function(f"static void use_{p.name}({p.variable()})", p.sink)
    return text + main_function(p, p.declared(), p.source, [f"void (*call)({p.type}) = use_{p.name};", "call(data);"]), ""


def over_void_pointer(p):
    if not p.type.endswith("*"):
        return sink_in_function(p)
    text = function(f"static void use_{p.name}(void *passed)", [f"{p.variable()} = ({p.type})passed;"], p.sink)
    return text + main_function(p, p.declared(), p.source, [f"use_{p.name}(data);"]), ""


def sink_in_other_file(p):
    head = f"void use_{p.name}({p.variable()})"
    return (f"{head};\n\n" + main_function(p, p.declared(), p.source, [f"use_{p.name}(data);"]),
            f"{head};\n\n" + function(head, p.sink))


def source_in_other_file(p):
    head = f"{p.type} make_{p.name}({p.variable()})"
    return (f"{head};\n\n" + main_function(p, [f"{p.variable()} = {p.initial};", f"data = make_{p.name}(data);"], p.sink),
            f"{head};\n\n" + function(head, p.prelude, p.source, ["return data;"]))


def over_variable_of_other_file(p):
    name = f"passed_{p.name}"
    head = f"void use_{p.name}(void)"
    return (f"extern {p.variable(name)};\n{head};\n\n"
            + main_function(p, p.declared(), p.source, [f"{name} = data;", f"use_{p.name}();"]),
            f"{head};\n{p.variable(name)};\n\n" + function(head, [f"{p.variable()} = {name};"], p.sink))


def over_vector(p):
    text = "#include <vector>\n\n"
    text += function(f"static void use_{p.name}(std::vector<{p.type}> passed)", [f"{p.variable()} = passed[2];"], p.sink)
    return text + main_function(p, p.declared(), [f"std::vector<{p.type}> passed;"], p.source,
                                ["passed.insert(passed.end(), 3, data);", f"use_{p.name}(passed);"]), ""


def over_list(p):
    text = "#include <list>\n\n"
    text += function(f"static void use_{p.name}(std::list<{p.type}> passed)", [f"{p.variable()} = passed.back();"], p.sink)
    return text + main_function(p, p.declared(), [f"std::list<{p.type}> passed;"], p.source,
                                ["passed.push_back(data);", "passed.push_back(data);", f"use_{p.name}(passed);"]), ""


def over_map(p):
    text = "#include <map>\n\n"
    text += function(f"static void use_{p.name}(std::map<int, {p.type}> passed)", [f"{p.variable()} = passed[2];"], p.sink)
    return text + main_function(p, p.declared(), [f"std::map<int, {p.type}> passed;"], p.source,
                                ["passed[0] = data;", "passed[2] = data;", f"use_{p.name}(passed);"]), ""


def over_reference(p):
    return main_function(p, p.declared(), [f"{p.type} &same = data;"], p.source,
                         block("", [f"{p.variable()} = same;", *p.sink])), ""


def in_constructor_and_destructor(p):
    text = f"class user_{p.name} {{\n  public:\n    {p.variable('member')};\n"
    text += f"    user_{p.name}() {{\n        {p.variable()} = {p.initial};\n"
    text += "".join(f"    {line}" for line in indent(p.prelude + p.source).splitlines(True))
    text += f"        member = data;\n    }}\n    ~user_{p.name}() {{\n        {p.variable()} = member;\n"
    text += "".join(f"    {line}" for line in indent(p.sink).splitlines(True)) + "    }\n};\n\n"
    return text + main_function(p, [f"user_{p.name} user;"]), ""


def in_virtual_method(p):
    text = f"class base_{p.name} {{\n  public:\n    virtual void use({p.type}) const = 0;\n}};\n\n"
    text += f"class derived_{p.name} : public base_{p.name} {{\n  public:\n    void use({p.variable()}) const override {{\n"
    text += "".join(f"    {line}" for line in indent(p.sink).splitlines(True)) + "    }\n};\n\n"
    return text + main_function(p, p.declared(), p.source,
                                [f"const base_{p.name} &user = derived_{p.name}();", "user.use(data);"]), ""


# Flows in which what `prelude` declares lives until the sink is done.
FOR_LOCALS = [straight, source_under_if, sink_under_if, if_and_else, source_in_loop, sink_in_loop, while_with_break,
              under_switch, over_goto, sink_in_function, through_three_functions, over_static_variable,
              over_pointer_to_it, over_copy, over_union, over_struct_member, over_array, over_function_pointer,
              over_void_pointer, sink_in_other_file, over_variable_of_other_file]
FOR_C = FOR_LOCALS + [source_in_function, source_in_other_file]
OF_CPP = [over_vector, over_list, over_map, over_reference, in_virtual_method]
FOR_LOCALS_CPP = FOR_LOCALS + OF_CPP
FOR_CPP = FOR_C + OF_CPP + [in_constructor_and_destructor]
