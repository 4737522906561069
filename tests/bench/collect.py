"""Measures collecting, by ratios within one run: m365keep against the bare loop, parsing alone, and a Python stack.

    python3 tests/bench/collect.py BUILD [--sign-ins N] [--directory-audits N] [--keep FOLDER] [--python]

Prints JSON lines. Needs a release build (cmake --preset release -DBUILD_TESTING=ON).
"""

import argparse
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

TENANT = "11111111-2222-4333-8444-555555555555"
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))


def credentials():
    import simulator as sim
    return sim.CLIENT_ID, sim.CLIENT_SECRET


def start_simulator(build, folder, arguments, clock):
    ready = folder / "ready"
    process = subprocess.Popen([build / "m365keep-sim", "--exit-with-parent", "--ready-file", ready, "--clock", clock, *arguments],
                               stdout=subprocess.DEVNULL)
    while not ready.exists():
        if process.poll() is not None:
            sys.exit("the simulator did not start")
        time.sleep(0.01)
    return process, json.loads(ready.read_text())["url"]


def collect(build, folder, url, clock, *arguments):
    """Runs collect once; returns its report, seconds, peak memory and CPU time."""
    client_id, secret = credentials()
    environment = {"PATH": os.environ["PATH"], "GRAPH_TENANT_ID": TENANT, "GRAPH_CLIENT_ID": client_id, "GRAPH_CLIENT_SECRET": secret,
                   "LOGIN_URL": url, "GRAPH_URL": url, "MANAGE_URL": url, "REQUEST_BUDGETS": "none", "M365KEEP_CLOCK": clock,
                   "M365KEEP_DB": str(folder / "bench.db")}
    began = time.monotonic()
    process = subprocess.Popen([build / "m365keep", "collect", "--json", *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    most_log = 0
    output = process.stdout
    os.set_blocking(output.fileno(), False)
    text = b""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        text += output.read() or b""
        log = folder / "bench.db-wal"
        most_log = max(most_log, log.stat().st_size if log.exists() else 0)
        if pid:
            break
        time.sleep(0.02)
    seconds = time.monotonic() - began
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"collect failed: {process.stderr.read().decode()}")
    return json.loads(text), seconds, usage, most_log


def show(what, **figures):
    print(json.dumps({"what": what, **{name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}}),
          flush=True)


def run_json(*command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def totals(report, name):
    return sum(source[name] for customer in report["customers"] for source in customer["sources"])


def python_stack(url, folder, collection, limit):
    """requests-and-sqlite3 as scripts do it: pages by urllib, json, executemany, no index, no full text."""
    client_id, secret = credentials()
    form = urllib.parse.urlencode({"client_id": client_id, "client_secret": secret, "grant_type": "client_credentials",
                                   "scope": f"{url}/.default"}).encode()
    token = json.load(urllib.request.urlopen(f"{url}/{TENANT}/oauth2/v2.0/token", form))["access_token"]
    connection = sqlite3.connect(folder / "python.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE event (id TEXT, time TEXT, actor TEXT, raw TEXT)")
    began = time.monotonic()
    link, records = f"{url}/v1.0/auditLogs/{collection}?$top=1000", 0
    while link and records < limit:
        request = urllib.request.Request(link, headers={"Authorization": f"Bearer {token}"})
        page = json.load(urllib.request.urlopen(request))
        with connection:
            connection.executemany("INSERT INTO event VALUES (?,?,?,?)",
                                   [(r["id"], r["createdDateTime"], r["userPrincipalName"], json.dumps(r)) for r in page["value"]])
        records += len(page["value"])
        link = page.get("@odata.nextLink")
    seconds = time.monotonic() - began
    show("Python stack (no index, no full text)", records=records, seconds=seconds, per_second=records / seconds)
    return records / seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--sign-ins", type=int, default=133000)
    parser.add_argument("--directory-audits", type=int, default=67000)
    parser.add_argument("--keep", help="a folder in which the database stays")
    parser.add_argument("--no-bare-loop", action="store_true")
    options = parser.parse_args()
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="m365keep-bench"))
    folder.mkdir(exist_ok=True)
    for leftover in [folder / "ready", *folder.glob("*.db*")]:
        leftover.unlink(missing_ok=True)
    clock = "1800000000@0@1800000000"
    records = options.sign_ins + options.directory_audits
    process, url = start_simulator(options.build, folder,
                                   ["--sign-ins", str(options.sign_ins), "--directory-audits", str(options.directory_audits), "--days", "29"],
                                   clock)
    try:
        report, seconds, usage, log = collect(options.build, folder, url, clock)
        with sqlite3.connect(f"file:{folder}/bench.db?mode=ro", uri=True) as connection:
            count, raw = connection.execute("SELECT count(*), sum(length(CAST(raw AS BLOB))) FROM event").fetchone()
        size = (folder / "bench.db").stat().st_size
        rate = count / seconds
        show("collect, HTTP to durable and searchable", asked=records, records=count, seconds=seconds, per_second=rate,
             cpu_seconds=usage.ru_utime + usage.ru_stime, rss_mib=usage.ru_maxrss / 1024, wal_mib=log / 2**20,
             bytes_per_record=raw / count, file_over_raw=size / raw, inserted=totals(report, "inserted"))
        first_bytes = totals(report, "bytes")
        report, seconds, usage, log = collect(options.build, folder, url, clock)
        show("second run", seconds=seconds, inserted=totals(report, "inserted"), updated=totals(report, "updated"),
             bytes_ratio=totals(report, "bytes") / first_bytes)
        parse = run_json(options.build / "bench_parse", folder / "bench.db")
        show("parsing alone", **parse)
        report, seconds, usage, log = collect(options.build, folder, url, clock, "--since", "29d")
        again = totals(report, "fetched") / seconds
        show("all duplicates", records=totals(report, "fetched"), seconds=seconds, per_second=again, over_parsing=again / parse["per_second"],
             inserted=totals(report, "inserted"), rss_mib=usage.ru_maxrss / 1024)
        python = python_stack(url, folder, "signIns", min(options.sign_ins, 100000))
        show("ratio to the Python stack", ratio=rate / python)
    finally:
        process.terminate()
        process.wait()
    if not options.no_bare_loop:
        bare = run_json(options.build / "bench_bare_loop", folder / "bench.db", folder / "bare.db")
        show("bare loop", **bare)
        show("ratio to the bare loop", ratio=rate / bare["per_second"])
    if not options.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
