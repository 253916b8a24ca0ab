"""Runs programs under hakmem and reads what it reported; for the tests of tests/faults and tests/kinds."""
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import tempfile

SOURCE = os.path.realpath(os.environ.get("SOURCE") or os.path.join(os.path.dirname(__file__), "../../.."))
BUILD = os.path.realpath(os.environ.get("BUILD") or os.path.join(SOURCE, "build"))
SECONDS = 240  # until a run counts as hung


class Run:
    """What a run gave: status (negative: the signal), out and err, and hakmem's reports in err."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        self.reports = [(int(code), name) for code, name in re.findall(r"^hakmem: HKM-(\d+) ([a-z-]+)\b", err, re.M)]
        summaries = re.findall(r"^SUMMARY: hakmem: (.*)$", err, re.M)
        self.summary = summaries[0] if summaries else ""

    def codes(self):
        return [code for code, _ in self.reports]


def fault_names():
    """Names of the faults by code, from the one table of them."""
    with open(os.path.join(SOURCE, "src/faults.def"), encoding="utf-8") as table:
        return {int(code): name for code, name in re.findall(r'^FAULT\(\w+, (\d+), "([a-z-]+)"', table.read(), re.M)}


def clean_environment():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAKMEM_")}
    environment.pop("LD_PRELOAD", None)
    environment["LC_ALL"] = "C"
    return environment


def run(command, environment=None, seconds=SECONDS, stdin=subprocess.DEVNULL):
    """Runs a command in an empty directory of its own, with variables added to a clean environment."""
    directory = tempfile.mkdtemp(prefix="run.")
    try:
        with subprocess.Popen(command, cwd=directory, env={**clean_environment(), **(environment or {})}, stdin=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
            try:
                out, err = process.communicate(timeout=seconds)
                status = process.returncode
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
                status = "hung"
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return Run(status, out.decode(errors="replace"), err.decode(errors="replace"))


def run_hakmem(level, command, *options):
    """Runs a command under `hakmem-trace run` in a level, with leaks as faults."""
    return run([f"{BUILD}/hakmem-trace", "run", f"--check={level}", "--leaks=error", *options, "--", *command])


def in_parallel(function, items):
    """The function's results for the items, in their order; two at a time for each processor."""
    with concurrent.futures.ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        return list(pool.map(function, items))


def compile_all():
    """Compiles the programs of tests/faults/corpus and tests/faults/correct; ends where one does not."""
    done = subprocess.run([f"{SOURCE}/tests/faults/corpus/compile"], env={**os.environ, "BUILD": BUILD}, check=False)
    if done.returncode != 0:
        raise SystemExit("a program of the corpus does not compile: see above")
