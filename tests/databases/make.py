"""Makes the database of a version: with the programs that were built of it, from the simulator of that time.

Usage: make.py SOURCE_TREE BUILD_FOLDER

Writes version-N.db.xz and version-N.txt beside itself, N being the version of the schema. README.md says more."""

import contextlib
import lzma
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

import contents

HERE = pathlib.Path(__file__).resolve().parent
NOON = 1_763_640_000  # 2025-11-20T12:00:00Z
CUSTOMERS = {"contoso": "11111111-2222-4333-8444-555555555555", "fabrikam": "22222222-3333-4444-8555-666666666666"}
SENDER = "desk@contoso.example"
SERVED = {1: ["--sign-ins", 6, "--directory-audits", 3]}
SERVED[2] = [*SERVED[1], "--intune-audits", 0, "--users", 4, "--issues", 0, "--messages", 0]
SERVED[3] = [*SERVED[1], "--intune-audits", 2, "--users", 4, "--services", 2, "--issues", 1, "--messages", 2]
SERVED[4] = [*SERVED[3], "--grant-role", "Mail.Send", "--mailbox", SENDER]


def standing(at):
    """A clock that stands at this moment."""
    return f"{at}@0@{at}"


class Installation:
    """A program of some version, its database, and the simulator that it asks."""

    def __init__(self, build, folder, simulator, module):
        self.program, self.folder, self.simulator, self.module = build / "m365keep", folder, simulator, module
        self.path = folder / "keep.db"

    def start(self, customer, arguments, at):
        """Starts the program for a customer at a moment."""
        self.simulator.clock(standing(at))
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", "TZ": "UTC",
                       "M365KEEP_CUSTOMER": customer, "GRAPH_TENANT_ID": CUSTOMERS[customer],
                       "GRAPH_CLIENT_ID": self.module.CLIENT_ID, "GRAPH_CLIENT_SECRET": self.module.CLIENT_SECRET,
                       "LOGIN_URL": self.simulator.url, "GRAPH_URL": self.simulator.url, "MANAGE_URL": self.simulator.url,
                       "REQUEST_BUDGETS": "none", "M365KEEP_CLOCK": standing(at), "M365KEEP_DB": str(self.path)}
        return subprocess.Popen([self.program, *arguments], env=environment, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def run(self, customer, arguments, at, exits=(0,)):
        """Runs it to its end."""
        with self.start(customer, arguments, at) as process:
            words = process.communicate(timeout=300)[0]
        if process.returncode not in exits:
            sys.exit(f"{customer}: {' '.join(arguments)} ended with {process.returncode}:\n{words}")

    def interrupt(self, customer, arguments, at):
        """Ends it when it has read a page and waits for the next, which does not come: it leaves a cursor."""
        self.simulator.fault({"stall_after": 0}, "signIns", skip=1)
        with self.start(customer, arguments, at) as process:
            while not self.simulator.fired():
                time.sleep(0.05)
            time.sleep(1)  # the page is stored meanwhile
            process.terminate()
        self.simulator.faults([])

    def sign_in(self, customer, identity, status, hours_ago=30):
        """A sign-in of the customer's, as bytes; the same id again takes the place of the first."""
        day, hour = divmod(NOON // 3600 - hours_ago, 24)
        when = f"2025-11-{day - NOON // 86400 + 20:02}T{hour:02}:00:00Z"
        record = b'{"id":"%s","createdDateTime":"%s","appDisplayName":"Payroll","status":%s}' % (
            identity.encode(), when.encode(), status)
        self.simulator.add_record("sign-ins", record, CUSTOMERS[customer], replace=True)


def collect_events(here):
    """Two customers; a record that came in two bodies, one that could not be read, and a window left half way."""
    for customer in CUSTOMERS:
        here.sign_in(customer, f"odd-{customer}", b'{"errorCode":0,"note":"\xc5\xbb\xc3\xb3\xc5\x82w \xf0\x9f\x94\x91"}')
        here.sign_in(customer, f"changing-{customer}", b'{"errorCode":50126}')
        here.sign_in(customer, f"unreadable-{customer}", b'{"errorCode":0,"note":"\xff\xfe"}')
        here.run(customer, ["collect"], NOON)
        here.sign_in(customer, f"changing-{customer}", b'{"errorCode":0, "changed":true}')
        here.run(customer, ["collect", "--only", "sign-ins,directory-audits"], NOON + 30 * 3600)
    for number in range(5):
        here.sign_in("fabrikam", f"new-{number}", b'{"errorCode":0}', hours_ago=-31)
    here.interrupt("fabrikam", ["collect", "--only", "sign-ins"], NOON + 32 * 3600)


def collect_users(here):
    """Accounts that change, go and come."""
    for customer, tenant in CUSTOMERS.items():
        here.simulator.clock(standing(NOON + 33 * 3600))
        known = sorted(one for one, (removed, _) in here.simulator.users_at(tenant=tenant).items() if not removed)
        here.simulator.edit_user(known[0], tenant, patch={"displayName": "Zo\u00eb", "department": None})
        here.simulator.edit_user(known[1], tenant, remove="changed")
        here.simulator.edit_user(known[2], tenant, remove="deleted")
        here.simulator.edit_user(None, tenant, set={"displayName": "Someone new"})
        here.run(customer, ["collect", "--only", "users"], NOON + 33 * 3600)


def scan_health(here):
    """Scans every five minutes, one of them in vain; a status that changes, an issue and a message that are edited."""
    for customer, tenant in CUSTOMERS.items():
        for number in range(1, 7):
            if number == 3:
                here.simulator.fault({"status": 400}, endpoint="healthOverviews")
            if number == 4:
                here.simulator.edit_announcement("overview", {"id": "Exchange", "service": "Exchange Online",
                                                              "status": "serviceDegradation"}, tenant)
                here.simulator.edit_announcement("issue", {
                    "id": "EX900001", "service": "Exchange Online", "title": "Mail is slow", "classification": "advisory",
                    "startDateTime": "2025-11-21T21:00:00Z", "lastModifiedDateTime": "2025-11-21T22:16:00Z", "posts": []}, tenant)
            if number == 5:
                here.simulator.edit_announcement("issue", {
                    "id": "EX900001", "service": "Exchange Online", "title": "Mail was slow", "classification": "advisory",
                    "isResolved": True, "startDateTime": "2025-11-21T21:00:00Z", "endDateTime": "2025-11-21T22:20:00Z",
                    "lastModifiedDateTime": "2025-11-21T22:21:00Z", "posts": []}, tenant)
            here.run(customer, ["collect", "--only", "health"], NOON + 34 * 3600 + number * 300, exits=(1, 3) if number == 3 else (0,))
            here.simulator.faults([])


def report(here):
    """A mail that was sent and one that waits."""
    lines = [f"database: {here.path}", f"smtp: {{transport: graph, from: {SENDER}}}", "customers:"]
    for name, tenant in CUSTOMERS.items():
        lines += [f"  - {{name: {name}, variable: CUSTOMER, services: [Exchange], mail_to: [ada@{name}.example]}}"]
    for name, tenant in CUSTOMERS.items():
        (here.folder / ".env").write_text(f"CUSTOMER={tenant};{here.module.CLIENT_ID};{here.module.CLIENT_SECRET}\n", encoding="utf-8")
        (here.folder / "m365keep.yaml").write_text("\n".join([*lines[:3], lines[3 + list(CUSTOMERS).index(name)]]) + "\n",
                                                  encoding="utf-8")
        if name == "fabrikam":
            here.simulator.fault({"status": 503}, endpoint="sendMail")
        here.run(name, ["report", "--customer", name], NOON + 48 * 3600, exits=(3,) if name == "fabrikam" else (0,))
    here.simulator.faults([])


def fill(here, version):
    collect_events(here)
    if version >= 2:
        collect_users(here)
    if version >= 3:
        scan_health(here)
    if version >= 4:
        report(here)


def compact(path):
    """One file without a log, as small as it goes; it still begins in WAL mode."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        return connection.execute("PRAGMA user_version").fetchone()[0]


def main():
    tree, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    os.environ["M365KEEP_BUILD"] = str(build)
    sys.path.insert(0, str(tree / "tests" / "integration"))
    import simulator as module  # pylint: disable=import-outside-toplevel,import-error

    version = max(int(file.name[:4]) for file in (tree / "migrations").glob("[0-9]*.sql"))
    tenants = [argument for tenant in CUSTOMERS.values() for argument in ("--tenant", tenant)]
    with tempfile.TemporaryDirectory() as folder, module.Simulator() as simulator:
        simulator.start(*SERVED[min(version, max(SERVED))], *tenants, "--days", 4, "--page-size", 2, clock=standing(NOON))
        here = Installation(build, pathlib.Path(folder), simulator, module)
        fill(here, version)
        assert compact(here.path) == version
        (HERE / f"version-{version}.txt").write_text("\n".join(contents.contents(here.path)) + "\n", encoding="utf-8")
        (HERE / f"version-{version}.db.xz").write_bytes(lzma.compress(here.path.read_bytes(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
