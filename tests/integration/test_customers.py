"""Many customers in one run: what is wrong with some of them neither delays nor fails the others."""

import contextlib
import json
import socket
import time

import pytest

import database
from conftest import NOON, simulated_environment
from simulator import CLIENT_ID, CLIENT_SECRET

GOOD = ["alfa", "bravo", "charlie", "delta", "echo", "foxtrot"]
TROUBLED = ["wrong-secret", "unreachable", "throttled", "stalled"]
TEN = [*GOOD, *TROUBLED]
HUNDRED = [f"c{number:03d}" for number in range(100)]
TENANTS = {name: f"{number:08d}-2222-4333-8444-555555555555" for number, name in
           enumerate([*TEN, *HUNDRED], 1)}
RECORDS = ["--sign-ins", "60", "--directory-audits", "30", "--intune-audits", "20", "--users", "20", "--days", "3",
           "--issues", "10", "--messages", "20"]


def credentials(name, secret=CLIENT_SECRET):
    return f"{TENANTS[name]};{CLIENT_ID};{secret}"


def variable(name):
    return f"CUSTOMER_{name.upper().replace('-', '_')}"


def configuration(names, more=None, health="1h"):
    """m365keep.yaml. Where the simulated clock is fast, a scan needs a schedule that gives it time."""
    lines = ["database: many.db", f"schedule: {{health: {health}}}", "customers:"]
    for name in names:
        lines += [f"  - name: {name}", f"    variable: {variable(name)}", *(f"    {line}" for line in (more or {}).get(name, ()))]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def closed_port():
    """A port of this machine on which nobody listens, and which nobody else gets meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def environment(simulator, names):
    """The simulator's hosts and clock, and each customer's credentials."""
    found = {key: value for key, value in simulated_environment(simulator).items()
             if key not in ("GRAPH_TENANT_ID", "GRAPH_CLIENT_ID", "GRAPH_CLIENT_SECRET")}
    return found | {variable(name): credentials(name) for name in names}


@pytest.fixture(name="many")
def fixture_many(sim):
    """A simulator with all the tenants, whose clock runs: back-off and budgets end."""
    def start(names=tuple(TEN), rate=60):
        return sim([*RECORDS, *(argument for name in names for argument in ("--tenant", TENANTS[name]))],
                   clock=f"{NOON}@{rate}@{time.time():.3f}")
    return start


def report_of(result):
    return {customer["customer"]: {source["source"]: source for source in customer["sources"]}
            for customer in json.loads(result.stdout)["customers"]}


def held(path, customer):
    """(source, id) of what the database holds of a customer, health included."""
    with database.connect(path) as connection:
        found = set(connection.execute("SELECT source, id FROM events WHERE customer = ?", (customer,)))
        found |= {("users", row[0]) for row in connection.execute("SELECT id FROM users WHERE customer = ?", (customer,))}
    return found


def delivered(simulator, customer):
    return {(source, record) for tenant, source, record, _ in simulator.truth()
            if tenant == TENANTS[customer]}


def test_ten_customers_of_whom_four_are_in_trouble_q102_q106_q116(many, keep, tmp_path):
    simulator = many()
    simulator.faults([
        {"match": {"tenant": TENANTS["throttled"], "path": "/v1.0/"}, "action": {"status": 429, "headers": {"Retry-After": "3600"}}},
        {"match": {"tenant": TENANTS["stalled"], "path": "/v1.0/"}, "action": {"stall_after": 20}}])
    before = {name: delivered(simulator, name) for name in GOOD}  # its clock goes on
    with closed_port() as port:
        (tmp_path / "m365keep.yaml").write_text(configuration(TEN, {"unreachable": [f"login_url: http://127.0.0.1:{port}"]}))
        result = keep(["collect", "--json"], env=environment(simulator, TEN) | {
            variable("wrong-secret"): credentials("wrong-secret", "ZQXSECRET"), "REQUEST_TIMEOUT_SECONDS": "2"})
    assert result.returncode == 3, result.stderr
    report = report_of(result)
    assert list(report) == TEN
    for name in GOOD:
        assert {source: row["status"] for source, row in report[name].items()} == dict.fromkeys(report[name], "ok")
        assert before[name] and held(tmp_path / "many.db", name) >= before[name]
    errors = {name: {row["error"]["code"] for row in report[name].values()} for name in TROUBLED}
    assert errors["wrong-secret"] == {"AADSTS7000215"}
    for name in TROUBLED:
        assert {row["status"] for row in report[name].values()} == {"failed"}, name
        assert all(row["error"]["hint"] for row in report[name].values()), name
        assert not held(tmp_path / "many.db", name), name
    assert str(port) in " ".join(row["error"]["message"] for row in report["unreachable"].values())
    assert "ZQXSECRET" not in result.stdout + result.stderr


def test_a_customer_that_hangs_at_its_sign_in_keeps_nobody(many, keep, tmp_path):
    """Its host takes the connection and never answers."""
    names = ["alfa", "bravo", "unreachable"]
    simulator = many(names)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (tmp_path / "m365keep.yaml").write_text(
            configuration(names, {"unreachable": [f"login_url: http://127.0.0.1:{silent.getsockname()[1]}"]}))
        result = keep(["collect", "--json"], env=environment(simulator, names) | {"REQUEST_TIMEOUT_SECONDS": "1"})
    report = report_of(result)
    assert result.returncode == 3, result.stderr
    assert {row["status"] for name in names[:2] for row in report[name].values()} == {"ok"}
    assert {row["status"] for row in report["unreachable"].values()} == {"failed"}
    assert {row["error"]["code"] for row in report["unreachable"].values()} == {"timeout"}


def test_a_scan_that_takes_for_ever_is_given_up_before_the_next_one_is_due(many, keep, tmp_path):
    """One customer's answers stall; the others' next scan must not find the lock taken."""
    names = ["alfa", "stalled", "bravo"]
    simulator = many(names, rate=20)
    simulator.faults([{"match": {"tenant": TENANTS["stalled"], "path": "/v1.0/"}, "action": {"stall_after": 20}}])
    (tmp_path / "m365keep.yaml").write_text(configuration(names, health="5m"))
    result = keep(["scan", "--json"], env=environment(simulator, names))
    assert result.returncode == 3, result.stderr
    report = report_of(result)
    assert [report[name]["health"]["status"] for name in names] == ["ok", "failed", "ok"]
    assert report["stalled"]["health"]["error"]["code"] == "late"
    with database.connect(tmp_path / "many.db") as connection:
        scans = dict(connection.execute("SELECT customer, ok FROM health_scans"))
        words = connection.execute("SELECT error FROM health_scans WHERE customer = 'stalled'").fetchone()[0]
    assert scans == {"alfa": 1, "stalled": 0, "bravo": 1} and "given up" in words


def test_each_customer_has_its_own_sources(many, keep, tmp_path):
    names = ["alfa", "bravo", "charlie"]
    simulator = many(names)
    wanted = {"alfa": ["sign-ins", "health"], "bravo": ["users"], "charlie": ["intune-audits", "directory-audits"]}
    (tmp_path / "m365keep.yaml").write_text(configuration(names, {name: [f"sources: [{', '.join(list_)}]"] for name, list_ in wanted.items()}))
    result = keep(["collect", "--json"], env=environment(simulator, names))
    assert result.returncode == 0, result.stderr
    assert {name: sorted(rows) for name, rows in report_of(result).items()} == {name: sorted(list_) for name, list_ in wanted.items()}


def test_what_was_kept_of_a_customer_stays_when_the_file_names_it_no_more(many, keep, tmp_path):
    names = ["alfa", "bravo"]
    simulator = many(names)
    (tmp_path / "m365keep.yaml").write_text(configuration(names))
    assert keep(["collect"], env=environment(simulator, names)).returncode == 0
    before = held(tmp_path / "many.db", "bravo")
    (tmp_path / "m365keep.yaml").write_text(configuration(["alfa"]))
    result = keep(["collect", "--json"], env=environment(simulator, ["alfa"]))
    assert result.returncode == 0, result.stderr
    assert list(report_of(result)) == ["alfa"]
    assert before and held(tmp_path / "many.db", "bravo") == before
    (tmp_path / "m365keep.yaml").write_text(configuration(names))
    result = keep(["collect", "--json"], env=environment(simulator, names))
    assert result.returncode == 0, result.stderr
    assert held(tmp_path / "many.db", "bravo") >= before


def test_a_hundred_customers_are_read_in_one_run(many, keep, tmp_path):
    simulator = many(HUNDRED, rate=1)
    (tmp_path / "m365keep.yaml").write_text(configuration(HUNDRED, {name: ["sources: [directory-audits, health]"] for name in HUNDRED}))
    result = keep(["collect", "--json"], env=environment(simulator, HUNDRED))
    assert result.returncode == 0, result.stderr
    with database.connect(tmp_path / "many.db") as connection:
        assert connection.execute("SELECT count(DISTINCT customer) FROM events").fetchone() == (100,)
        assert connection.execute("SELECT count(*) FROM health_scans WHERE ok").fetchone() == (100,)
