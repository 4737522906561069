"""m365keep collect and the classes of sign-ins that m365keep.yaml names: each is read by a query of its own.

What is held is compared with what the service shows as sets of (tenant, source, id, SHA-256 of the bytes)."""

import hashlib
import json
import re
import signal
import subprocess
import time
import urllib.parse

import pytest

import conftest
import database
from conftest import NOON
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT, elements

ALL = ["interactiveUser", "nonInteractiveUser", "servicePrincipal", "managedIdentity"]
COMPANY = ["--sign-ins", "120", "--directory-audits", "30", "--non-interactive-sign-ins", "200", "--service-principal-sign-ins", "90",
           "--managed-identity-sign-ins", "60", "--days", "3", "--page-size", "30", "--users", "20"]
NEVER_MS = 3_600_000
DEADLINE_S = 120


def write_config(folder, types, sources=("sign-ins", "directory-audits")):
    (folder / "m365keep.yaml").write_text(f"""
database: keep.db
customers:
  - name: contoso
    variable: CONTOSO
    sources: [{", ".join(sources)}]
    sign_in_types: [{", ".join(types)}]
""")


def environment(simulator):
    """The simulator's hosts and clock, and the customer of the file."""
    own = conftest.simulated_environment(simulator) | {"CONTOSO": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}"}
    return {name: value for name, value in own.items() if not name.startswith("GRAPH_") or name == "GRAPH_URL"}


@pytest.fixture(name="collect")
def fixture_collect(keep, tmp_path):
    """collect(SIMULATOR, TYPES, ARGUMENTS, status=0) runs to the end; returns the report's entries by (source, part), and what came."""

    def run(simulator, types, *arguments, status=0, **config):
        write_config(tmp_path, types, **config)
        result = keep(["collect", "--json", *arguments], env=environment(simulator))
        assert result.returncode == status, result.stderr
        [customer] = json.loads(result.stdout)["customers"]
        return {(entry["source"], entry["part"]): entry for entry in customer["sources"]}, result

    return run


@pytest.fixture(name="path")
def fixture_path(tmp_path):
    return tmp_path / "keep.db"


def shown(simulator, kind):
    """What the service shows of one class: interactive sign-ins as v1.0 shows them, the others as beta does."""
    version, options = ("v1.0", {}) if kind == "interactiveUser" else ("beta", {"filter": f"signInEventTypes/any(t: t eq '{kind}')"})
    return {(TENANT, "sign-ins", json.loads(record)["id"], hashlib.sha256(record).hexdigest())
            for answer in simulator.walk(simulator.link("signIns", version, top=1000, **options)) for record in elements(answer.body)}


def sign_ins(path):
    return {row for row in database.truth(path) if row[1] == "sign-ins"}


def asked(simulator):
    """The decoded queries for sign-ins: (version, query)."""
    return [(request["uri"].split("/")[1], urllib.parse.unquote(request["uri"])) for request in simulator.requests()
            if request["endpoint"] == "signIns"]


def parts(path):
    """The parts that coverage tells of, with where they end."""
    with database.connect(path) as connection:
        return dict(connection.execute("""SELECT part, max("to") FROM coverage WHERE source = 'sign-ins' GROUP BY part"""))


@pytest.mark.threads
@pytest.mark.parametrize("types", [ALL, ["interactiveUser", "servicePrincipal"], ["managedIdentity"], ["nonInteractiveUser"],
                                   ["managedIdentity", "nonInteractiveUser", "servicePrincipal"]], ids="+".join)
def test_exactly_the_classes_that_are_named_are_held_q32(sim, collect, path, types):
    simulator = sim(COMPANY)
    entries, _ = collect(simulator, types)
    wanted = {kind: shown(simulator, kind) for kind in types}
    assert all(wanted.values()) and sign_ins(path) == set().union(*wanted.values())
    if types == ALL:
        assert database.truth(path) == simulator.truth()
    names = [None if kind == "interactiveUser" else kind for kind in ALL if kind in types]
    assert [part for source, part in entries if source == "sign-ins"] == names
    for kind, name in zip((kind for kind in ALL if kind in types), names):
        assert entries["sign-ins", name]["inserted"] == len(wanted[kind])
    assert set(parts(path)) == {name or "" for name in names}
    assert set(parts(path).values()) == {time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOON))}
    database.check_integrity(path)


def test_each_class_is_asked_for_in_a_query_of_its_own_q32(sim, collect):
    simulator = sim(COMPANY)
    collect(simulator, ALL)
    simulator.reset_stats()
    collect(simulator, ALL)
    first = [(version, query) for version, query in asked(simulator) if "skiptoken" not in query]
    kinds = sorted((version, re.search(r"any\(t: t eq '(\w+)'\) and |$", query)[1]) for version, query in first)
    assert kinds == [("beta", "managedIdentity"), ("beta", "nonInteractiveUser"), ("beta", "servicePrincipal"), ("v1.0", None)]
    assert all(re.search(r"createdDateTime ge \S+ and createdDateTime le \S+&\$top=1000$", query) for _, query in first)


def test_a_second_run_stores_nothing_and_a_day_later_all_that_is_new_q26(sim, collect, path):
    simulator = sim([*COMPANY, "--late-percent", "0", "--changed-percent", "0"])
    collect(simulator, ALL)
    again, _ = collect(simulator, ALL)
    assert sum(entry["inserted"] + entry["updated"] for entry in again.values()) == 0
    simulator.keep_clock = f"{NOON + 86400}@0@{NOON}"
    simulator.clock(simulator.keep_clock)
    later, _ = collect(simulator, ALL)
    assert all(entry["inserted"] > 0 for entry in later.values())
    assert database.truth(path) == simulator.truth()


def test_a_class_that_is_named_later_is_read_as_far_back_as_there_is(sim, collect, path):
    simulator = sim(COMPANY)
    collect(simulator, ["interactiveUser"])
    entries, _ = collect(simulator, ALL)
    assert entries["sign-ins", None]["inserted"] == 0
    assert database.truth(path) == simulator.truth()


def test_trouble_of_one_class_does_not_touch_the_others(sim, collect, path):
    simulator = sim(COMPANY)
    simulator.fault({"status": 403}, query="servicePrincipal")
    entries, result = collect(simulator, ALL, status=3)
    assert {key: entry["status"] for key, entry in entries.items()} == {
        key: "failed" if key[1] == "servicePrincipal" else "ok" for key in entries}
    [line] = [line for line in result.stderr.splitlines() if "level=error" in line]
    assert "source=sign-ins part=servicePrincipal status=failed" in line
    assert sign_ins(path) == set().union(*(shown(simulator, kind) for kind in ALL if kind != "servicePrincipal"))
    with database.connect(path) as connection:
        [told] = connection.execute("SELECT last_error FROM collections WHERE source = 'sign-ins'").fetchone()
    assert "Insufficient privileges" in told, "one class failed: so did the source"
    simulator.faults([])
    collect(simulator, ALL)
    assert database.truth(path) == simulator.truth()
    with database.connect(path) as connection:
        assert connection.execute("SELECT last_error FROM collections WHERE source = 'sign-ins'").fetchone() == (None,)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle_each_class_goes_on_where_it_stood_q33_q34(sim, collect, build, path, tmp_path, number):
    simulator = sim(COMPANY)
    simulator.faults([{"match": {"query": kind, "page": page}, "action": {"delay_ms": NEVER_MS}}
                      for kind, page in (("nonInteractiveUser", 3), ("servicePrincipal", 2))])
    write_config(tmp_path, ALL)
    own = conftest.clean_environment(tmp_path, environment(simulator))
    with subprocess.Popen([build / "m365keep", "collect"], cwd=tmp_path, env=own, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        wait_until(lambda: stands(simulator, path), process)
        process.send_signal(number)
        process.communicate(timeout=DEADLINE_S)
    simulator.faults([])
    simulator.reset_stats()
    collect(simulator, ALL)
    firsts = {}
    for _, query in asked(simulator):
        kind = next((kind for kind in ALL if f"'{kind}'" in query), None)
        firsts.setdefault(kind, query)
    assert "skiptoken" in firsts["nonInteractiveUser"] and "skiptoken" in firsts["servicePrincipal"]
    assert database.truth(path) == simulator.truth()
    database.check_integrity(path)


def stands(simulator, path):
    """Both faults fired, and what came before is stored."""
    if simulator.fired() < 2 or not path.exists():
        return False
    with database.connect(path) as connection:
        return connection.execute("SELECT count(*) FROM collect_cursor WHERE part IN ('nonInteractiveUser', 'servicePrincipal')"
                                  ).fetchone() == (2,)


def wait_until(condition, process):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "it never came to that"


def test_what_applications_do_reads_well_and_is_found_by_their_names(sim, collect, keep, path):
    simulator = sim(["--sign-ins", "0", "--directory-audits", "0"])
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOON - 3600))
    common = {"createdDateTime": when, "resourceDisplayName": "Microsoft Graph", "status": {"errorCode": 0}, "ipAddress": "192.0.2.7",
              "servicePrincipalId": "55555555-5555-4555-8555-555555555555", "userId": "", "userPrincipalName": ""}
    simulator.add_record("sign-ins", {**common, "id": "a", "signInEventTypes": ["servicePrincipal"], "servicePrincipalName": "Backup"})
    simulator.add_record("sign-ins", {**common, "id": "b", "signInEventTypes": ["managedIdentity"], "servicePrincipalName": "vm-07"})
    simulator.add_record("sign-ins", {**common, "id": "c", "signInEventTypes": ["nonInteractiveUser"], "appDisplayName": "Outlook",
                                      "userPrincipalName": "ada@example.org"})
    collect(simulator, ALL)
    with database.connect(path) as connection:
        rows = dict(connection.execute("SELECT id, display_summary FROM events").fetchall())
    assert rows == {"a": "Service principal Backup signed in to Microsoft Graph from 192.0.2.7",
                    "b": "Managed identity vm-07 signed in to Microsoft Graph from 192.0.2.7",
                    "c": "ada@example.org signed in to Outlook (non-interactive) from 192.0.2.7"}
    for arguments, found in ((["Backup"], "a"), (["--actor", "vm-07"], "b"), (["--actor", "Backup"], "a"), (["Outlook"], "c")):
        assert found_by(keep, path, *arguments) == [found]
    assert sorted(found_by(keep, path, "--actor", "55555555-5555-4555-8555-555555555555")) == ["a", "b"]


def found_by(keep, path, *arguments):
    result = keep(["search", "--db", path, "--json", *arguments])
    assert result.returncode == 0, result.stderr
    return [event["id"] for event in json.loads(result.stdout)]


def test_the_table_and_the_log_name_the_class(sim, keep, tmp_path):
    simulator = sim(COMPANY)
    write_config(tmp_path, ALL)
    result = keep(["collect"], env=environment(simulator))
    assert result.returncode == 0, result.stderr
    names = [re.match(r"contoso +(\S+( \S+)?) +ok ", line)[1] for line in result.stdout.splitlines()[1:]]
    assert names == ["sign-ins", "sign-ins nonInteractiveUser", "sign-ins servicePrincipal", "sign-ins managedIdentity", "directory-audits"]
    lines = [line for line in result.stderr.splitlines() if "msg=Collected." in line and "source=sign-ins" in line]
    assert sorted(re.findall(r"part=(\w+)", " ".join(lines))) == sorted(ALL[1:]) and len(lines) == 4


def test_all_classes_together_keep_to_the_budget_of_reports(sim, keep, path, tmp_path):
    """Five requests in ten seconds, however many classes there are."""
    simulator = sim(["--sign-ins", "30", "--directory-audits", "10", "--non-interactive-sign-ins", "60", "--days", "2", "--budgets",
                     "documented", "--service-principal-sign-ins", "30", "--managed-identity-sign-ins", "20"],
                    clock=f"{NOON}@15@{time.time():.3f}")
    write_config(tmp_path, ALL)
    result = keep(["collect", "--json"], env=environment(simulator) | {"REQUEST_BUDGETS": "documented"})
    assert result.returncode == 0, result.stderr
    assert sum(entry["throttled"] for entry in json.loads(result.stdout)["customers"][0]["sources"]) == 0
    assert len(sign_ins(path)) > 100


# --- the customer's sources ------------------------------------------------------------------------------------------------


def test_only_the_customers_sources_are_collected_and_later_ones_are_passed_over(sim, collect):
    simulator = sim(COMPANY)
    entries, result = collect(simulator, ["interactiveUser"], sources=("users", "unified-audit"))
    assert list(entries) == [("users", None)]
    passed_over = re.findall(r'msg="This version does not collect this source yet\." customer=contoso source=(\S+)', result.stderr)
    assert passed_over == ["unified-audit"]
    assert "level=warn" not in result.stderr and simulator.stats()["requests"]["signIns"] == 0


def test_without_any_source_to_collect_nothing_is_asked_and_it_is_not_success(sim, collect):
    simulator = sim(COMPANY)
    entries, _ = collect(simulator, ["interactiveUser"], status=3, sources=("unified-audit",))
    assert entries == {} and simulator.stats()["requests"]["total"] == 0
    entries, result = collect(simulator, ["interactiveUser"], "--only", "users", status=3)
    assert entries == {} and simulator.stats()["requests"]["total"] == 0
    assert result.stderr.count("level=warn") == 1 and "Nothing of this customer is collected" in result.stderr
