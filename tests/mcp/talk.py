"""talk.py FILE SERVER_ARGUMENT...: sends what FILE has to `hakmem-trace mcp` and prints FILE with what is answered.

    # ...                 a comment
    > TEXT                a line that is sent as it is
    call TOOL {...}       tools/call with these arguments
    server ARGUMENT...    another server from here on
Answers stand behind each: `< ` has the message, with `...` for texts, which follow it on lines with `| `."""
import json
import sys
import client

MOST = 90 # characters of a line: answers.py compares the documents


def lines_of(text):
    """A text, or a document with a line for the begin of each member and of each element of a list."""
    try:
        document = json.loads(text)
    except ValueError:
        return text.split("\n")
    assert json.dumps(document, separators=(",", ":")) == text, "not compact: " + text
    lines = []
    for name, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += ["%s:" % name] + ["    " + json.dumps(element) for element in value]
        else:
            lines.append("%s: %s" % (name, json.dumps(value)))
    return [line if len(line) <= MOST or line.startswith("cut: ") else line[:MOST] + "..." for line in lines]


def show(message):
    lines = []
    result = message.get("result", {})
    for part in result.get("content", []):
        lines += lines_of(part["text"])
        part["text"] = "..."
    if "tools" in result:
        lines += [json.dumps(tool) for tool in result["tools"]]
        result["tools"] = ["..."]
    print("< " + json.dumps(message))
    for line in lines:
        print("| " + line if line else "|")


def is_awaited(line):
    """The id of the answer that comes late, if any."""
    try:
        message = json.loads(line)
        return message["id"] if message["method"] == "tools/call" else None
    except (ValueError, TypeError, KeyError):
        return None


def talk(path, arguments):
    server, turn = client.Server(*arguments, says_initialize=False), 0
    for line in open(path):
        line = line.rstrip("\n")
        if line[:2] in ("< ", "| ") or line == "|":
            continue
        print(line)
        if line.startswith("server "):
            assert server.end() == (0, [])
            server = client.Server(*line.split()[1:], says_initialize=False)
        if line.startswith("call "):
            _, tool, arguments = line.split(" ", 2)
            turn += 1
            line = "> " + json.dumps({"jsonrpc": "2.0", "id": turn, "method": "tools/call", "params": {"name": tool, "arguments": json.loads(arguments)}})
        if not line.startswith("> "):
            continue
        server.send_bytes(line[2:].encode() + b"\n")
        server.send({"jsonrpc": "2.0", "id": "behind it", "method": "ping"})
        awaited, is_behind = is_awaited(line[2:]), False
        while not is_behind or awaited is not None:
            message = server.read()
            is_behind |= message["id"] == "behind it"
            if message["id"] == awaited:
                awaited = None
            if message["id"] != "behind it":
                show(message)
    assert server.end() == (0, [])


talk(sys.argv[1], sys.argv[2:])
