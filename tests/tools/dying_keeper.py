"""Listens at a keeper's name after its death, as the kernel does while a killed process is on its way out.

`dying_keeper.py name PID` prints the abstract name at which the process listens.
`dying_keeper.py listen NAME FILE` makes FILE once it listens, takes one connection and ends without a word.
"""
import os
import socket
import sys
import time


def name_of(pid):
    files = []
    for file in os.listdir(f"/proc/{pid}/fd"):
        files.append(os.readlink(f"/proc/{pid}/fd/{file}"))
    with open("/proc/net/unix", encoding="utf-8") as sockets:
        for line in sockets:
            fields = line.split()
            if len(fields) == 8 and f"socket:[{fields[6]}]" in files and fields[7].startswith("@hakmem-"):
                return fields[7][1:]
    sys.exit(f"process {pid} listens at no name")


def listen(name, ready):
    listening = socket.socket(socket.AF_UNIX)
    for _ in range(1200):
        try:
            listening.bind("\0" + name)
            break
        except OSError:  # the kernel has not closed the keeper's socket yet
            time.sleep(0.1)
    listening.listen(16)
    listening.settimeout(120)
    with open(ready, "w", encoding="utf-8"):
        pass
    listening.accept()


if sys.argv[1] == "name":
    print(name_of(int(sys.argv[2])))
else:
    listen(sys.argv[2], sys.argv[3])
