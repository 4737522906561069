"""The simulator's service announcements: overviews, issues and messages, seen as a client sees them."""

import collections
import hashlib
import json
import re
import subprocess

import pytest

from simulator import TENANT, Simulator, binary, elements

NOON = 1_763_640_000  # 2025-11-20T12:00:00Z
STILL = f"{NOON}@0@{NOON}"
MINUTE, HOUR, DAY = 60, 3600, 86400
OTHER_TENANT = "22222222-3333-4444-8555-666666666666"
ONLY = ["--sign-ins", 0, "--directory-audits", 0, "--users", 1]
KINDS = {"overview": "healthOverviews", "issue": "issues", "message": "messages"}
STATUSES = {
    "serviceOperational", "investigating", "restoringService", "verifyingService", "serviceRestored", "postIncidentReviewPublished",
    "serviceDegradation", "serviceInterruption", "extendedRecovery", "falsePositive", "investigationSuspended", "resolved",
    "mitigatedExternal", "mitigated", "resolvedExternal", "confirmed", "reported"}
NEW_STATUS = "underObservation"  # one that the documentation does not know
SMALL = {status.lower(): status for status in STATUSES | {NEW_STATUS}}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,2}[1-9])?Z")


def at(seconds):
    """The SPEC of a clock that stands this long after noon."""
    return f"{NOON + seconds}@0@{NOON}"


def rows(simulator, tenant=TENANT, **options):
    """What walking all three lists gives, in the form of announcements_truth(), and how many records there were."""
    found = [(tenant, kind, json.loads(record)["id"], hashlib.sha256(record).hexdigest())
             for kind, name in KINDS.items() for record in simulator.announcements(name, tenant, **options)]
    return set(found), len(found)


def parsed(records):
    return [json.loads(record) for record in records]


def status_at(stretches, moment):
    return next(status for status, begin, end in stretches if begin <= moment < end)


@pytest.fixture(name="small")
def fixture_small(sim):
    return sim([*ONLY, "--services", 8, "--issues", 12, "--messages", 15], clock=STILL)


@pytest.fixture(name="many")
def fixture_many(sim):
    """More than a page of everything."""
    return sim([*ONLY, "--services", 130, "--issues", 260, "--messages", 1150], clock=STILL)


# the command line


@pytest.mark.parametrize("arguments", [
    ["--services", "-1"], ["--services", "some"], ["--issues", "-1"], ["--messages", "1e3"], ["--announcement-shift", "5000"],
])
def test_a_wrong_option_for_announcements_is_refused(arguments):
    result = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2 and result.stderr.startswith("m365keep-sim: ") and result.stdout == ""


def test_without_options_there_are_thirty_services_forty_issues_and_many_messages():
    lines = subprocess.run([binary(), "--sign-ins", "0", "--directory-audits", "0", "--intune-audits", "0", "--clock", STILL, "--truth"],
                           capture_output=True, check=True).stdout.splitlines()
    kinds = collections.Counter(json.loads(line)["kind"] for line in lines)
    assert kinds["overview"] == 30 and kinds["issue"] >= 40 and kinds["message"] == 120


@pytest.mark.parametrize("collection", KINDS.values())
def test_nothing_asked_for_gives_empty_lists(sim, collection):
    simulator = sim([*ONLY, "--services", 0, "--issues", 0, "--messages", 0], clock=STILL)
    answer = simulator.get(simulator.announcements_link(collection))
    assert answer.status == 200 and answer.json()["value"] == [] and "@odata.nextLink" not in answer.json()


# lists and pages


@pytest.mark.parametrize("page_size", [None, 7, 100, 333, 1000, 5000])
def test_walking_all_pages_gives_the_truth_byte_for_byte_and_nothing_twice(many, page_size):
    found, count = rows(many, page_size=page_size)
    assert found == many.announcements_truth() and count == len(found) == 130 + 1150 + sum(row[1] == "issue" for row in found)


@pytest.mark.parametrize("collection, wish, size, applied", [
    ("messages", None, 100, None), ("messages", "odata.maxpagesize=1000", 1000, "odata.maxpagesize=1000"),
    ("messages", "odata.maxpagesize=1001", 1000, "odata.maxpagesize=1000"),
    ("messages", "odata.maxpagesize=30", 30, "odata.maxpagesize=30"),
    ("messages", "respond-async, ODATA.MaxPageSize=30; x=1", 30, "odata.maxpagesize=30"),
    ("messages", "odata.maxpagesize=many", 100, None), ("messages", "odata.maxpagesize=0", 100, None),
    ("issues", None, 100, None), ("issues", "odata.maxpagesize=250", 250, "odata.maxpagesize=250"),
    ("healthOverviews", None, 100, None), ("healthOverviews", "odata.maxpagesize=1000", 100, "odata.maxpagesize=100"),
])
def test_a_page_is_as_long_as_preferred_within_limits(many, collection, wish, size, applied):
    answer = many.get(many.announcements_link(collection), headers={"Prefer": wish} if wish else None)
    assert len(answer.json()["value"]) == size and answer.headers["Preference-Applied"] == applied
    assert answer.json()["@odata.nextLink"] == many.announcements_link(collection) + f"?$skip={size}"


@pytest.mark.parametrize("collection", ["issues", "messages", "healthOverviews"])
@pytest.mark.parametrize("top", [1, 5, 120])
def test_top_is_honoured_and_takes_the_next_link_away(many, collection, top):
    answer = many.get(many.announcements_link(collection, top=top)).json()
    assert len(answer["value"]) == top and "@odata.nextLink" not in answer


def test_lists_of_issues_and_messages_begin_with_the_newest(many):
    for collection in ("issues", "messages"):
        starts = [record["startDateTime"].rstrip("Z") for record in parsed(many.announcements(collection))]
        moments = [(start.split(".")[0], float("0." + (start.split(".") + ["0"])[1])) for start in starts]
        assert moments == sorted(moments, reverse=True)


def test_new_records_push_the_others_on_to_the_next_page(sim):
    simulator = sim([*ONLY, "--services", 5, "--issues", 0, "--messages", 3000], clock=STILL)
    first = simulator.get(simulator.announcements_link("messages"))
    simulator.clock(at(3 * HOUR))
    second = simulator.get(first.json()["@odata.nextLink"])
    both = {record["id"] for record in first.json()["value"]} & {record["id"] for record in second.json()["value"]}
    assert 5 <= len(both) < 100
    assert len(rows(simulator)[0]) == rows(simulator)[1]


@pytest.mark.parametrize("shift", [3, 99, -4])
def test_the_list_can_be_made_to_shift_between_pages(sim, shift):
    simulator = sim([*ONLY, "--issues", 0, "--messages", 250, "--announcement-shift", shift], clock=STILL)
    truth = {row for row in simulator.announcements_truth() if row[1] == "message"}
    ids = [record["id"] for record in parsed(simulator.announcements("messages"))]
    if shift > 0:
        assert set(ids) == {row[2] for row in truth} and len(ids) > len(truth)
        assert ids[100:100 + shift] == ids[100 - shift:100]
    else:
        assert len(set(ids)) == len(ids) == len(truth) + 2 * shift


@pytest.mark.parametrize("option", ["filter=startDateTime ge 2025-01-01T00:00:00Z", "filter=lastModifiedDateTime gt 2025-01-01T00:00:00Z",
                                    "filter=lastModifiedDateTime ge 2025-01-01T00:00:00", "filter=id eq EX1", "filter=id", "select=id",
                                    "orderby=id", "skip=-1", "skip=x", "top=0", "top=x", "expand=posts", "expand=issues"])
def test_what_the_service_does_not_take_is_refused(small, option):
    name, _, value = option.partition("=")
    answer = small.get(small.announcements_link("messages", **{name: value}))
    assert answer.status == 400 and answer.json()["error"]["code"]


def test_records_can_be_asked_for_by_the_time_of_their_last_change(many):
    records = parsed(many.announcements("issues"))
    since = sorted(record["lastModifiedDateTime"] for record in records)[-40][:19] + "Z"
    link = many.announcements_link("issues", filter=f"lastModifiedDateTime ge {since}")
    wanted = {record["id"] for record in records if record["lastModifiedDateTime"][:19] >= since[:19]}
    assert {record["id"] for answer in many.walk(link) for record in answer.json()["value"]} == wanted and len(wanted) >= 40


def test_a_filter_stays_in_the_links(many):
    link = many.announcements_link("messages", filter="lastModifiedDateTime ge 2025-01-01T00:00:00Z")
    answers = list(many.walk(link))
    assert len(answers) == 12 and all("lastModifiedDateTime" in answer.json()["@odata.nextLink"] for answer in answers[:-1])
    assert many.get(many.announcements_link("messages", count="true", top=1)).json()["@odata.count"] == 1150


@pytest.mark.parametrize("collection", KINDS.values())
def test_one_record_can_be_asked_for(small, collection):
    record = parsed(small.announcements(collection))[2]
    one = small.get(small.announcements_link(f"{collection}/{record['id']}"), headers={"Prefer": "include-unknown-enum-members"}).json()
    assert one.pop("@odata.context").endswith(f"#admin/serviceAnnouncement/{collection}/$entity") and one == record
    listed = small.get(small.announcements_link(collection, filter=f"id eq '{record['id']}'"),
                       headers={"Prefer": "include-unknown-enum-members"}).json()["value"]
    assert listed == [record]
    assert small.get(small.announcements_link(f"{collection}/nothing")).status == 404


def test_overviews_hold_their_issues_when_asked_to(sim):
    simulator = sim([*ONLY, "--services", 4, "--issues", 30, "--messages", 0], clock=STILL)
    overviews = parsed(simulator.announcements("healthOverviews", expand="issues"))
    plain = parsed(simulator.announcements("healthOverviews"))
    assert [{key: value for key, value in overview.items() if key != "issues"} for overview in overviews] == plain
    found = {issue["id"]: issue for overview in overviews for issue in overview["issues"]}
    assert found == {issue["id"]: issue for issue in parsed(simulator.announcements("issues"))}
    assert all(issue["service"] == overview["service"] for overview in overviews for issue in overview["issues"])


def test_beta_and_other_spellings_of_the_path_answer_too(small):
    for path in ("/beta/admin/serviceAnnouncement/issues", "/V1.0/Admin/serviceannouncement/ISSUES/"):
        assert len(small.get(small.url + path).json()["value"]) == len(small.announcements("issues"))
    assert small.get(small.url + "/v1.0/admin/serviceAnnouncement/issuesX").status == 400


# the records


def test_overviews_have_an_id_a_name_and_a_status(sim):
    overviews = parsed(sim(ONLY, clock=STILL).announcements("healthOverviews"))
    assert all(list(overview) == ["service", "status", "id"] for overview in overviews)
    assert {"Exchange", "SharePoint", "microsoftteams", "Intune"} <= {overview["id"] for overview in overviews}
    assert len({overview["service"] for overview in overviews}) == len(overviews) == 30
    assert {overview["status"][:1] for overview in overviews} == {"s", "S"}, "both spellings are about"


def test_issues_have_the_documented_members(many):
    issues = parsed(many.announcements("issues"))
    members = ["startDateTime", "endDateTime", "lastModifiedDateTime", "title", "id", "impactDescription", "classification", "origin",
               "status", "service", "feature", "featureGroup", "isResolved", "highImpact", "details", "posts"]
    services = {overview["service"] for overview in parsed(many.announcements("healthOverviews"))}
    for issue in issues:
        assert list(issue) == members and issue["service"] in services and re.fullmatch(r"[A-Z]{2}\d{6}", issue["id"])
        assert issue["status"].lower() in SMALL and issue["classification"].lower() in ("advisory", "incident")
        created = [post["createdDateTime"] for post in issue["posts"]]
        assert created and created == sorted(created, key=lambda moment: moment.rstrip("Z"))
        assert all(MOMENT.fullmatch(moment) for moment in [*created, issue["startDateTime"], issue["lastModifiedDateTime"]])
        assert issue["lastModifiedDateTime"].rstrip("Z") >= created[-1].rstrip("Z")
    assert {issue["classification"] for issue in issues} == {"advisory", "Advisory", "incident", "Incident"}
    assert len({issue["id"][2:] for issue in issues}) == len(issues)


def test_the_end_of_an_issue_and_whether_it_is_resolved_can_disagree(sim):
    simulator = sim([*ONLY, "--issues", 900, "--messages", 0], clock=STILL)
    over = {"servicerestored", "falsepositive", "postincidentreviewpublished", "resolved", "resolvedexternal"}
    kinds = collections.Counter()
    for day in range(0, 30, 3):
        simulator.clock(at(day * DAY))
        for issue in parsed(simulator.announcements("issues", page_size=1000)):
            kinds[issue["isResolved"], issue["endDateTime"] is not None] += 1
            assert (issue["status"].lower() in over) == issue["isResolved"]
    assert all(kinds[resolved, ended] > 0 for resolved in (True, False) for ended in (True, False))
    assert kinds[True, True] > 10 * kinds[True, False] and kinds[False, False] > 4 * kinds[False, True]


def test_a_healthy_service_has_no_issues(sim):
    simulator = sim([*ONLY, "--issues", 20, "--messages", 0], clock=STILL)
    healthy = [overview for overview in parsed(simulator.announcements("healthOverviews", expand="issues")) if not overview["issues"]]
    assert healthy and all(overview["status"].lower() == "serviceoperational" for overview in healthy)


def test_messages_have_the_documented_members_and_bodies_of_kilobytes(many):
    records = many.announcements("messages", page_size=1000)
    messages = parsed(records)
    members = ["actionRequiredByDateTime", "body", "category", "details", "endDateTime", "hasAttachments", "id", "isMajorChange",
               "lastModifiedDateTime", "services", "severity", "startDateTime", "tags", "title", "viewPoint"]
    assert all(list(message) == members and message["viewPoint"] is None for message in messages)
    sizes = sorted(map(len, records))
    assert sizes[0] > 500 and 2500 < sizes[len(sizes) // 2] < 6000 and 8000 < sizes[-1] < 60000
    assert sum(message["actionRequiredByDateTime"] is None for message in messages) > 0.8 * len(messages)
    assert any("&amp;" in message["body"]["content"] and "\n" in message["body"]["content"] for message in messages)
    assert any(b"\\u20" in record for record in records) and any("’".encode() in record for record in records)
    details = [(detail["name"], detail["value"]) for message in messages for detail in message["details"]]
    assert {name for name, _ in details} == {"RoadmapIds", "Summary", "Platforms", "FeatureStatusJson", "ExternalLink"}
    assert all(json.loads(value) for name, value in details if name == "FeatureStatusJson")
    assert {message["category"].lower() for message in messages} == {"stayinformed", "planforchange", "preventorfixissue"}
    assert {message["severity"].lower() for message in messages} == {"normal", "high", "critical"}


def test_moments_have_up_to_three_fraction_digits(many):
    moments = [record[name] for collection in ("issues", "messages") for record in parsed(many.announcements(collection))
               for name in ("startDateTime", "lastModifiedDateTime")]
    assert all(MOMENT.fullmatch(moment) for moment in moments)
    assert {len(moment) for moment in moments} == {20, 22, 23, 24}


def test_a_status_that_came_later_has_its_name_only_for_who_asks_for_it(sim):
    simulator = sim([*ONLY, "--issues", 400, "--messages", 0], clock=STILL)
    service, begin = next((service, begin) for service, stretches in simulator.timeline(NOON, NOON + 20 * DAY).items()
                          for status, begin, _ in stretches if status == NEW_STATUS)
    simulator.clock(at(begin - NOON + 1))
    link = simulator.announcements_link(f"healthOverviews/{service}")
    asked, plain = (simulator.get(link, headers={"Prefer": prefer}).json()["status"]
                    for prefer in ("odata.maxpagesize=1000, Include-Unknown-Enum-Members", "odata.maxpagesize=1000"))
    assert (asked.lower(), plain.lower()) == (NEW_STATUS.lower(), "unknownfuturevalue")
    statuses = {issue["status"].lower() for answer in simulator.walk(simulator.announcements_link("issues"))
                for issue in answer.json()["value"]}
    assert "unknownfuturevalue" in statuses and NEW_STATUS.lower() not in statuses


# what happens over time


def test_the_timeline_is_what_a_poll_every_minute_sees(sim):
    simulator = sim([*ONLY, "--services", 6, "--issues", 150, "--messages", 0], clock=STILL)
    exact, stepped = (simulator.timeline(NOON, NOON + 4 * HOUR, step=step) for step in (None, MINUTE))
    seen = collections.defaultdict(list)
    for moment in range(NOON, NOON + 4 * HOUR, MINUTE):
        simulator.clock(at(moment - NOON))
        for overview in parsed(simulator.announcements("healthOverviews")):
            status = SMALL[overview["status"].lower()]
            assert status == status_at(exact[overview["id"]], moment)
            if not seen[overview["id"]] or seen[overview["id"]][-1][0] != status:
                seen[overview["id"]].append([status, moment, None])
            seen[overview["id"]][-1][2] = moment + MINUTE
    assert {service: [(status, begin, end) for status, begin, end in stretches] for service, stretches in seen.items()} == stepped
    assert len({status for stretches in stepped.values() for status, _, _ in stretches}) > 3


def test_timelines_have_no_gap_and_never_tell_the_same_status_twice(sim):
    simulator = sim([*ONLY, "--issues", 300, "--messages", 0], clock=STILL)
    timeline = simulator.timeline(NOON - 30 * DAY, NOON + 30 * DAY)
    assert len(timeline) == 30
    for stretches in timeline.values():
        assert stretches[0][1] == NOON - 30 * DAY and stretches[-1][2] == NOON + 30 * DAY
        assert all(one[2] == two[1] and one[0] != two[0] for one, two in zip(stretches, stretches[1:]))
    lengths = [end - begin for stretches in timeline.values() for status, begin, end in stretches[1:-1] if status != "serviceOperational"]
    assert min(lengths) < 5 * MINUTE and max(lengths) > DAY
    statuses = {status for stretches in timeline.values() for status, _, _ in stretches}
    assert statuses == STATUSES | {NEW_STATUS}


def test_a_look_now_and_then_misses_what_is_short(sim):
    simulator = sim([*ONLY, "--services", 3, "--issues", 200, "--messages", 0], clock=STILL)
    exact = simulator.timeline(NOON, NOON + 10 * DAY)
    for step in (5 * MINUTE, 7 * HOUR):
        stepped = simulator.timeline(NOON, NOON + 10 * DAY, step=step)
        for service, stretches in stepped.items():
            looks = {moment: status_at(exact[service], moment) for moment in range(NOON, NOON + 10 * DAY, step)}
            assert looks == {moment: status_at(stretches, moment) for moment in looks}
            assert len(stretches) == 1 + sum(one != two for one, two in zip(list(looks.values()), list(looks.values())[1:]))
        assert sum(map(len, stepped.values())) < sum(map(len, exact.values()))


def test_issues_follow_the_timeline_of_their_service(sim):
    simulator = sim([*ONLY, "--services", 5, "--issues", 60, "--messages", 0], clock=STILL)
    names = {overview["service"]: overview["id"] for overview in parsed(simulator.announcements("healthOverviews"))}
    timeline = simulator.timeline(NOON, NOON + 3 * DAY)
    over = {"serviceOperational", "serviceRestored", "falsePositive", "postIncidentReviewPublished", "resolved", "resolvedExternal"}
    for step in range(0, 3 * DAY, 7 * HOUR):
        simulator.clock(at(step))
        open_ones = collections.defaultdict(set)
        for issue in parsed(simulator.announcements("issues")):
            if not issue["isResolved"]:
                open_ones[names[issue["service"]]].add(SMALL[issue["status"].lower()])
        for service, stretches in timeline.items():
            status = status_at(stretches, NOON + step)
            assert status in (open_ones[service] or over)


def test_issues_grow_and_messages_are_edited_in_place(sim):
    simulator = sim([*ONLY, "--issues", 300, "--messages", 200], clock=STILL)
    before = {record["id"]: record for name in ("issues", "messages") for record in parsed(simulator.announcements(name, page_size=1000))}
    simulator.clock(at(2 * DAY))
    after = {record["id"]: record for name in ("issues", "messages") for record in parsed(simulator.announcements(name, page_size=1000))}
    both = [(before[one], after[one]) for one in before.keys() & after.keys()]
    changed = [(old, new) for old, new in both if old != new]
    assert all(old["lastModifiedDateTime"].rstrip("Z") < new["lastModifiedDateTime"].rstrip("Z") for old, new in changed)
    messages = [(old, new) for old, new in changed if "body" in old]
    issues = [(old, new) for old, new in changed if "posts" in old]
    assert messages and all(new["title"].startswith("(Updated) ") and new["body"] != old["body"] and "Updated message" in new["tags"]
                            for old, new in messages)
    assert any(len(new["posts"]) > len(old["posts"]) for old, new in issues)
    assert all([post["createdDateTime"] for post in new["posts"]][:len(old["posts"])] == [post["createdDateTime"] for post in old["posts"]]
               for old, new in issues)
    assert any(new["impactDescription"] != old["impactDescription"] for old, new in issues)


def test_old_announcements_leave_the_lists_after_their_retention(sim):
    simulator = sim([*ONLY, "--issues", 40, "--messages", 40, "--retention-days", 10], clock=STILL)
    messages = parsed(simulator.announcements("messages"))
    assert 8 < len(messages) < 20 and min(message["startDateTime"] for message in messages) >= "2025-11-10T12:00:00Z"
    simulator.clock(at(25 * DAY))
    assert not {message["id"] for message in messages} & {message["id"] for message in parsed(simulator.announcements("messages"))}
    forever = sim([*ONLY, "--issues", 40, "--messages", 40, "--retention-days", 0], clock=at(0))
    forever.clock(at(90 * DAY))
    assert len(forever.announcements("messages", page_size=1000)) == 160


# the same again


def test_the_same_options_give_the_same_announcements_and_any_moment_can_be_gone_to_directly(sim):
    options = [*ONLY, "--issues", 50, "--messages", 50, "--tenant", TENANT, "--tenant", OTHER_TENANT]
    first, second = sim(options, clock=STILL), sim(options, clock=STILL)
    for step in (0, HOUR, 5 * DAY):
        first.clock(at(step))
    second.clock(at(5 * DAY))
    assert first.announcements_truth() == second.announcements_truth()
    first.clock(STILL)
    assert first.announcements_truth() == sim(options, clock=STILL).announcements_truth()


def test_seeds_and_tenants_differ(sim):
    options = [*ONLY, "--issues", 30, "--messages", 30, "--tenant", TENANT, "--tenant", OTHER_TENANT]
    truths = [{row for row in simulator.announcements_truth() if row[1] != "overview"}
              for simulator in (sim(options, clock=STILL), sim([*options, "--seed", 2], clock=STILL))]
    sums = [{row[3] for row in truth if row[0] == tenant} for truth in truths for tenant in (TENANT, OTHER_TENANT)]
    assert all(not one & two for number, one in enumerate(sums) for two in sums[:number])


def test_a_restart_in_real_time_has_the_same_announcements(sim):
    def issues(simulator):
        return {record["id"]: record for record in parsed(simulator.announcements("issues"))}

    runs = []
    for _ in range(2):
        simulator = Simulator()
        with simulator.start([*ONLY, "--issues", 40, "--messages", 0]):
            runs.append(issues(simulator))
    same = [one for one in runs[0].keys() & runs[1].keys() if runs[0][one] == runs[1][one]]
    assert len(same) >= len(runs[0]) - 2


def test_the_truth_tells_kind_and_bytes(small):
    found, count = rows(small)
    assert found == small.announcements_truth() and count == len(found)
    assert list(small.lines("truth")[0]) == ["tenant", "source", "kind", "id", "sha256"]
    assert small.truth() == set(), "they are no events"


# edits by hand


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_given_by_hand_is_served_byte_for_byte_in_place_of_that_of_its_id(small, kind):
    before = small.announcements(KINDS[kind])
    record = json.loads(before[1])
    given = json.dumps({**record, "title": "By hand", "startDateTime": record.get("startDateTime")}, indent=1).encode()
    small.edit_announcement(kind, given)
    assert small.announcements(KINDS[kind]) == [before[0], given, *before[2:]]
    assert rows(small)[0] == small.announcements_truth()
    small.edit_announcement(kind, id=record["id"], remove=True)
    assert small.announcements(KINDS[kind]) == [before[0], *before[2:]]
    small.edit_announcement(kind, id=record["id"], restore=True)
    assert small.announcements(KINDS[kind]) == before


@pytest.mark.parametrize("record", [b"null", b"7", b'"text"', b"[1,2]", b"{}", b'{"id":null}', b'{"id": 1e400,  "x":"\\ud800"}'])
@pytest.mark.parametrize("kind", KINDS)
def test_records_that_are_hardly_records_can_be_served(small, kind, record):
    before = small.announcements(KINDS[kind])
    small.edit_announcement(kind, record, id="odd one")
    after = small.announcements(KINDS[kind])
    assert after == ([*before, record] if kind == "overview" else [record, *before])
    assert (TENANT, kind, "odd one", hashlib.sha256(record).hexdigest()) in small.announcements_truth()


def test_a_new_record_stands_where_its_start_puts_it(small):
    before = small.announcements("messages")
    third = json.loads(before[2])
    given = {**third, "id": "MC1", "startDateTime": third["startDateTime"][:19] + "Z"}
    small.edit_announcement("message", given)
    assert [json.loads(record)["id"] for record in small.announcements("messages")].index("MC1") in (2, 3)
    small.edit_announcement("message", id="MC1", remove=True)
    assert small.announcements("messages") == before


def test_an_edit_holds_from_its_moment_on_and_in_its_tenant_only(sim):
    simulator = sim([*ONLY, "--services", 2, "--issues", 0, "--messages", 0, "--tenant", TENANT, "--tenant", OTHER_TENANT], clock=STILL)
    overview = {"id": "Exchange", "service": "Exchange Online", "status": "ServiceInterruption"}
    simulator.clock(at(HOUR))
    simulator.edit_announcement("overview", overview)
    simulator.clock(at(2 * HOUR))
    simulator.edit_announcement("overview", {**overview, "status": "serviceRestored"})
    simulator.clock(at(3 * HOUR))
    simulator.edit_announcement("overview", id="Exchange", remove=True)
    simulator.clock(at(4 * HOUR))
    simulator.edit_announcement("overview", id="exchange", restore=True)
    simulator.edit_announcement("overview", {**overview, "id": "Extra"})
    assert simulator.timeline(NOON, NOON + 5 * HOUR) == {
        "Exchange": [("serviceOperational", NOON, NOON + HOUR), ("serviceInterruption", NOON + HOUR, NOON + 2 * HOUR),
                     ("serviceRestored", NOON + 2 * HOUR, NOON + 3 * HOUR), (None, NOON + 3 * HOUR, NOON + 4 * HOUR),
                     ("serviceOperational", NOON + 4 * HOUR, NOON + 5 * HOUR)],
        "OrgLiveID": [("serviceOperational", NOON, NOON + 5 * HOUR)],
        "Extra": [(None, NOON, NOON + 4 * HOUR), ("serviceInterruption", NOON + 4 * HOUR, NOON + 5 * HOUR)]}
    assert set(simulator.timeline(NOON, NOON + HOUR, OTHER_TENANT)) == {"Exchange", "OrgLiveID"}
    simulator.clock(at(HOUR + 1))
    assert [overview["status"] for overview in parsed(simulator.announcements("healthOverviews")) if overview["id"] == "Exchange"] \
        == ["ServiceInterruption"]
    others = parsed(simulator.announcements("healthOverviews", OTHER_TENANT))
    assert [overview["status"].lower() for overview in others] == ["serviceoperational"] * 2


@pytest.mark.parametrize("edit", [
    {}, {"kind": "issue"}, {"kind": "issue", "id": "EX1"}, {"kind": "thing", "id": "EX1", "remove": True},
    {"kind": "issue", "remove": True},
    {"kind": "issue", "record": {"title": "without an id"}}, {"kind": "issue", "id": "EX1", "record": {}, "remove": True},
    {"kind": "issue", "id": "EX1", "remove": True, "restore": True}, {"kind": "issue", "id": "EX1", "remove": True, "when": "now"},
    {"kind": "issue", "id": "EX1", "remove": True, "tenant": "33333333-3333-4333-8333-333333333333"}, "text", 7, [7],
    [{"kind": "issue", "id": "", "record": {}}],
])
def test_an_edit_that_is_not_understood_is_refused(small, edit):
    before = small.announcements_truth()
    with pytest.raises(ValueError):
        small.control("health", edit)
    assert small.announcements_truth() == before


@pytest.mark.parametrize("query", ["", "to=5", "from=x", "from=5&to=4", "from=5&to=x", "from=5&step=0", "from=5&step=x",
                                   "from=5&tenant=nobody"])
def test_a_timeline_that_is_not_understood_is_refused(small, query):
    with pytest.raises(ValueError):
        small.lines(f"health?{query}")


def test_moments_of_a_timeline_may_be_written_in_two_ways(small):
    iso = small.lines(f"health?from=2025-11-20T10:00:00Z&to=2025-11-20T12:00:00Z&tenant={TENANT}")
    assert iso == small.lines(f"health?from={NOON - 2 * HOUR}&to={NOON}") == small.lines(f"health?from={NOON - 2 * HOUR}.000")


# refusals


@pytest.mark.parametrize("role, refused", [("ServiceHealth.Read.All", {"healthOverviews", "issues"}),
                                           ("ServiceMessage.Read.All", {"messages"})])
def test_each_list_needs_its_permission(sim, role, refused):
    simulator = sim([*ONLY, "--issues", 3, "--messages", 3, "--withhold-role", role], clock=STILL)
    token = simulator.token()
    for collection in KINDS.values():
        answer = simulator.get(simulator.announcements_link(collection), token)
        assert answer.status == (403 if collection in refused else 200)
        if collection in refused:
            assert answer.json()["error"]["code"] == "accessDenied" and answer.json()["error"]["innerError"]["request-id"]


def test_announcements_have_a_budget_of_their_own(sim):
    simulator = sim([*ONLY, "--services", 1, "--issues", 0, "--messages", 0, "--budgets", "documented"], clock=STILL)
    token, links = simulator.token(), [simulator.announcements_link(name) for name in KINDS.values()]
    statuses = collections.Counter(simulator.get(links[number % 3], token).status for number in range(240))
    assert statuses == {200: 240}
    late = simulator.get(links[0], token)
    assert late.status == 429 and late.headers["Retry-After"] == "60"
    assert simulator.get(simulator.users_link(), token).status == 200
    for minutes, good in ((1, 240), (2, 240), (3, 80)):
        simulator.clock(at(minutes * MINUTE))
        assert all(simulator.get(links[0], token).status == 200 for _ in range(good))
        late = simulator.get(links[0], token)
        assert late.status == 429
    assert int(late.headers["Retry-After"]) == HOUR - 3 * MINUTE


@pytest.mark.parametrize("collection", KINDS.values())
def test_faults_find_the_lists_by_name_and_page(sim, collection):
    simulator = sim([*ONLY, "--services", 130, "--issues", 130, "--messages", 130], clock=STILL)
    simulator.fault({"status": 503}, endpoint=collection, page=2, times=1)
    token = simulator.token()
    first = simulator.get(simulator.announcements_link(collection), token)
    second = first.json()["@odata.nextLink"]
    assert simulator.get(second, token).status == 503 and simulator.get(second, token).status == 200
    simulator.fault({"drop_links": True}, endpoint=collection)
    assert "@odata.nextLink" not in simulator.get(first.json()["@odata.nextLink"], token).json()
    simulator.fault({"next_link": "{same}", "insert_record_base64": "Nw=="}, endpoint=collection)
    bent = simulator.get(second, token)
    assert bent.json()["@odata.nextLink"] == second and elements(bent.body)[0] == b"7"
    simulator.fault({"no_records": True}, endpoint=collection)
    assert simulator.get(second, token).json()["value"] == []
    simulator.fault({"drop_value": True}, endpoint=collection)
    assert "value" not in simulator.get(second, token).json()


def test_requests_tell_what_was_preferred(small):
    small.get(small.announcements_link("issues"), headers={"Prefer": "odata.maxpagesize=5"})
    told = small.requests()[-1]
    assert (told["endpoint"], told["prefer"], told["records"], told["page"]) == ("issues", "odata.maxpagesize=5", 5, 1)


def test_a_token_is_needed(small):
    assert small.get(small.announcements_link("issues"), "nonsense").status == 401
