"""Measures how near collecting comes to what Microsoft's published budgets allow at best, with the simulator enforcing them.

    python3 tests/bench/budgets.py BUILD [--only FAMILY] [--json]

Each row is one run on a simulated clock that goes RATE times as fast as ours: so many requests against one budget. "best" is the least
time in which so many can arrive without a violation, the first one at 0; "took" is the time from the first to the last arrival at the
simulator, by its own clock; violations and broken Retry-Afters are counted by the simulator. A start of the program costs milliseconds of
ours, and so RATE times as many of the simulated clock: the ratio is a little worse than it is at the real pace.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))
import simulator as sim  # noqa: E402 (the path comes first)

NOON = 1_763_640_000
NONE = ["--sign-ins", "0", "--directory-audits", "0", "--intune-audits", "0", "--users", "5", "--issues", "0", "--messages", "0",
        "--late-percent", "0", "--empty-pages", "0", "--repeat-percent", "0"]

# name: (family in the simulator's statistics, source, tenants, rate, options, budgets as (requests, seconds) over all tenants)
CASES = {
    "identity reports, one tenant": ("reports", "sign-ins", 1, 20, ["--sign-ins", "3000", "--page-size", "10"], [(5, 10)]),
    "identity reports, 100 tenants of one app": (
        "reports", "directory-audits", 100, 2, ["--directory-audits", "100", "--days", "1", "--page-size", "20"], [(122, 10)]),
    "users with signInActivity, one tenant": ("signInActivity", "users", 1, 20, ["--users", "14000"], [(10, 60)]),
    "users with signInActivity, 20 tenants of one app": ("signInActivity", "users", 20, 20, ["--users", "1100"], [(10, 60)]),
    "service communications": (
        "announcements", "health", 1, 100, ["--messages", "8300", "--page-size", "10"], [(240, 60), (800, 3600)]),
    "Intune, one tenant": ("intune", "intune-audits", 1, 2, ["--intune-audits", "30000", "--page-size", "10"], [(1000, 20)]),
    "directory, one tenant": ("directory", "users", 1, 3, ["--users", "17000", "--no-premium", "--page-size", "1"], [(1750, 10)]),
}


def best_seconds(requests, budgets):
    """The least time between the first and the last of so many arrivals: each goes as soon as every budget lets it."""
    arrivals = []
    for number in range(requests):
        moment = arrivals[-1] if arrivals else 0.0
        for most, seconds in budgets:
            if number >= most:
                moment = max(moment, arrivals[number - most] + seconds)
        arrivals.append(moment)
    return arrivals[-1] if arrivals else 0.0


def measure(build, name):
    family, source, tenants, rate, options, budgets = CASES[name]
    guids = [f"{number:08d}-2222-4333-8444-555555555555" for number in range(1, tenants + 1)]
    began = time.time()
    clock = f"{NOON}@{rate}@{began:.3f}"
    arguments = [*NONE, *options, "--budgets", "documented", *(a for guid in guids for a in ("--tenant", guid))]
    with tempfile.TemporaryDirectory() as text, sim.Simulator().start(arguments, clock=clock) as service:
        folder = pathlib.Path(text)
        environment = {"PATH": "/usr/bin:/bin", "LOGIN_URL": service.url, "GRAPH_URL": service.url, "MANAGE_URL": service.url,
                       "M365KEEP_CLOCK": clock}
        lines = ["database: bench.db", "customers:"]
        for number, guid in enumerate(guids):
            environment[f"C{number}"] = f"{guid};{sim.CLIENT_ID};{sim.CLIENT_SECRET}"
            lines += [f"  - name: c{number}", f"    variable: C{number}", f"    sources: [{source}]"]
        (folder / "m365keep.yaml").write_text("\n".join(lines) + "\n")
        run = subprocess.run([build / "m365keep", "collect", "--json", "--quiet"], cwd=folder, env=environment, capture_output=True,
                             text=True, check=False)
        if run.returncode:
            sys.exit(f"{name}: collect ended with {run.returncode}: {run.stderr[-2000:]}")
        counts = service.stats()["families"][family]
    best = best_seconds(counts["requests"], budgets)
    took = counts["last_at"] - counts["first_at"]
    return {"what": name, "budget": " and ".join(f"{most} in {seconds} s" for most, seconds in budgets), "requests": counts["requests"],
            "best_s": round(best, 2), "took_s": round(took, 2), "ratio": round(took / best, 3) if best else None,
            "violations": counts["violations"], "retry_after_broken": counts["retry_after_broken"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", help="the cases whose name holds this")
    parser.add_argument("--json", action="store_true", help="one line of JSON a case in place of a table")
    options = parser.parse_args()
    build = options.build.resolve()
    sim.build_folder = lambda: build
    if not options.json:
        print("| budget of | documented | requests | best | ours | ratio | violations | Retry-After broken |\n"
              "| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for name in CASES:
        if options.only and options.only not in name:
            continue
        row = measure(build, name)
        print(json.dumps(row) if options.json else
              f"| {row['what']} | {row['budget']} | {row['requests']} | {row['best_s']} s | {row['took_s']} s | {row['ratio']} | "
              f"{row['violations']} | {row['retry_after_broken']} |", flush=True)


if __name__ == "__main__":
    main()
