"""The simulator's audits of Intune, seen as a client sees them."""

import datetime
import hashlib
import json
import urllib.parse

import pytest

from simulator import TENANT, elements, exchange

NOON = 1_763_640_000  # 2025-11-20T12:00:00Z
STILL = f"{NOON}@0@{NOON}"
HOUR, DAY = 3600, 86400
OTHER_TENANT = "22222222-3333-4444-8555-666666666666"
PLAIN = ["--late-percent", 0, "--changed-percent", 0, "--repeat-percent", 0, "--empty-pages", 0]
V1_MEMBERS = {"id", "displayName", "componentName", "activity", "activityDateTime", "activityType", "activityOperationType",
              "activityResult", "correlationId", "category", "actor", "resources"}


def at(seconds):
    """The SPEC of a clock that stands this long after noon."""
    return f"{NOON + seconds}@0@{NOON}"


def iso(seconds):
    return datetime.datetime.fromtimestamp(NOON + seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def happened(record):
    """The moment of a record, in seconds after noon."""
    text = record["activityDateTime"].replace("Z", "+00:00")
    digits = text[20:text.rfind("+" if "+" in text else "-")]
    return datetime.datetime.fromisoformat(text.replace(digits, digits[:6].ljust(6, "0"))).timestamp() - NOON


def records(simulator, version="v1.0", token=None, **options):
    """All records of a walk, in order."""
    return [record for answer in simulator.walk(simulator.link("auditEvents", version, **options), token)
            for record in answer.json()["value"]]


@pytest.fixture(name="plain")
def fixture_plain(sim):
    """Audits of ten days and nothing irregular."""
    return sim(["--intune-audits", 400, "--days", 10, "--page-size", 150, *PLAIN], clock=STILL)


def test_audits_of_intune_are_there_unless_it_is_said_otherwise(sim):
    assert sim(["--intune-audits", -1], clock=STILL).rows("intune-audits")
    assert not sim(clock=STILL).rows("intune-audits")


def test_walking_them_gives_what_the_truth_says(sim):
    simulator = sim(["--intune-audits", 3000, "--days", 10, "--empty-pages", 20, "--repeat-percent", 30], clock=STILL)
    truth = {row for row in simulator.truth() if row[1] == "intune-audits"}
    assert simulator.rows("intune-audits") == truth and 2900 < len(truth) <= 3000
    assert simulator.rows("intune-audits", top=170) == truth


def test_the_same_options_give_the_same_bytes_and_another_seed_others(sim):
    arguments = ["--intune-audits", 200, "--days", 5]
    first, second, other = (sim([*arguments, "--seed", seed], clock=STILL).rows("intune-audits") for seed in (1, 1, 2))
    assert first == second and not {row[2] for row in first} & {row[2] for row in other}


def test_the_count_is_wrong_and_the_last_link_leads_to_an_empty_page(plain):
    pages = [answer.json() for answer in plain.walk(plain.link("auditEvents"))]
    assert [page["@odata.count"] for page in pages] == [1000] * len(pages)
    assert [len(page["value"]) for page in pages[:2]] == [150, 150] and pages[-1]["value"] == []
    assert "@odata.nextLink" in pages[-2] and "@odata.nextLink" not in pages[-1]


def test_ten_audits_lead_on_to_a_page_without_any(plain):
    first, last = (answer.json() for answer in plain.walk(plain.link("auditEvents", filter=f"activityDateTime ge {iso(-6 * HOUR)}")))
    assert 0 < len(first["value"]) < 30 and first["@odata.count"] == 1000 and last["value"] == []


def test_nothing_at_all_is_one_page(plain):
    page, = (answer.json() for answer in plain.walk(plain.link("auditEvents", filter=f"activityDateTime ge {iso(DAY)}")))
    assert page["value"] == [] and page["@odata.context"].endswith("/v1.0/$metadata#deviceManagement/auditEvents")


@pytest.mark.parametrize("text, fits", [
    ("activityDateTime ge {0} and activityDateTime le {1}", lambda t: -2 * DAY <= t <= -DAY),
    ("activityDateTime gt {0} and activityDateTime lt {1}", lambda t: -2 * DAY < t < -DAY),
    ("activityDateTime lt {0} or activityDateTime ge {1}", lambda t: t < -2 * DAY or t >= -DAY),
])
def test_they_are_filtered_by_their_time(plain, text, fits):
    all_of_them = records(plain)
    wanted = text.format(iso(-2 * DAY), iso(-DAY))
    assert {r["id"] for r in records(plain, filter=wanted)} == {r["id"] for r in all_of_them if fits(happened(r))}


@pytest.mark.parametrize("wrong", [
    "createdDateTime ge 2025-11-19T00:00:00Z", "activityDateTime ge '2025-11-19T00:00:00Z'", "activityDateTime ge 2025-11-19",
    "activityDateTime eq 2025-11-19T00:00:00Z", "category eq 'Device'", "startswith(displayName,'Patch')", "activityDateTime ge",
])
def test_any_other_filter_is_refused(plain, wrong):
    answer = plain.get(plain.link("auditEvents", filter=wrong))
    assert answer.status == 400 and answer.json()["error"]["code"] == "BadRequest"
    assert answer.json()["error"]["message"].startswith("Invalid filter clause: ")


def test_the_refusal_of_another_time_names_the_type(plain):
    answer = plain.get(plain.link("auditEvents", filter="createdDateTime ge 2025-11-19T00:00:00Z"))
    assert "'createdDateTime' on type 'microsoft.graph.auditEvent'" in answer.json()["error"]["message"]


def test_a_page_holds_a_thousand_at_most(sim):
    simulator = sim(["--intune-audits", 2500, "--days", 2, "--page-size", 5000, *PLAIN], clock=STILL)
    assert len(simulator.get(simulator.link("auditEvents", top=5000)).json()["value"]) == 1000
    assert simulator.get(simulator.link("auditEvents", top=0)).status == 400
    assert simulator.get(simulator.link("auditEvents", skip=5)).status == 400


def test_records_have_the_members_of_their_type_in_two_forms(plain):
    forms = set()
    for record in records(plain):
        typed = "@odata.type" in record
        forms.add(typed)
        assert set(record) - {"@odata.type"} == V1_MEMBERS
        actor = record["actor"] or {}
        assert not actor or (("type" in actor) == typed and ("auditActorType" in actor) != typed)
        for resource in record["resources"]:
            assert ("type" in resource) == typed and ("auditResourceType" in resource) != typed and "modifiedProperties" in resource
    assert forms == {True, False}


def test_records_are_as_untidy_as_real_ones(plain):
    found = records(plain)
    assert {None} < {type(r["actor"]) if r["actor"] else None for r in found} and any(r["resources"] == [] for r in found)
    assert {"Success", "Failure"} <= {r["activityResult"] for r in found}
    actors = [r["actor"] for r in found if r["actor"]]
    assert sum(a["ipAddress"] is None for a in actors) > len(actors) / 2 and any(a["ipAddress"] for a in actors)
    assert any(a["userPrincipalName"] is None and a["servicePrincipalName"] for a in actors)
    assert any(resource["displayName"] == "<null>" for r in found for resource in r["resources"])


def test_times_have_seven_digits_and_some_an_offset(plain):
    times = [record["activityDateTime"] for record in records(plain)]
    digits = [len(time[20:].rstrip("Z").split("-")[0]) for time in times]
    assert digits.count(7) > 0.8 * len(times)
    assert {time[-6:] for time in times if not time.endswith("Z")} == {"-08:00"}
    assert 0 < sum(time.endswith("-08:00") for time in times) < len(times) / 4


def test_they_come_newest_first_by_the_moment_and_not_by_the_text(plain):
    moments = [happened(record) for record in records(plain)]
    assert moments == sorted(moments, reverse=True)


def test_beta_tells_more_of_the_actor(plain):
    plainly, more = records(plain), records(plain, "beta")
    assert [r["id"] for r in plainly] == [r["id"] for r in more]
    extra = {tuple(sorted(set(b["actor"]) - set(a["actor"]))) for a, b in zip(plainly, more) if a["actor"]}
    assert extra == {("remoteTenantId", "remoteUserId", "userRoleScopeTags")}


def test_late_and_changed_records_appear_as_time_goes_by(sim):
    simulator = sim(["--intune-audits", 1500, "--days", 3, "--late-percent", 20, "--changed-percent", 20], clock=STILL)
    before = {row[2]: row[3] for row in simulator.rows("intune-audits")}
    simulator.clock(at(DAY))
    after = {row[2]: row[3] for row in simulator.rows("intune-audits", filter=f"activityDateTime le {iso(0)}")}
    assert set(before) < set(after) and any(after[key] != body for key, body in before.items())


def test_what_changed_tells_its_outcome(sim):
    simulator = sim(["--intune-audits", 300, "--days", 5, "--changed-percent", 100], clock=STILL)
    changed = [record for record in records(simulator) if record["activity"]]
    assert changed and {record["activityResult"] for record in changed} == {"Success"}


def test_they_are_kept_for_a_year(sim):
    simulator = sim(["--intune-audits", 800, "--days", 400, "--sign-ins", 800, *PLAIN], clock=STILL)
    assert -365 * DAY <= min(happened(record) for record in records(simulator)) < -360 * DAY
    kept = sim(["--intune-audits", 800, "--days", 400, "--intune-retention-days", 0, *PLAIN], clock=STILL)
    assert min(happened(record) for record in records(kept)) < -395 * DAY


def test_a_tenant_without_intune_is_told_so(sim):
    simulator = sim(["--intune-audits", 20, "--no-intune"], clock=STILL)
    answer = simulator.get(simulator.link("auditEvents"))
    assert (answer.status, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert answer.json()["error"]["message"] == "Request not applicable to target tenant."
    assert not any(row[1] == "intune-audits" for row in simulator.truth())
    assert simulator.get(simulator.link("signIns", top=1)).status == 200


def test_one_of_two_tenants_may_lack_intune(sim):
    simulator = sim(["--intune-audits", 20, "--tenant", TENANT, "--tenant", OTHER_TENANT], clock=STILL)
    simulator.control("tenants", {"tenant": OTHER_TENANT, "intune": False})
    assert simulator.get(simulator.link("auditEvents"), simulator.token(OTHER_TENANT)).status == 400
    assert simulator.get(simulator.link("auditEvents")).status == 200
    assert {row[0] for row in simulator.truth() if row[1] == "intune-audits"} == {TENANT}
    simulator.control("tenants", {"intune": True})
    assert simulator.rows("intune-audits", OTHER_TENANT)


def test_records_can_be_added_by_hand_and_from_a_file(sim, tmp_path):
    line = b'{"id":"from-a-file" , "activityDateTime":"2025-11-20T01:59:51.6363086-08:00"}'
    (tmp_path / "intune.ndjson").write_bytes(line + b"\n")
    simulator = sim(["--load", f"intune-audits={tmp_path / 'intune.ndjson'}"], clock=STILL)
    added = b'{"activityDateTime":"2025-11-20T11:00:00.1Z","id":"by-hand"}'
    simulator.add_record("intune-audits", added)
    pages = [elements(answer.body) for answer in simulator.walk(simulator.link("auditEvents"))]
    assert pages == [[added, line], []]
    assert [r["id"] for r in records(simulator, filter=f"activityDateTime lt {iso(-HOUR)}")] == ["from-a-file"]
    assert simulator.rows("intune-audits") == {row for row in simulator.truth() if row[1] == "intune-audits"}
    assert (TENANT, "intune-audits", "by-hand", hashlib.sha256(added).hexdigest()) in simulator.truth()


def test_faults_know_the_list(plain):
    plain.fault({"status": 503}, endpoint="auditEvents", page=2)
    link = plain.get(plain.link("auditEvents")).json()["@odata.nextLink"]
    assert plain.get(link).status == 503 and plain.get(plain.link("signIns")).status == 200 and plain.fired() == 1
    assert plain.stats()["requests"]["auditEvents"] == 2


def test_an_altered_link_is_refused(plain):
    link = plain.get(plain.link("auditEvents", top=5)).json()["@odata.nextLink"]
    assert plain.get(link).status == 200
    assert plain.get(urllib.parse.unquote(link)).status == 400
    assert plain.get(link.replace("deviceManagement/auditEvents", "auditLogs/directoryAudits")).status == 400


def test_it_takes_a_token(plain):
    answer = exchange(plain.link("auditEvents"))
    assert answer.status == 401 and json.loads(answer.body)["error"]["code"] == "InvalidAuthenticationToken"
