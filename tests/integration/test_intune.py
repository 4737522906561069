"""m365keep collect and the source `intune-audits`: a year of events, asked for by their time and nothing else."""

import json
import time
import urllib.parse

import pytest

import database
from conftest import NOON
from desk import Desk, golden_name, refused
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT

HOUR, DAY = 3600, 86400
QUIET = ["--sign-ins", "0", "--directory-audits", "0", "--users", "5"]
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"


@pytest.fixture(name="desk")
def fixture_desk(keep, sim, tmp_path, request):
    """desk(SIMULATOR'S OPTIONS)"""
    def make(*arguments):
        return Desk(keep, sim([*QUIET, *arguments]), tmp_path, f"intune/{golden_name(request.node.originalname)}", only="intune-audits")
    return make


def move(place, epoch):
    place.simulator.keep_clock = f"{epoch}@0@{NOON}"
    place.simulator.clock(place.simulator.keep_clock)


def record(number, moment, **more):
    return {"id": number, "displayName": "Create MobileApp", "activityDateTime": moment, "activityResult": "Success",
            "actor": {"userPrincipalName": "ada@example.org"}, "resources": [{"displayName": "Agent", "resourceId": "r"}], **more}


def test_a_first_run_holds_exactly_what_the_service_shows_of_a_year(desk):
    place = desk("--intune-audits", "4000", "--days", "360", "--page-size", "100")
    run = place.run()
    run.check_quiet()
    assert place.rows() == place.truth("intune-audits") and len(place.rows()) > 3000
    source = run.source("intune-audits")
    assert source["inserted"] == len(place.rows())
    assert time.strftime("%Y-%m-%d", time.gmtime(NOON - 365 * DAY)) == source["from"][:10]
    assert place.query("SELECT count(*) FROM coverage WHERE state NOT IN ('read', 'settled')") == [(0,)]
    database.check_integrity(place.path)


def test_it_is_asked_by_the_time_of_the_activity_and_never_for_a_number_q30(desk):
    place = desk("--intune-audits", "300")
    for request in place.run().asked("auditEvents"):
        query = urllib.parse.unquote(urllib.parse.urlsplit(request["uri"]).query)
        assert "$top" not in query
        if "skiptoken" not in query.lower():
            assert query.startswith("$filter=activityDateTime ge 20") and " and activityDateTime le 20" in query


def test_a_wrong_count_and_a_link_to_an_empty_last_page_mean_nothing_q1_q123(desk):
    place = desk()
    link = "{base}/v1.0/deviceManagement/auditEvents?$filter=activityDateTime%20ge%202025-11-20T11:00:00Z&$skiptoken=none"
    page = json.dumps({"@odata.count": 1000, "value": [record("1", "2025-11-19T00:00:00Z")], "@odata.nextLink": link})
    last = json.dumps({"@odata.count": 1000, "value": []})
    base = place.simulator.url
    place.simulator.faults([
        {"match": {"endpoint": "auditEvents", "query": "skiptoken=none"}, "action": {"status": 200, "body": last}},
        {"match": {"endpoint": "auditEvents"}, "action": {"status": 200, "body": page.replace("{base}", base)}}])
    run = place.run("--hours", "24", "--only", "intune-audits")
    run.check_quiet()
    assert len(run.asked("auditEvents")) == 2
    assert place.query("SELECT id FROM events") == [("1",)]
    assert place.query("SELECT DISTINCT state FROM coverage") == [("read",)]


def test_a_tenant_without_intune_is_skipped_and_the_run_succeeds_q109(keep, sim, tmp_path, request):
    simulator = sim(["--sign-ins", "5", "--directory-audits", "5", "--users", "5", "--intune-audits", "20", "--no-intune"])
    place = Desk(keep, simulator, tmp_path, f"intune/{golden_name(request.node.originalname)}", only="intune-audits,sign-ins")
    run = place.run()
    assert run.status == 0
    run.check_error("BadRequest", "skipped", "intune-audits", 400)
    assert run.source("sign-ins")["status"] == "ok" and len(run.asked("auditEvents")) == 1
    place.check_golden(run)
    assert place.query("SELECT last_status FROM collections WHERE source = 'intune-audits'") == [("skipped",)]


def test_a_tenant_that_gets_intune_is_read_from_then_on(desk):
    place = desk("--intune-audits", "50")
    place.simulator.control("tenants", {"tenant": TENANT, "intune": False})
    assert place.run().source("intune-audits")["status"] == "skipped"
    place.simulator.control("tenants", {"tenant": TENANT, "intune": True})
    place.run().check_quiet()
    assert place.rows() == place.truth("intune-audits") != set()


def test_without_the_permission_the_hint_names_it_q107(desk):
    place = desk("--intune-audits", "20", "--withhold-role", "DeviceManagementApps.Read.All")
    run = place.run()
    assert run.status == 1
    error = run.source("intune-audits")["error"]
    assert "DeviceManagementApps.Read.All" in error["hint"]
    assert place.rows() == set()


def test_times_of_other_zones_are_stored_as_utc_and_the_record_as_it_came_q66(desk):
    place = desk()
    place.simulator.add_record("intune-audits", record("1", "2025-11-20T01:59:51.6363086-08:00"))
    place.run().check_quiet()
    [(timestamp, raw)] = place.query("SELECT timestamp, raw FROM events")
    assert timestamp == "2025-11-20T09:59:51.6363086Z" and "-08:00" in raw


def test_a_day_later_late_and_changed_records_are_there_q24_q25(desk):
    place = desk("--intune-audits", "600", "--days", "20", "--late-percent", "20", "--changed-percent", "10")
    place.run().check_quiet()
    for day in (1, 2, 3):
        move(place, NOON + day * DAY)
        assert place.run().status == 0
    # What came in the last hours may still be late or change; nothing else is missing.
    missing = place.truth("intune-audits") - place.rows()
    assert not missing
    assert place.query("SELECT count(*) > 0 FROM event_versions") == [(1,)]
    database.check_integrity(place.path)


def test_a_second_run_asks_little_and_stores_nothing_q26(desk):
    place = desk("--intune-audits", "300")
    place.run()
    source = place.run().source("intune-audits")
    assert source["inserted"] == source["updated"] == 0 and source["requests"] <= 3


def test_ended_in_the_middle_it_goes_on_where_it_stood_q33_q34(desk):
    place = desk("--intune-audits", "500", "--days", "3", "--page-size", "20")
    place.simulator.faults([{"match": {"endpoint": "auditEvents"}, "skip": 60, "times": 1, "action": refused(403, "Forbidden", "Not now.")}])
    first = place.run()
    assert first.status == 3 and 0 < first.source("intune-audits")["inserted"] < 500
    place.simulator.faults([])
    second = place.run()
    second.check_quiet()
    assert place.rows() == place.truth("intune-audits")
    assert second.source("intune-audits")["fetched"] < len(place.rows())


@pytest.mark.parametrize("words, ids", [
    ('"managed device"', None), ("wipe", None), ("bob@example.org", {"2"}), ("Agent", {"1", "2"}), ("5025-06-04", {"2"})])
def test_what_a_record_says_is_found(desk, keep, words, ids):
    place = desk("--intune-audits", "0" if ids else "600")
    if ids:
        place.simulator.add_record("intune-audits", record("1", "2025-11-20T09:00:00Z"))
        place.simulator.add_record("intune-audits", record(
            "2", "2025-11-20T10:00:00Z", actor={"userPrincipalName": "bob@example.org"}, resources=[
                {"displayName": "Agent", "modifiedProperties": [{"displayName": "Version", "oldValue": None, "newValue": "5025-06-04"}]}]))
    place.run().check_quiet()
    result = keep(["search", "--db", place.path, "--json", "--source", "intune-audits", "--service", "Intune", "--", words])
    assert result.returncode == 0, result.stderr
    found = {event["id"] for event in json.loads(result.stdout)}
    assert found == ids if ids else found


def test_one_of_two_tenants_may_lack_intune_q109(keep, sim, tmp_path):
    simulator = sim([*QUIET, "--intune-audits", "30", "--tenant", TENANT, "--tenant", OTHER_TENANT])
    simulator.control("tenants", {"tenant": OTHER_TENANT, "intune": False})
    (tmp_path / "m365keep.yaml").write_text("customers:\n  - { name: has, variable: A }\n  - { name: lacks, variable: B }\n")
    result = keep(["collect", "--only", "intune-audits", "--json", "--db", "two.db"], sim=simulator, env={
        "A": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}", "B": f"{OTHER_TENANT};{CLIENT_ID};{CLIENT_SECRET}",
        **dict.fromkeys(("GRAPH_TENANT_ID", "GRAPH_CLIENT_ID", "GRAPH_CLIENT_SECRET"))})
    assert result.returncode == 0, result.stderr
    assert [customer["sources"][0]["status"] for customer in json.loads(result.stdout)["customers"]] == ["ok", "skipped"]
    assert {row[0] for row in database.truth(tmp_path / "two.db")} == {TENANT}
