"""hostile.py FOLDER: whatever a client sends to `hakmem-trace mcp`, each line of the answer is a message, the next request is answered, and nothing
below FOLDER changes."""
import json
import os
import random
import signal
import sys
import client

FOLDER = sys.argv[1]
ERRORS = os.open("errors", os.O_RDWR | os.O_CREAT | os.O_TRUNC)


def listing():
    found = {}
    for folder, _, names in os.walk(FOLDER):
        for name in names:
            about = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = about.st_mtime_ns, about.st_size, about.st_ino
    return found


def start(**named):
    return client.Server(FOLDER, stderr=ERRORS, **named)


def answers_still(server):
    """Error codes of what came before the answer to a ping."""
    number, codes = server.begin("ping"), []
    while (message := server.read())["id"] != number:
        codes.append(message["error"]["code"] if "error" in message else 0)
    assert message["result"] == {}
    return codes


def check_lines():
    server = start()
    lines = [
        (b"\xff\xfe{}", [-32700]), (b"\0", [-32700]), (b'{"jsonrpc":"2.0","id":1,"method":"ping\0"}', [-32700]),
        (b'{"jsonrpc":"2.0","id":"\xc3\x28","method":"ping"}', [-32700]), (b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', [-32700]),
        (b"[" * 100000, [-32700]), (b'{"a":' * 100000, [-32700]), (b"[" * 1000 + b"]" * 1000, [-32600]),
        (b'{"jsonrpc":"2.0","id":' + b"9" * 400 + b',"method":"ping"}', [-32700]), (b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}', [-32700]),
        (b'{"jsonrpc":"2.0","id":-9223372036854775808,"method":"ping"}', [0]), (b'{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}', [0]),
        (b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}', [-32700]), (b'{"jsonrpc":"2.0","id":1,"method":"ping"}\r', [0]),
        (b'  {"jsonrpc" : "2.0" , "id":1,"method":"ping"}\t', [0]), (b" \t\r", []), (b"", []),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"} {"jsonrpc":"2.0","id":2,"method":"ping"}', [-32700]),
        (b'{"jsonrpc":"2.0","id":"' + b"i" * 500000 + b'","method":"ping"}', [0]), (b'{"jsonrpc":"2.0","id":1,"method":"' + b"m" * 900000 + b'"}', [-32601]),
        (b"x" * (1 << 20), [-32700]), (b"x" * ((1 << 20) - 1), [-32700]), (b" " * ((1 << 20) - 1), []),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","p":"' + b"x" * (5 << 20) + b'"}', [-32700]),
    ]
    for line, due in lines:
        server.send_bytes(line + b"\n")
        codes = answers_still(server)
        assert codes == due, (line[:80], codes, due)
    assert server.end() == (0, [])


def check_arguments():
    """Each argument of each tool with values of every type: the call fails or has a document, the request does not fail."""
    server, values = start(), [None, True, 7, -1, 1.5, 10 ** 18, "", "x" * 5000, "x" * 4000, "\x1b[2J", "a\nb", "%s%n", "--help", [], {}, ["a"], ["a", "b"], "0x" + "f" * 40]
    calls = failed = 0
    for tool in server.request("tools/list")["result"]["tools"]:
        names = tool["inputSchema"]["properties"]
        base = {"store": "stale.db"} if "store" in names else {}
        base |= {"address": "@fault"} if "address" in names else {}
        base |= {"number": 1} if "number" in names else {}
        base |= {"old": "stale.db", "new": "lost.db"} if "old" in names else {}
        numbers = [server.begin_call(tool["name"], **base | {name: values[(turn + at) % len(values)]}) for turn in range(0, len(values), STRIDE) for at, name in enumerate(names)]
        for number in numbers:
            result = server.answer(number)["result"]
            calls, failed = calls + 1, failed + result["isError"]
            text = result["content"][0]["text"]
            assert text and (result["isError"] or json.loads(text)), (tool["name"], text)
            assert "status 1" not in text and "ended with" not in text, text
    print("%d calls with odd arguments, %d refused" % (calls, failed))
    assert failed > calls / 2
    assert server.end() == (0, [])


def check_mutants():
    server, turn = start(), random.Random(31)
    models = [b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}', b'{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"cursor":null}}',
              b'{"jsonrpc":"2.0","id":"3","method":"tools/call","params":{"name":"explain","arguments":{"code":"HKM-101"}}}',
              b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"3"}}']
    for _ in range(MUTANTS):
        line = bytearray(turn.choice(models))
        for _ in range(turn.randrange(1, 6)):
            at = turn.randrange(len(line))
            line[at:at + turn.randrange(3)] = bytes([turn.choice(b'"{}[]:,\\0e-1ntf\xc3\x80 ')]) * turn.randrange(3)
        server.send_bytes(bytes(line).replace(b"\n", b"") + b"\n")
        answers_still(server)
    status, _ = server.end()
    assert status == 0


def check_many():
    """More calls at once than may wait: all are answered, and those past the bound say so."""
    server = start()
    numbers = [server.begin_call("explain", code="HKM-101") for _ in range(100)]
    refused = 0
    for number in numbers:
        failed, texts = server.texts(number)
        assert not failed or texts == ["64 calls wait already: wait for an answer, or cancel one"], texts
        refused += failed
    assert refused <= 36
    print("%d of 100 calls at once were refused" % refused)
    assert server.end() == (0, [])


def check_ends():
    assert start(says_initialize=False).end() == (0, [])
    server = start()
    last = server.begin_call("explain", code="HKM-101"), server.begin_call("faults", store="stale.db")
    server.send_bytes(b'{"jsonrpc":"2.0","id":"last","method":"ping"}') # its line has no end
    status, left = server.end()
    assert status == 0 and {message["id"] for message in left} == {*last, "last"}, left
    for number, due in (signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129):
        server = start()
        server.process.send_signal(number)
        assert server.read() is None and server.process.wait() == due
    server = start() # the client reads no more
    server.process.stdout.close()
    server.begin("ping")
    assert server.process.wait() == 2


def check_identifiers():
    """An id that is in use, and one that is free again."""
    server = start()
    call = {"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": {"name": "faults", "arguments": {"store": "stale.db"}}}
    server.send_bytes(json.dumps(call).encode() + b"\n" + json.dumps(call | {"method": "ping"}).encode() + b"\n")
    first, second = server.read(), server.read()
    assert {first["id"], second["id"]} == {"x"} and sorted("error" in message for message in (first, second)) == [False, True], (first, second)
    server.send(call)
    assert "result" in server.answer("x")
    assert server.end() == (0, [])


STRIDE, MUTANTS = (1, 5000) if os.environ.get("FULL") == "1" else (5, 300)
before = listing()
check_lines()
check_arguments()
check_mutants()
check_many()
check_ends()
check_identifiers()
assert listing() == before, set(before.items()) ^ set(listing().items())
os.lseek(ERRORS, 0, os.SEEK_SET)
said = os.read(ERRORS, 4000)
assert said == b"", said
