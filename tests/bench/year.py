"""Measures how a database grows over a simulated year in which retention keeps a month: it should not.

    python3 tests/bench/year.py BUILD [--days N] [--retention N] [--keep FOLDER]

A day has four runs of collect, four scans beside, and one prune. Records come late and change, accounts change, go and come back, issues and
messages are edited. Prints a JSON line for each week and, last of all, the file's size as a curve. Needs a release build (cmake --preset
release -DBUILD_TESTING=ON).
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
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))

BEGIN = 1_763_640_000  # 2025-11-20T12:00:00Z
HOUR, DAY = 3600, 86400
MONTH = ["--days", "30", "--sign-ins", "6000", "--directory-audits", "2400", "--intune-audits", "600", "--users", "300", "--issues", "40",
         "--messages", "120", "--secret-expires", "1000"]
WIDTH = 60  # of the curve


class Year:
    def __init__(self, build, folder, retention):
        from simulator import CLIENT_ID, CLIENT_SECRET, TENANT, Simulator
        self.build, self.folder, self.path, self.at = build, folder, folder / "year.db", BEGIN
        self.simulator = Simulator().start(*MONTH, clock=f"{BEGIN}@0@{BEGIN}")
        url = self.simulator.url
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GRAPH_TENANT_ID": TENANT, "GRAPH_CLIENT_ID": CLIENT_ID,
                            "GRAPH_CLIENT_SECRET": CLIENT_SECRET, "LOGIN_URL": url, "GRAPH_URL": url, "MANAGE_URL": url,
                            "REQUEST_BUDGETS": "none", "DB_DAYS_SCOPE": str(retention)}
        (folder / "m365keep.yaml").write_text("schedule: {collect: 6h, health: 3h}\n", encoding="utf-8")
        self.most_log = 0

    def run(self, *command):
        environment = {**self.environment, "M365KEEP_CLOCK": f"{self.at}@0@{BEGIN}"}
        result = subprocess.run([self.build / "m365keep", *command, "--db", self.path], env=environment, cwd=self.folder, text=True,
                                capture_output=True, check=False)
        if result.returncode:
            sys.exit(f"m365keep {' '.join(command)}: status {result.returncode}: {result.stdout}{result.stderr}")
        log = pathlib.Path(f"{self.path}-wal")
        self.most_log = max(self.most_log, log.stat().st_size if log.exists() else 0)

    def move(self, seconds):
        self.at += seconds
        self.simulator.clock(f"{self.at}@0@{BEGIN}")

    def day(self):
        for _ in range(4):
            self.move(3 * HOUR)
            self.run("scan")
            self.move(3 * HOUR)
            self.run("collect")
        self.run("maintain", "prune")

    def measure(self):
        """Sizes in bytes and rows, as they are now; the log is the largest of the week, as a run left it."""
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            def ask(query):
                return connection.execute(query).fetchone()[0]
            size = ask("PRAGMA page_size")
            found = {"file": self.path.stat().st_size, "used": (ask("PRAGMA page_count") - ask("PRAGMA freelist_count")) * size,
                     "log": self.most_log, "fts": ask("SELECT sum(length(block)) FROM event_fts_data")}
            for table in ("event", "event_version", "user", "user_change", "service_state", "health_scan", "service_issue", "issue_version",
                          "service_message", "message_version", "coverage_span", "unreadable_record"):
                found[table] = ask(f"SELECT count(*) FROM {table}")
        self.most_log = 0
        return found


def curve(weeks):
    """A line a week."""
    most = max(week["file"] for week in weeks)
    for week in weeks:
        bar = "#" * round(WIDTH * week["used"] / most)
        yield f"{week['day']:4d} {week['file'] / 2**20:7.2f} MiB {bar}{'.' * (round(WIDTH * week['file'] / most) - len(bar))}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--retention", type=int, default=30)
    parser.add_argument("--keep", help="a folder in which the database stays")
    options = parser.parse_args()
    os.environ["M365KEEP_BUILD"] = str(options.build)
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="m365keep-year"))
    folder.mkdir(exist_ok=True)
    for leftover in folder.glob("year.db*"):
        leftover.unlink()
    year, weeks, began = Year(options.build, folder, options.retention), [], time.monotonic()
    try:
        year.run("collect")
        for day in range(options.days + 1):
            if day:
                year.day()
            if day % 7 == 0 or day == options.days:
                weeks.append({"day": day, **year.measure()})
                print(json.dumps(weeks[-1]), flush=True)
        year.run("maintain", "verify")
    finally:
        year.simulator.stop()
    seconds = time.monotonic() - began
    if not options.keep:
        shutil.rmtree(folder)
    flat = [week["file"] for week in weeks if week["day"] > options.retention] or [weeks[-1]["file"]]
    print(json.dumps({"days": options.days, "seconds": round(seconds, 1), "verified": True, "least": min(flat), "most": max(flat),
                      "last": flat[-1]}))
    print("\n".join(["", " day    file (#: in use, .: free)", *curve(weeks)]))


if __name__ == "__main__":
    main()
