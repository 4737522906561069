"""m365keep.yaml, from outside: customers that are collected by it, what wins over it, and how faults of it are told."""

import json
import sqlite3

import pytest

from conftest import simulated_environment
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT

OTHER = "22222222-3333-4444-8555-666666666666"
THIRD = "33333333-3333-4444-8555-666666666666"


def credentials(tenant, secret=CLIENT_SECRET):
    return f"{tenant};{CLIENT_ID};{secret}"


def simulated(simulator):
    """The simulator's hosts and clock, without the customer of the environment."""
    return {key: value for key, value in simulated_environment(simulator).items()
            if key not in ("GRAPH_TENANT_ID", "GRAPH_CLIENT_ID", "GRAPH_CLIENT_SECRET")}


def rows(path, statement):
    with sqlite3.connect(path) as database:
        return database.execute(statement).fetchall()


TWO = """
database: two.db
customers:
  - name: Kancelaria Żółw
    variable: ONE
    sources: [sign-ins, directory-audits]
  - name: fabrikam
    variable: TWO
    sources: [directory-audits]
    timezone: Europe/Warsaw
"""


@pytest.fixture(name="two")
def fixture_two(sim, tmp_path):
    simulator = sim(["--sign-ins", "20", "--directory-audits", "10", "--days", "2", "--tenant", TENANT, "--tenant", OTHER])
    (tmp_path / "m365keep.yaml").write_text(TWO)
    return simulated(simulator) | {"ONE": credentials(TENANT), "TWO": credentials(OTHER)}


def test_every_customer_of_the_file_is_collected(keep, two, tmp_path):
    result = keep(["collect", "--json"], env=two)
    assert result.returncode == 0, result.stderr
    customers = json.loads(result.stdout)["customers"]
    assert [(customer["customer"], customer["tenant_id"]) for customer in customers] == [("Kancelaria Żółw", TENANT), ("fabrikam", OTHER)]
    assert [[source["source"] for source in customer["sources"]] for customer in customers] == [
        ["sign-ins", "directory-audits"], ["directory-audits"]]
    assert dict(rows(tmp_path / "two.db", "SELECT customer, count(*) FROM events GROUP BY customer")) == {
        "Kancelaria Żółw": 30, "fabrikam": 10}
    assert CLIENT_SECRET not in result.stdout + result.stderr


def test_one_of_the_customers_can_be_collected(keep, two, tmp_path):
    result = keep(["collect", "--customer", "fabrikam"], env=two)
    assert result.returncode == 0, result.stderr
    assert rows(tmp_path / "two.db", "SELECT DISTINCT customer FROM events") == [("fabrikam",)]
    result = keep(["collect", "--customer", "fabrikm"], env=two)
    assert result.returncode == 2 and 'did you mean "fabrikam"?' in result.stderr


def test_one_customer_with_a_wrong_secret_keeps_nobody_from_the_other(keep, two, tmp_path):
    result = keep(["collect", "--json"], env=two | {"ONE": credentials(TENANT, "ZQXSECRET;wrong")})
    assert result.returncode == 3, result.stderr
    first, second = json.loads(result.stdout)["customers"]
    assert {source["status"] for source in first["sources"]} == {"failed"}
    assert {source["status"] for source in second["sources"]} == {"ok"}
    assert "ZQXSECRET" not in result.stdout + result.stderr
    assert rows(tmp_path / "two.db", "SELECT count(*) FROM events") == [(10,)]


def test_a_secret_with_semicolons_from_the_env_file_arrives_whole(keep, sim, tmp_path):
    secret = ";a'b\"c;d$e\\;;"
    simulator = sim(["--sign-ins", "5", "--directory-audits", "0", "--days", "1", "--client-secret", secret])
    (tmp_path / "m365keep.yaml").write_text("customers:\n  - {name: a, variable: ONE, sources: [sign-ins]}\n")
    (tmp_path / "secret").write_text(f" {TENANT} ; {CLIENT_ID} ;{secret}\n")
    (tmp_path / ".env").write_text("ONE_FILE=secret\n")
    result = keep(["collect", "--db", "x.db"], env=simulated(simulator))
    assert result.returncode == 0, result.stderr
    assert rows(tmp_path / "x.db", "SELECT count(*) FROM events") == [(5,)]


def test_another_file_can_be_named_and_paths_are_relative_to_it(keep, two, tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "m365keep.yaml").rename(tmp_path / "conf" / "other.yaml")
    for arguments, more in ((["--config", "conf/other.yaml"], {}), ([], {"M365KEEP_CONFIG": "conf/other.yaml"})):
        result = keep(["collect", "--customer", "fabrikam", *arguments], env=two | more)
        assert result.returncode == 0, result.stderr
        assert rows(tmp_path / "conf" / "two.db", "SELECT count(*) FROM events") == [(10,)]
    found = keep(["search", "--config", "conf/other.yaml", "--json"])
    assert found.returncode == 0, found.stderr


def test_option_environment_env_file_and_yaml_win_in_this_order(keep, two, tmp_path):
    assert keep(["collect", "--customer", "fabrikam"], env=two).returncode == 0
    assert [path.name for path in tmp_path.glob("*.db")] == ["two.db"]
    (tmp_path / ".env").write_text("M365KEEP_DB=env.db\n")
    assert keep(["collect", "--customer", "fabrikam"], env=two).returncode == 0
    assert (tmp_path / "env.db").exists()
    assert keep(["collect", "--customer", "fabrikam"], env=two | {"M365KEEP_DB": "real.db"}).returncode == 0
    assert (tmp_path / "real.db").exists()
    assert keep(["collect", "--customer", "fabrikam", "--db", "option.db"], env=two | {"M365KEEP_DB": "no.db"}).returncode == 0
    assert (tmp_path / "option.db").exists() and not (tmp_path / "no.db").exists()


def test_the_customer_of_the_environment_is_not_collected_beside_those_of_the_file(keep, two, tmp_path):
    result = keep(["collect", "--json"], env=two | {"GRAPH_TENANT_ID": THIRD, "GRAPH_CLIENT_SECRET": "ZQXSECRET"})
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)["customers"]) == 2
    assert "level=warn" in result.stderr and "GRAPH_TENANT_ID, GRAPH_CLIENT_SECRET" in result.stderr
    assert "ZQXSECRET" not in result.stderr


def test_without_customers_in_the_file_the_environments_is_collected(keep, sim, tmp_path):
    simulator = sim(["--sign-ins", "5", "--directory-audits", "0", "--days", "1"])
    (tmp_path / "m365keep.yaml").write_text("database: one.db\n#customers:\n")
    result = keep(["collect", "--only", "sign-ins"], sim=simulator, env={"M365KEEP_CUSTOMER": "mine"})
    assert result.returncode == 0, result.stderr
    assert rows(tmp_path / "one.db", "SELECT DISTINCT customer FROM events") == [("mine",)]


def test_reading_needs_the_file_but_no_credentials(keep, two, tmp_path):
    assert keep(["collect", "--only", "directory-audits"], env=two).returncode == 0
    result = keep(["search", "--customer", "fabrikam", "--json"])
    assert result.returncode == 0 and len(json.loads(result.stdout)) == 10, result.stderr


# --- faults -----------------------------------------------------------------------------------------------------------

FAULTS = {
    "customers:\n  - name: a\n    variabel: X\n":
        'm365keep.yaml, line 3: customers[0] has no key "variabel"; did you mean "variable"?',
    "customers:\n  - name: a\n    variable: ONE\n    timezone: Mars/Olympus\n":
        "customers[0].timezone (from m365keep.yaml, line 4) is no time zone",
    "customers:\n  - name: a\n    variable: ONE\n    mail_to: a@b\n":
        "m365keep.yaml, line 4: customers[0].mail_to: expected a list",
    "customers:\n  - {name: a, variable: ONE}\n  - {name: a, variable: TWO}\n":
        "customers[1].name (from m365keep.yaml, line 3) is also the name of customers[0]",
    "customers:\n  - {name: a, variable: ONE}\n  - {name: b, variable: ONE}\n":
        "customers[1].variable (from m365keep.yaml, line 3) holds the same tenant",
    "customers:\n  - {name: a, variable: NOT_SET}\n":
        "customers[0].variable (from m365keep.yaml, line 2) names NOT_SET, which is not set",
    f"customers:\n  - {{name: a, variable: {TENANT};{CLIENT_ID};ZQXSECRET}}\n":
        "customers[0].variable (from m365keep.yaml, line 2) must be the name of an environment variable",
    "customers:\n  - name: a\n    client_secret: ZQXSECRET\n":
        'm365keep.yaml, line 3: customers[0] has no key "client_secret": credentials are not kept in this file',
    "customers:\n  - {name: a, variable: ONE, certificate: none.pem}\n":
        "ONE (from the environment) holds a secret, and the customer has a certificate too",
    "smtp:\n  security: tls\n":
        "smtp.security (from m365keep.yaml, line 2) asks for TLS from the first byte on",
    "database: x\n\tsmtp: y\n":
        "m365keep.yaml, line 2: database: this cannot be read as YAML: found a tab character",
    "database: x\ndatabase: ZQXSECRET\n":
        "m365keep.yaml, line 2: database: is given twice; the first time in line 1",
    "retention: {max_size: 20G}\n":
        "retention.max_size (from m365keep.yaml, line 1) must be a size: 20GiB",
    "retention:\n  max_size: 100MiB\n":
        "retention.max_size (from m365keep.yaml, line 2) must be 0, for no limit, or 256MiB at least",
    "smtp: {transport: graph, customer: contso}\ncustomers:\n  - {name: contoso, variable: ONE}\n":
        'smtp.customer (from m365keep.yaml, line 1) names no customer: it must be one of contoso; did you mean "contoso"?',
    "status_map: none.yaml\n":
        "status_map (from m365keep.yaml, line 1): cannot read the status map none.yaml: No such file",
    "\nstatus_map: m365keep.yaml\n":
        "status_map (from m365keep.yaml, line 2): m365keep.yaml, line 2: the priority of status_map must be a whole number from 0",
    "schedule: {collect: often}\n":
        "schedule.collect (from m365keep.yaml, line 1) must be an interval",
}


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: text.splitlines()[-1].strip())
def test_a_fault_is_told_with_file_line_path_and_what_was_expected(keep, tmp_path, text):
    (tmp_path / "m365keep.yaml").write_text(text)
    environment = {"ONE": credentials(TENANT, "ZQXSECRET"), "TWO": credentials(OTHER, "ZQXSECRET")}
    result = keep(["collect", "--db", "x.db"], env=environment)
    assert result.returncode == 2 and result.stdout == ""
    assert FAULTS[text] in result.stderr
    assert "ZQXSECRET" not in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "x.db").exists()


def test_a_fault_is_one_json_line_when_asked_for(keep, tmp_path):
    (tmp_path / "m365keep.yaml").write_text("databse: x\n")
    result = keep(["search", "x", "--log-format", "json"])
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert json.loads(line)["level"] == "error" and 'did you mean "database"' in json.loads(line)["message"]


@pytest.mark.parametrize("name", ["none.yaml", "/dev/zero", "."])
def test_a_file_that_was_named_but_cannot_be_read_is_an_error(keep, name):
    result = keep(["search", "x", "--config", name])
    assert result.returncode == 2 and f"cannot read the configuration file {name}: " in result.stderr


def test_hostile_texts_of_the_file_cannot_drive_the_terminal(keep, tmp_path):
    (tmp_path / "m365keep.yaml").write_text('"\\e[31mred": x\n')
    assert "\x1b" not in keep(["search", "x"]).stderr
    (tmp_path / "\x1b[31m.yaml").write_text("zebra: x\n")
    assert "\x1b" not in keep(["search", "x", "--config", "\x1b[31m.yaml"]).stderr


# --- hosts of a customer's own --------------------------------------------------------------------------------------------


def test_hosts_of_a_customer_win_over_those_of_the_environment(keep, two, tmp_path):
    urls = "".join(f"    {key}_url: {two['GRAPH_URL']}\n" for key in ("login", "graph", "manage"))
    (tmp_path / "m365keep.yaml").write_text(TWO.rstrip() + "\n" + urls)
    result = keep(["collect", "--json", "--customer", "fabrikam"], env=two | {"LOGIN_URL": "http://127.0.0.1:1", "GRAPH_URL": "http://127.0.0.1:1"})
    assert result.returncode == 0, result.stderr
    assert rows(tmp_path / "two.db", "SELECT DISTINCT customer FROM events") == [("fabrikam",)]


@pytest.mark.parametrize("key", ["login_url", "graph_url", "manage_url"])
@pytest.mark.parametrize("value", ["http://login.example", "https://login.example/?ZQXSECRET", "https://ZQXSECRET@login.example"])
def test_a_wrong_host_of_a_customer_is_refused_with_its_line(keep, two, tmp_path, key, value):
    (tmp_path / "m365keep.yaml").write_text(TWO.rstrip() + f"\n    {key}: {value}\n")
    result = keep(["collect"], env=two)
    assert result.returncode == 2 and result.stdout == ""
    assert f"customers[1].{key} (from" in result.stderr and f"line {len(TWO.strip().splitlines()) + 2}" in result.stderr
    assert "ZQXSECRET" not in result.stderr
