"""What tests of single runs of collect share: a run with its words and its report, and a desk at which it is done.

The person on call reads what a run says on stderr: golden/NAME.txt, after the test's name, written anew by
M365KEEP_UPDATE_GOLDEN=1."""

import contextlib
import json
import os
import pathlib
import re
import time

import conftest
import database
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT

GOLDEN = pathlib.Path(__file__).parent / "golden"
UPDATE_GOLDEN = os.environ.get("M365KEEP_UPDATE_GOLDEN") == "1"

GUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
KNOWN_GUIDS = {TENANT, CLIENT_ID}
WORD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


def moving_clock(rate):
    """A clock that starts at noon now and runs `rate` times as fast."""
    return f"{conftest.NOON}@{rate}@{time.time():.6f}"


def normalised(words, sources):
    """Log lines without what differs from run to run. `sources`: text -> what stands for it."""
    for text, stand_in in sources.items():
        words = words.replace(text, stand_in)
    words = re.sub(r"\btime=\S+", "time=<time>", words)
    words = re.sub(r"\bclock=\S+", "clock=<clock>", words)
    words = re.sub(r"\brequest_id=\S+", "request_id=<request-id>", words)
    words = re.sub(r"\bafter \d+ ms\b", "after <n> ms", words)
    return GUID.sub(lambda found: found[0] if found[0] in KNOWN_GUIDS else "<guid>", words)


def by_source(words):
    """The same lines, those of one source together: which source ends first is chance."""
    names = ["", "users", "sign-ins", "directory-audits", "intune-audits", "health"]
    lines = words.splitlines(keepends=True)
    return "".join(sorted(lines, key=lambda line: names.index(fields(line).get("source", ""))))


def fields(line):
    """A logfmt line as a dictionary."""
    return {key: re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value for key, value in WORD.findall(line)}


class Run:
    """One run of collect: its exit status, words, report, and what it asked of the service."""

    def __init__(self, result, requests):
        self.status, self.words, self.requests = result.returncode, result.stderr, requests
        self.report = json.loads(result.stdout) if result.stdout else None
        self.lines = [fields(line) for line in result.stderr.splitlines()]

    def source(self, name="sign-ins"):
        return next(source for source in self.report["customers"][0]["sources"] if source["source"] == name)

    def level(self, level):
        return [line for line in self.lines if line["level"] == level]

    def asked(self, endpoint="signIns"):
        return [request for request in self.requests if request["endpoint"] == endpoint]

    def check_quiet(self):
        """The run healed whatever there was by itself: done, and nobody need read anything."""
        assert self.status == 0, self.words
        assert not self.level("error") and not self.level("warn"), self.words

    def check_error(self, code, status="failed", source="sign-ins", http=None):
        """The source's error, the same on stderr and in the report, with all that the person on call needs. A line that names no
        source speaks for all of them."""
        line = next(line for line in self.level("error") + self.level("warn") if line.get("source", source) == source and "status" in line)
        error = self.source(source)["error"]
        assert self.source(source)["status"] == status == line["status"]
        assert error["code"] == code == line["code"] and error["message"] == line["msg"]
        assert line["customer"] == "default" and error["message"].endswith((".", "!", "?", ")")) and len(error["message"]) < 500
        assert error["hint"] and error["hint"] == line["next"]
        assert error["request_id"] == line.get("request_id")
        assert line.get("http") == (str(http) if http else None)
        if http:
            assert error["request_id"] in {request["request_id"] for request in self.requests}
        assert CLIENT_SECRET not in self.words and "Bearer" not in self.words
        return error


class Desk:
    """A database, the simulator that it is collected from, the sources that are collected unless a test says otherwise, and the
    test's golden file."""

    def __init__(self, keep, simulator, folder, golden, only="sign-ins,directory-audits"):
        self.keep, self.simulator, self.golden, self.only = keep, simulator, golden, only
        self.path = folder / "m365keep.db"

    def run(self, *arguments, env=None, clock=None):
        before = len(self.simulator.requests())
        if "--only" not in arguments:
            arguments = (*arguments, "--only", self.only)
        result = self.keep(["collect", "--json", "--db", self.path, *arguments], sim=self.simulator,
                           env={**(env or {}), **({"M365KEEP_CLOCK": clock} if clock else {})})
        return Run(result, self.simulator.requests()[before:])

    def check_golden(self, run, more=None):
        sources = {self.simulator.url: "<url>", self.simulator.url.split("://")[1]: "<host>", **(more or {})}
        words, path = by_source(normalised(run.words, sources)), GOLDEN / f"{self.golden}.txt"
        if UPDATE_GOLDEN:
            path.write_text(words, encoding="utf-8")
        assert path.exists(), f"{path} is missing; M365KEEP_UPDATE_GOLDEN=1 writes it:\n{words}"
        assert words == path.read_text(encoding="utf-8")

    def truth(self, *sources):
        """What a complete collector holds, of these sources or of all."""
        return {row for row in self.simulator.truth() if not sources or row[1] in sources}

    def rows(self):
        """What is held; every record once."""
        if not self.path.exists():
            return set()
        with contextlib.closing(database.connect(self.path)) as connection:
            keys = connection.execute("SELECT tenant_id, source, dedupe_key FROM events").fetchall()
        assert len(keys) == len(set(keys))
        return database.truth(self.path)

    def query(self, text):
        with contextlib.closing(database.connect(self.path)) as connection:
            return connection.execute(text).fetchall()

    def check_completes(self, *arguments, clock=None):
        """Without the fault the next run ends with everything, once, and all of it consistent."""
        self.simulator.faults([])
        run = self.run(*arguments, clock=clock)
        assert run.status == 0, run.words
        assert self.rows() == self.truth(*(["sign-ins"] if arguments else []))
        database.check_integrity(self.path)
        holes = self.query("""SELECT a."to" FROM coverage a WHERE NOT EXISTS (SELECT 1 FROM coverage b WHERE b.customer = a.customer
                              AND b.source = a.source AND b."from" = a."to") GROUP BY a.customer, a.source""")
        assert len(holes) == (1 if arguments else 2)
        assert self.query("SELECT DISTINCT state FROM coverage WHERE state NOT IN ('read', 'settled')") == []
        return run


def golden_name(test):
    return re.sub(r"[^a-z0-9]+", "-", test.removeprefix("test_").lower()).strip("-")


def graph_error(code, message):
    return json.dumps({"error": {"code": code, "message": message, "innerError": {"date": "2025-11-20T12:00:00"}}})


def refused(status, code, message):
    return {"status": status, "body": graph_error(code, message)}
