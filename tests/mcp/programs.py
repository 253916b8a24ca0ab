"""programs.py: `hakmem-trace mcp --allow-run` starts programs, and ends them: when their time is up, when the call is cancelled, when the client goes."""
import os
import signal
import sys
import time
import client

ERRORS = os.open("errors", os.O_RDWR | os.O_CREAT | os.O_TRUNC)


def start():
    return client.Server("--allow-run", "captures", stderr=ERRORS)


def await_file(name):
    """Waits for a file of process ids, which the program writes when all of them are there."""
    path = "captures/" + name
    for _ in range(3000):
        if os.path.exists(path):
            words = open(path).read().split()
            if words and words[-1] == "all":
                return [int(word) for word in words[:-1]]
        time.sleep(0.02)
    sys.exit("%s does not come" % name)


def are_gone(processes):
    for process in processes:
        for _ in range(1500):
            try:
                if open("/proc/%d/stat" % process).read().rsplit(")", 1)[1].split()[0] == "Z":
                    break
            except (FileNotFoundError, ProcessLookupError):
                break
            time.sleep(0.02)
        else:
            return False
    return True


def family(name, stubborn=False):
    """A program with a child, and one that left its session, all of which sleep; their ids go into `name`."""
    trap = "trap '' TERM; " if stubborn else ""
    return ["sh", "-c", trap + "sleep 1000 & one=$!; setsid sleep 1000 & two=$!; echo $$ $one $two all >%s; while :; do sleep 0.05; done" % name]


def check_run(server):
    failed, texts = server.texts(server.begin_call("run", command=["sh", "-c", "cat; echo said; echo wrong >&2"], store="sh.db"))
    assert not failed and texts[1] == "the program wrote:\nsaid\nwrong", texts
    run = server.call("run", command=["sh", "-c", "exit 7"], check="trace")
    assert run["program_status"] == 7 and os.path.dirname(run["store"]) == os.path.realpath("captures"), run
    assert server.call("faults")["store"] == os.path.basename(run["store"]) # the newest
    failed, texts = server.texts(server.begin_call("run", command=["seq", "10000"]))
    count, end = texts[1].split("\n", 1)
    assert count == "the last 2000 of 48894 bytes that the program wrote:" and end.endswith("9999\n10000"), texts[1][-80:]
    assert sum(map(len, texts)) < 16000
    failed, texts = server.texts(server.begin_call("run", command=["sh", "-c", "ls /proc/self/fd; printf '\\033[2J\\377'"]))
    assert texts[1].split("\n")[1:4] == ["0", "1", "2"] and "\x1b" not in texts[1], texts[1]
    assert server.error("run", command=["./no-such"]).startswith("hakmem-trace: run: ")


def check_faults(server):
    run = server.call("run", command=["../late"], leaks=True)
    assert run["faults"] == 1, run
    row = server.call("faults", store=run["store"])["faults"][0]
    assert row["code"] == "HKM-301", row
    assert server.call("fault", number=row["row"])["fault"]["code"] == "HKM-301"
    hunt = server.call("hunt", command=["../late"], output="hunt.db", max_tokens=8000)
    assert hunt["found"] == "instruction" and hunt["report"]["fault"]["frames"][0]["function"] == "spoil", hunt
    assert server.call("faults", store="hunt.db")["faults"], hunt
    again = server.call("hunt", command=["../late"], store=run["store"], fault=row["row"], runs=2, max_tokens=8000)
    assert again["found"] == "instruction", again


def check_times(server):
    failed, texts = server.texts(server.begin_call("run", command=family("late.ids"), timeout_seconds=2))
    assert not failed and '"program_status":143' in texts[0] and texts[1] == "run was ended after 2 s (timeout_seconds)", texts
    assert are_gone(await_file("late.ids"))
    failed, texts = server.texts(server.begin_call("run", command=family("stubborn.ids", True), timeout_seconds=2))
    assert '"program_status":137' in texts[0], texts
    assert are_gone(await_file("stubborn.ids"))
    failed, texts = server.texts(server.begin_call("hunt", command=["sleep", "1000"], timeout_seconds=2))
    assert texts[-1] == "hunt was ended after 2 s (timeout_seconds)", texts


def check_beside(server):
    """Programs that run, and others that wait for them, keep no question waiting."""
    gates = ["captures/gate%d" % turn for turn in range(4)]
    for gate in gates:
        os.mkfifo(gate)
    numbers = [server.begin_call("run", command=["sh", "-c", "read line <%s; echo $line" % os.path.basename(gate)]) for gate in gates]
    assert server.call("faults", store="hunt.db")["faults"]
    assert not server.seen
    for gate, number in zip(gates, numbers):
        with open(gate, "w") as opened: # waits until the program reads
            opened.write("opened\n")
        assert server.texts(number)[1][1] == "the program wrote:\nopened"


def check_cancel(server):
    number = server.begin_call("run", command=family("cancel.ids"), timeout_seconds=3600)
    processes = await_file("cancel.ids")
    server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number, "reason": "enough"}})
    assert are_gone(processes)
    hunt = server.begin_call("hunt", command=["sh", "-c", "echo $$ all >hunted.ids; sleep 1000"], timeout_seconds=3600)
    processes = await_file("hunted.ids")
    server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": hunt}})
    assert are_gone(processes)
    server.send({"jsonrpc": "2.0", "id": number, "method": "ping"}) # refused as long as the id is in use
    while "error" in server.answer(number):
        time.sleep(0.02)
        server.send({"jsonrpc": "2.0", "id": number, "method": "ping"})
    assert server.call("faults", store="hunt.db")["faults"] and hunt not in server.seen


def check_ends():
    server = start()
    server.begin_call("run", command=family("end.ids"), timeout_seconds=3600)
    processes = await_file("end.ids")
    assert server.end()[0] == 0 and are_gone(processes)
    for number, name in (signal.SIGTERM, "term.ids"), (signal.SIGKILL, "kill.ids"):
        server = start()
        server.begin_call("run", command=["sh", "-c", "echo $$ all >%s; exec sleep 1000" % name], timeout_seconds=3600)
        processes = await_file(name)
        server.process.send_signal(number)
        server.process.wait()
        assert are_gone(processes), name
        assert server.process.returncode == (143 if number == signal.SIGTERM else -9)


server = start()
check_run(server)
check_faults(server)
check_times(server)
check_beside(server)
check_cancel(server)
assert server.end()[0] == 0
check_ends()
os.lseek(ERRORS, 0, os.SEEK_SET)
said = os.read(ERRORS, 4000)
assert said == b"", said
