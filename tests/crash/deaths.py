"""deaths.py LIBRARY|- PROGRAM FOLDER: ends programs in many ways; prints their wait status as the kernel
tells it, core bit included, with LIBRARY preloaded or without."""
import os, resource, signal, sys

library, told, folder = sys.argv[1:4]
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def run(arguments, number=0):
    """Wait status of a program that gets signal `number` when it is ready, or goes on (0)."""
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(in_read, 0)
        os.dup2(out_write, 1)
        os.closerange(3, 50)
        if library != "-":
            os.environ["LD_PRELOAD"] = library
        os.execv(arguments[0], arguments)
    os.close(in_read)
    os.close(out_write)
    if "when_told" in arguments[0]:
        os.read(out_read, 100)
        if number:
            os.kill(child, number)
        else:
            os.write(in_write, b"\n")
    os.close(in_write)
    status = os.waitpid(child, 0)[1]
    os.close(out_read)
    return status


for number in sorted(signal.valid_signals()):
    if number not in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD,
                      signal.SIGCONT, signal.SIGURG, signal.SIGWINCH) and number < 32:
        print("sent", number, hex(run([told, "end"], number)))
for what in ("crash", "abort", "end"):
    print(what, hex(run([told, what])))
for name in sys.argv[4:]:
    print(name, hex(run([os.path.join(folder, name)])))
