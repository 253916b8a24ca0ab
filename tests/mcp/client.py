"""A client of `hakmem-trace mcp` that does one thing after the other: what the tests of this folder talk through."""
import json
import os
import subprocess

TRACE = os.environ["BUILD"] + "/hakmem-trace"
LEGACY = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}


class Server:
    """A running server. Whatever it writes that is no message of the protocol ends the test."""

    def __init__(self, *arguments, says_initialize=True, **named):
        self.process = subprocess.Popen([TRACE, "mcp", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **named)
        self.last, self.seen = 0, {}
        if says_initialize:
            self.request("initialize", LEGACY)
            self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send_bytes(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def send(self, message):
        self.send_bytes(json.dumps(message).encode() + b"\n")

    def read(self):
        """The next message; None at the end."""
        line = self.process.stdout.readline()
        if not line:
            return None
        assert line.endswith(b"\n") and line.isascii(), line[:200]
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0" and "id" in message and ("result" in message) != ("error" in message), message
        return message

    def begin(self, method, params=None):
        """Sends a request; its id."""
        self.last += 1
        self.send({"jsonrpc": "2.0", "id": self.last, "method": method} | ({} if params is None else {"params": params}))
        return self.last

    def answer(self, number):
        """The answer to the request with this id, whatever comes before it."""
        while number not in self.seen:
            message = self.read()
            assert message is not None, "the server ended"
            self.seen[message["id"]] = message
        return self.seen.pop(number)

    def request(self, method, params=None):
        return self.answer(self.begin(method, params))

    def begin_call(self, tool, **arguments):
        return self.begin("tools/call", {"name": tool, "arguments": arguments})

    def texts(self, number):
        """Whether the call failed, and the texts of its answer."""
        result = self.answer(number)["result"]
        assert all(part["type"] == "text" for part in result["content"]), result
        return result["isError"], [part["text"] for part in result["content"]]

    def call(self, tool, **arguments):
        """The document of a call that has one."""
        failed, texts = self.texts(self.begin_call(tool, **arguments))
        assert not failed, (tool, arguments, texts)
        return json.loads(texts[0])

    def error(self, tool, **arguments):
        """The text of a call that fails."""
        failed, texts = self.texts(self.begin_call(tool, **arguments))
        assert failed and len(texts) == 1, (tool, arguments, texts)
        return texts[0]

    def end(self):
        """Closes its input; its status, and what it still said."""
        self.process.stdin.close()
        left = []
        while (message := self.read()) is not None:
            left.append(message)
        return self.process.wait(), left
