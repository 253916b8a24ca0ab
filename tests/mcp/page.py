"""page.py PAGE: makes the calls that the dialogues of PAGE show, and compares the answers; an answer's `...` stands for anything. Blocks of JSON are
read, and start a server that answers."""
import json
import re
import sys
import client

MARK = re.compile(r" {4}([<>]) (.*)")


def check_block(text):
    """A client's configuration: the server that it names answers."""
    for server in json.loads(text)["mcpServers"].values():
        assert server["command"] == "hakmem-trace" and server["args"][0] == "mcp", server
        assert client.Server(*server["args"][1:-1], ".").end() == (0, [])


def is_said(shown, text):
    """The parts of the line stand in the text, in this order."""
    at = 0
    for turn, part in enumerate(shown.split("...")):
        found = text.find(part, at)
        if found < 0 or turn == 0 and found != 0:
            return False
        at = found + len(part)
    return True


page = open(sys.argv[1], encoding="utf-8").read()
blocks = re.findall(r"^```json\n(.*?)\n```$", page, re.M | re.S)
assert blocks
for block in blocks:
    check_block(block)
server, texts, calls, dialogues = client.Server("--allow-run", "."), [], 0, 0
for line in page.split("\n"):
    dialogues += line.startswith("    user:")
    match = MARK.match(line)
    if not match:
        continue
    if match[1] == ">":
        tool, arguments = match[2].split(" ", 1)
        failed, texts = server.texts(server.begin_call(tool, **json.loads(arguments)))
        assert not failed and sum(map(len, texts)) < 16000, (line, texts)
        calls += 1
    elif not any(is_said(match[2], text) for text in texts):
        sys.exit("%s\nis not said:\n%s" % (line, "\n".join(texts)))
assert server.end() == (0, [])
assert dialogues == 3 and calls > 6, (dialogues, calls)
print("%d dialogues, %d calls" % (dialogues, calls))
