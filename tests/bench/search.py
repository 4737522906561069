"""Measures searching a collected database: inside the process, and as whole runs of the program.

    python3 tests/bench/search.py BUILD DATABASE [--rounds N]

DATABASE is what tests/bench/collect.py --keep left. Prints JSON lines: the worst filter of each class of words, then whole processes.
Needs a release build (cmake --preset release -DBUILD_TESTING=ON).
"""

import argparse
import json
import pathlib
import sqlite3
import subprocess
import time


def in_process(build, database, rounds):
    """bench_search prints each class of words with each filter; shown is the filter that is slowest."""
    output = subprocess.run([build / "bench_search", database, str(rounds)], check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in output.splitlines()]
    for words in dict.fromkeys(row["words"] for row in rows):
        of_class = [row for row in rows if row["words"] == words]
        worst = max(of_class, key=lambda row: row["p99_ms"])
        print(json.dumps({"what": "inside the process", "words": words, "p50_ms": max(row["p50_ms"] for row in of_class),
                          "p99_ms": worst["p99_ms"], "slowest filter": worst["filter"], "failed": sum(row["failed"] for row in of_class)}))


def timed(command):
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.monotonic() - began) * 1000


def whole_process(build, database, samples):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        actor, record, operation = connection.execute(
            "SELECT actor_display, id, operation FROM event WHERE source = 'sign-ins' ORDER BY event_id DESC LIMIT 1 OFFSET 1000").fetchone()
    search = [build / "m365keep", "search", "--db", database, "--limit", "50", "--json"]
    for what, command in {"start alone (--version)": [build / "m365keep", "--version"], "newest 50": search, "address": [*search, actor],
                          "GUID": [*search, record], "phrase": [*search, f'"{operation}"'], "common term and filter":
                          [*search, "windows", "--actor", actor]}.items():
        times = sorted(timed(command) for _ in range(samples))
        print(json.dumps({"what": "whole process", "query": what, "p50_ms": round(times[len(times) // 2], 1),
                          "p99_ms": round(times[len(times) * 99 // 100], 1)}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("database")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    in_process(options.build, options.database, options.rounds)
    whole_process(options.build, options.database, 100)


if __name__ == "__main__":
    main()
