"""Measures reports: charts and mails of many customers, rendered and written, nothing sent, against the same charts drawn by matplotlib in
one Python process from the same database.

    python3 tests/bench/report.py BUILD [--customers 100] [--services 10] [--days 30] [--runs 3] [--keep FOLDER]

Every service has trouble, so each has a chart of its own; two more show all services of the customer. Prints JSON lines.
"""

import argparse
import datetime
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))
import timelines  # noqa: E402 (the path comes first)

NOW = 1_763_640_000  # 2025-11-20T12:00:00Z
ZONE = "Europe/Warsaw"
NAMES = ["Exchange Online", "Microsoft Teams", "SharePoint Online", "Microsoft Intune", "Microsoft Entra", "OneDrive for Business",
         "Microsoft 365 apps", "Power BI", "Planner", "Microsoft Defender XDR"]
PEER = '''
import datetime, resource, sqlite3, sys, time, json
import matplotlib
matplotlib.use("Agg")
import matplotlib.dates
import matplotlib.pyplot as plt
path, folder, begin, end = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
color = {"serviceOperational": "#cdeccf"}
began, charts, size = time.monotonic(), 0, 0
connection = sqlite3.connect(path)
customers = [row[0] for row in connection.execute("SELECT name FROM customer ORDER BY name")]
def save(figure, name):
    global charts, size
    figure.savefig(f"{folder}/{name}.png", dpi=200)
    plt.close(figure)
    charts += 1
    size += __import__("os").path.getsize(f"{folder}/{name}.png")
def day(at):
    return matplotlib.dates.date2num(datetime.datetime.fromtimestamp(at, datetime.timezone.utc))
for customer in customers:
    states = {}
    for service, status, first, last in connection.execute(
            "SELECT s.service, s.status, s.first_seen, s.last_seen FROM service_state s JOIN customer USING (customer_id) WHERE name = ? "
            "AND s.last_seen >= ? AND s.first_seen < ? ORDER BY s.service, s.first_seen", (customer, begin, end)):
        states.setdefault(service, []).append((max(first, begin), min(last, end), status))
    for service, rows in states.items():
        figure, axes = plt.subplots(figsize=(6, 1.3))
        axes.broken_barh([(day(first), day(last) - day(first)) for first, last, _ in rows], (0, 1),
                         facecolors=[color.get(status, "#b0413e") for *_, status in rows])
        axes.set_title(service)
        axes.xaxis_date()
        save(figure, f"{customer}-{service}")
    for name in ("overview", "history"):
        figure, axes = plt.subplots(figsize=(6, 3))
        for row, (service, stretches) in enumerate(states.items()):
            axes.broken_barh([(day(first), day(last) - day(first)) for first, last, _ in stretches], (row, 0.8),
                             facecolors=[color.get(status, "#b0413e") for *_, status in stretches])
        axes.set_yticks(range(len(states)), list(states))
        axes.xaxis_date()
        save(figure, f"{customer}-{name}")
print(json.dumps({"seconds": time.monotonic() - began, "charts": charts, "bytes": size,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
'''


def build_database(path, options):
    end = timelines.day(ZONE, "2025-11-20")
    begin = end - options.days * timelines.DAY_S - 3600
    connection = timelines.create(path)
    names = {f"Service{number}": NAMES[number % len(NAMES)] for number in range(options.services)}
    for number in range(options.customers):
        timelines.random_timeline(number, f"customer-{number:03d}", f"{number:08d}-2222-4333-8444-555555555555", list(names), begin, end + 3600,
                                  changes=8).store(connection)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return begin + 3600, end


def configure(folder, options):
    lines = ["database: bench.db", "customers:"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", "M365KEEP_CLOCK": f"{NOW}@0@{NOW}"}
    for number in range(options.customers):
        environment[f"C{number:03d}"] = f"{number:08d}-2222-4333-8444-555555555555;aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee;secret"
        lines += [f"  - name: customer-{number:03d}", f"    variable: C{number:03d}", f"    timezone: {ZONE}",
                  "    mail_to: [desk@example.org]"]
    lines += ["smtp: { server: localhost, from: desk@example.org }"]
    (folder / "m365keep.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return environment


def ours(build, folder, environment, first, last, output):
    began = time.monotonic()
    subprocess.run([build / "m365keep", "report", "--customer", "all", "--from", first, "--to", last, "--no-send", "--output", output,
                    "--quiet"], cwd=folder, env=environment, check=True)
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--customers", type=int, default=100)
    parser.add_argument("--services", type=int, default=10)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=pathlib.Path, help="leave the database and what was written in this folder")
    options = parser.parse_args()
    build = options.build.resolve()
    with tempfile.TemporaryDirectory() as text:
        folder = options.keep or pathlib.Path(text)
        folder.mkdir(exist_ok=True)
        begin, end = build_database(folder / "bench.db", options)
        environment = configure(folder, options)
        last = datetime.date(2025, 11, 19)
        first = last - datetime.timedelta(days=options.days - 1)
        times = [ours(build, folder, environment, first.isoformat(), last.isoformat(), folder / "ours") for _ in range(options.runs)]
        rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        pictures = [path.stat().st_size for path in (folder / "ours").rglob("*.png")]
        mails = [path.stat().st_size for path in (folder / "ours").rglob("*.eml")]
        (folder / "peer").mkdir(exist_ok=True)
        peer = json.loads(subprocess.run([sys.executable, "-c", PEER, folder / "bench.db", folder / "peer", str(begin), str(end)], check=True,
                                         capture_output=True, text=True).stdout)
    seconds = statistics.median(times)
    print(json.dumps({"what": "reports, rendered and written", "customers": options.customers, "services": options.services,
                      "days": options.days, "seconds": round(seconds, 2), "all": [round(value, 2) for value in times],
                      "charts": len(pictures), "ms_a_chart": round(seconds * 1000 / len(pictures), 2),
                      "chart_bytes_median": statistics.median(pictures), "chart_bytes_max": max(pictures), "mails": len(mails),
                      "mail_bytes_median": statistics.median(mails), "peak_rss_mib": round(rss / 1024, 1)}))
    print(json.dumps({"what": "matplotlib", "seconds": round(peer["seconds"], 2), "charts": peer["charts"],
                      "ms_a_chart": round(peer["seconds"] * 1000 / peer["charts"], 2), "chart_bytes_mean": peer["bytes"] // peer["charts"],
                      "peak_rss_mib": round(peer["rss"] / 1024, 1)}))
    print(json.dumps({"what": "ratio", "times_as_fast": round(peer["seconds"] / seconds, 1)}))


if __name__ == "__main__":
    main()
