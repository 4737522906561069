"""Measures whether customers in trouble delay the others: runs of six customers alone, and of the same six beside four that are in
trouble (a wrong secret, a host that cannot be reached, one throttled for an hour, one whose answers stall), in turn.

    python3 tests/bench/customers.py BUILD [--runs N] [--sign-ins N]

What is compared is the time until the last of the six has ended. Prints JSON lines.
"""

import argparse
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))
import simulator as sim  # noqa: E402 (the path comes first)

GOOD = [f"good-{number}" for number in range(1, 7)]
BAD = ["wrong-secret", "unreachable", "throttled", "stalled"]
TENANTS = {name: f"{number:08d}-2222-4333-8444-555555555555" for number, name in enumerate([*GOOD, *BAD], 1)}


def run(build, folder, service, names, port):
    """Collects once into a new database; returns the seconds until the last good customer had ended."""
    for left in folder.glob("many.db*"):
        left.unlink()
    lines = ["database: many.db", "customers:"]
    environment = {"PATH": "/usr/bin:/bin", "LOGIN_URL": service.url, "GRAPH_URL": service.url, "MANAGE_URL": service.url,
                   "REQUEST_BUDGETS": "none", "REQUEST_TIMEOUT_SECONDS": "10"}
    for name in names:
        key = name.upper().replace("-", "_")
        secret = "wrong" if name == "wrong-secret" else sim.CLIENT_SECRET
        environment[key] = f"{TENANTS[name]};{sim.CLIENT_ID};{secret}"
        lines += [f"  - name: {name}", f"    variable: {key}", "    sources: [sign-ins, directory-audits]"]
        lines += [f"    login_url: http://127.0.0.1:{port}"] if name == "unreachable" else []
    (folder / "m365keep.yaml").write_text("\n".join(lines) + "\n")
    began = time.time()
    process = subprocess.Popen([build / "m365keep", "collect", "--log-format", "json"], cwd=folder, env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    ended, left = began, {(name, source) for name in GOOD for source in ("sign-ins", "directory-audits")}
    for line in process.stderr:
        row = json.loads(line)
        if (row.get("customer"), row.get("source")) in left and row.get("fetched"):
            left.discard((row["customer"], row["source"]))
            ended = time.time()
        if not left:
            break  # the others go on trying for as long as they may: that is not what is measured
    process.terminate()
    process.communicate()
    if left:
        sys.exit(f"not collected: {left}")
    return ended - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sign-ins", type=int, default=10000, help="of each customer")
    options = parser.parse_args()
    build = options.build.resolve()
    sim.build_folder = lambda: build
    arguments = ["--sign-ins", options.sign_ins, "--directory-audits", options.sign_ins // 5, "--users", "50",
                 *(a for tenant in TENANTS.values() for a in ("--tenant", tenant))]
    with tempfile.TemporaryDirectory() as text, sim.Simulator().start(arguments) as service, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        folder, port = pathlib.Path(text), closed.getsockname()[1]
        service.faults([
            {"match": {"tenant": TENANTS["throttled"], "path": "/v1.0/"}, "action": {"status": 429, "headers": {"Retry-After": "3600"}}},
            {"match": {"tenant": TENANTS["stalled"], "path": "/v1.0/"}, "action": {"stall_after": 20}}])
        run(build, folder, service, GOOD, port)  # the simulator is warm from here on
        alone, beside = [], []
        for _ in range(options.runs):
            alone.append(run(build, folder, service, GOOD, port))
            beside.append(run(build, folder, service, [*GOOD[:3], *BAD, *GOOD[3:]], port))
    ratio = statistics.median(beside) / statistics.median(alone)
    print(json.dumps({"what": "six customers beside four in trouble", "runs": options.runs, "alone_s": round(statistics.median(alone), 3),
                      "beside_s": round(statistics.median(beside), 3), "ratio": round(ratio, 3),
                      "alone_all": [round(value, 2) for value in alone], "beside_all": [round(value, 2) for value in beside]}))


if __name__ == "__main__":
    main()
