"""Measures what keeps a large database in order: pruning half of it beside a writer and two readers, and verify, backup, restore, optimize.

    python3 tests/bench/prune.py BUILD --keep FOLDER [--events N] [--prune N] [--alone S] [--only-prune]

FOLDER keeps the database that was collected (bench.db, as tests/bench/collect.py --keep leaves it; made when it is not there), so that
the next run begins at once; work is done on copies beside it: three times its size must be free. Prints JSON lines. Needs a release build
(cmake --preset release -DBUILD_TESTING=ON).
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

import collect
from collect import TENANT, show

COLLECTED = "1800000000@0@1800000000"
DAYS = 30  # of retention: the clock stands so that its line falls where as many events lie before it as are to go
GONE = "SELECT total(records) FROM retention WHERE source NOT IN ('users', 'health', 'mails')"


def drop(path):
    """Removes a database and what lies beside it: log, locks, reserve."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def ask(path, query, *values):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(query, values).fetchone()


def size(path, *more):
    return sum(file.stat().st_size for file in (pathlib.Path(f"{path}{name}") for name in ("", *more)) if file.exists())


def database(build, folder, events):
    """The collected database; made unless a whole one is there."""
    path = folder / "bench.db"
    if path.exists() and ask(path, "SELECT total(records) FROM collections")[0] >= events * 0.99:  # some come late
        return path
    drop(path)
    (folder / "ready").unlink(missing_ok=True)
    process, url = collect.start_simulator(build, folder, ["--sign-ins", str(events * 2 // 3), "--directory-audits",
                                                           str(events - events * 2 // 3), "--days", "29"], COLLECTED)
    try:
        collect.collect(build, folder, url, COLLECTED)
    finally:
        process.terminate()
        process.wait()
    return path


def copy(path, to):
    """A copy without a log; shares its blocks with the original where the file system can."""
    drop(to)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    subprocess.run(["cp", "--reflink=auto", path, to], check=True)
    return to


class Work:
    """One run of m365keep maintain: seconds, peak memory, the largest log, what it said."""

    def __init__(self, build, path, *arguments, clock=COLLECTED, days=0):
        client_id, secret = collect.credentials()
        environment = {"PATH": os.environ["PATH"], "HOME": str(path.parent), "GRAPH_TENANT_ID": TENANT, "GRAPH_CLIENT_ID": client_id,
                       "GRAPH_CLIENT_SECRET": secret, "M365KEEP_CLOCK": clock, "DB_DAYS_SCOPE": str(days)}
        self.path, self.most_log, self.began = path, 0, time.monotonic()
        self.process = subprocess.Popen([build / "m365keep", "maintain", *arguments, "--db", path], env=environment, cwd=path.parent,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait(self):
        pid = 0
        while not pid:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            self.most_log = max(self.most_log, size(f"{self.path}-wal"))
            time.sleep(0.01)
        self.seconds, self.rss = time.monotonic() - self.began, usage.ru_maxrss / 1024
        self.cpu = usage.ru_utime + usage.ru_stime
        self.process.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it, too
        self.words, self.errors = (pipe.read().decode().strip() for pipe in (self.process.stdout, self.process.stderr))
        if self.process.returncode:
            sys.exit(f"{' '.join(map(str, self.process.args))}: status {self.process.returncode}: {self.words}{self.errors}")
        return self

    def show(self, what, **figures):
        try:
            said = json.loads(self.words)
        except ValueError:
            said = self.words.splitlines()
        show(what, seconds=self.seconds, cpu_seconds=self.cpu, rss_mib=self.rss, wal_mib=self.most_log / 2**20, **figures, said=said)


class Others:
    """Who writes and reads beside it: bench_waits."""

    def __init__(self, build, path):
        self.process = subprocess.Popen([build / "bench_waits", path], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.phase("beginning")  # opened, and warm

    def phase(self, name):
        """Ends a phase and returns its figures."""
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        if self.process.wait():
            sys.exit("bench_waits failed")


def line_of(path, rows):
    """The moment before which `rows` of the oldest events lie, and a clock that has it DAYS ago."""
    [event_id] = ask(path, "SELECT event_id FROM event ORDER BY event_id LIMIT 1 OFFSET ?", rows)
    now = (event_id >> 20) + DAYS * 86400
    return event_id >> 20, f"{now}@0@{now}"


def prune(build, path, rows, alone_s):
    """Prunes beside others, who are measured before it, beside it and after it."""
    line, clock = line_of(path, rows)
    Work(build, path, "prune", "--dry-run", "--json", clock=clock, days=DAYS).wait().show("prune --dry-run")
    others = Others(build, path)
    time.sleep(3)
    others.phase("warm")
    time.sleep(alone_s)
    figures = [others.phase("without prune")]
    before, events = size(path, "-wal"), ask(path, "SELECT count(*) FROM event")[0]
    pruned = ask(path, GONE)[0]
    work = Work(build, path, "prune", "--json", clock=clock, days=DAYS).wait()
    figures.append(others.phase("beside prune"))
    after = size(path, "-wal")
    time.sleep(alone_s)
    figures.append(others.phase("after prune"))
    others.stop()
    for phase in figures:
        print(json.dumps(phase), flush=True)
    left = ask(path, "SELECT count(*) FROM event WHERE event_id < ?", line << 20)[0]
    gone = ask(path, GONE)[0] - pruned
    work.show("prune", events=events, gone=int(gone), left_before_line=left, per_second=gone / work.seconds, mib_before=before / 2**20,
              mib_after=after / 2**20)


def others_of_maintain(build, path, work):
    """verify, backup, restore and optimize of the whole; `work` is a copy, and is again afterwards."""
    saved = path.parent / "backup.db"
    drop(saved)
    Work(build, work, "verify").wait().show("verify")
    Work(build, work, "backup", str(saved)).wait().show("backup", mib=size(saved) / 2**20)
    drop(work)
    Work(build, work, "restore", str(saved)).wait().show("restore")
    Work(build, saved, "optimize", "--json").wait().show("optimize")
    drop(saved)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--keep", required=True, type=lambda text: pathlib.Path(text).resolve(), help="a folder in which the database stays")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--prune", type=int, default=0, help="events that go (half of all)")
    parser.add_argument("--alone", type=float, default=30, help="seconds that others are measured for without prune")
    parser.add_argument("--only-prune", action="store_true")
    options = parser.parse_args()
    options.keep.mkdir(exist_ok=True)
    path = database(options.build, options.keep, options.events)
    if shutil.disk_usage(options.keep).free < 3 * size(path):
        sys.exit("not enough space beside the database")
    work = copy(path, options.keep / "work.db")
    try:
        if not options.only_prune:
            others_of_maintain(options.build, path, work)
        prune(options.build, work, options.prune or options.events // 2, options.alone)
        if not options.only_prune:
            Work(options.build, work, "verify").wait().show("verify after prune")
            Work(options.build, work, "optimize", "--json").wait().show("optimize after prune", mib_after=size(work, "-wal") / 2**20)
    finally:
        drop(work)


if __name__ == "__main__":
    main()
