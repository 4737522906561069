"""The source `health`, by m365keep scan and collect: overviews, issues and messages as they are served, byte for byte; scans that fail and
scans beside other runs."""

import hashlib
import json
import os
import signal
import subprocess
import time

import pytest

import announcements
import conftest
import database
from announcements import issue, message, overview, post
from conftest import NOON
from desk import Desk, golden_name
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT, build_folder

DEADLINE_S = 120
HOUR = 3600
NEVER_MS = 3_600_000
QUIET = ["--sign-ins", "0", "--directory-audits", "0", "--users", "5"]
KINDS = {"overview": "service_overviews", "issue": "service_issues", "message": "service_messages"}
FORBIDDEN = {"status": 403, "code": "Authorization_RequestDenied"}


class Scans(Desk):
    """A desk of scans. `yaml`: lines of the customer in m365keep.yaml."""

    def __init__(self, keep, simulator, folder, golden, yaml=None):
        super().__init__(keep, simulator, folder, golden, only="health")
        self.folder, self.at, self.credentials = folder, NOON, {}
        if yaml is not None:
            self.credentials = {"CUSTOMER": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}",
                                **dict.fromkeys(("GRAPH_TENANT_ID", "GRAPH_CLIENT_ID", "GRAPH_CLIENT_SECRET"))}
            lines = ["customers:", "  - name: default", "    variable: CUSTOMER", *(f"    {line}" for line in yaml)]
            (folder / "m365keep.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def move(self, seconds):
        """Time goes on, for the simulator and for the program."""
        self.at += seconds
        self.simulator.keep_clock = f"{self.at}@0@{NOON}"
        self.simulator.clock(self.simulator.keep_clock)

    def run(self, *arguments, env=None, clock=None):
        return super().run(*arguments, env=self.credentials | (env or {}), clock=clock)

    def start(self, *arguments):
        """The program, running."""
        environment = conftest.clean_environment(self.folder, conftest.simulated_environment(self.simulator)) | self.credentials
        environment = {name: value for name, value in environment.items() if value is not None}
        return subprocess.Popen([build_folder() / "m365keep", *arguments, "--json", "--db", self.path], cwd=self.folder,
                                env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait_for(self, endpoint, process, count=1):
        """Until the simulator was asked that often."""
        deadline = time.monotonic() + DEADLINE_S
        while sum(request["endpoint"] == endpoint for request in self.simulator.requests()) < count:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, f"nobody asked for {endpoint}"

    def held(self):
        """(tenant, kind, id, SHA-256) of what is held; each id once."""
        found = set()
        for kind, view in KINDS.items():
            rows = self.query(f"SELECT tenant_id, id, raw FROM {view}")
            assert len(rows) == len({row[:2] for row in rows}), view
            found |= {(tenant, kind, record, hashlib.sha256(raw.encode()).hexdigest()) for tenant, record, raw in rows}
        return found

    def scans(self):
        return self.query("SELECT at, ok, error FROM health_scans ORDER BY at")

    def states(self):
        """{service: [(status, first, last, samples)]}"""
        found = {}
        for service, *rest in self.query("SELECT service, status, first_seen, last_seen, samples FROM service_states ORDER BY first_seen"):
            found.setdefault(service, []).append(tuple(rest))
        return found


@pytest.fixture(name="desk")
def fixture_desk(keep, sim, tmp_path, request):
    """desk(SIMULATOR'S OPTIONS, yaml=None)"""
    def make(*arguments, yaml=None):
        return Scans(keep, sim([*QUIET, *arguments]), tmp_path, f"health/{golden_name(request.node.originalname)}", yaml)
    return make


def iso(epoch):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


# --- what is held -------------------------------------------------------------------------------------------------------


@pytest.mark.threads
def test_a_scan_holds_exactly_what_the_service_shows(desk):
    place = desk("--services", "130", "--issues", "60", "--messages", "90")
    run = place.run()
    run.check_quiet()
    assert place.held() == place.simulator.announcements_truth()
    source = run.source("health")
    assert source["status"] == "ok" and source["error"] is None and source["from"] is None
    assert source["fetched"] == source["inserted"] == len(place.held()) and source["updated"] == source["duplicates"] == 0
    assert place.scans() == [(iso(NOON), 1, None)] and len(place.states()) == 130
    database.check_integrity(place.path)


def test_the_second_scan_finds_everything_known(desk):
    place = desk("--issues", "10", "--messages", "10")
    first = place.run().source("health")
    second = place.run().source("health")
    assert (second["inserted"], second["updated"], second["duplicates"]) == (0, 0, first["inserted"])
    assert place.scans() == [(iso(NOON), 1, None), (iso(NOON + 1), 1, None)]  # one second later: two scans are two moments
    assert {states[0][3] for states in place.states().values()} == {2}


def test_scan_is_collect_of_health_alone(desk, keep):
    place = desk("--issues", "3", "--messages", "3")
    result = keep(["scan", "--db", place.path, "--json"], sim=place.simulator)
    assert result.returncode == 0, result.stderr
    [customer] = json.loads(result.stdout)["customers"]
    assert [source["source"] for source in customer["sources"]] == ["health"]
    assert place.held() == place.simulator.announcements_truth()
    table = keep(["scan", "--db", place.path], sim=place.simulator).stdout
    assert [line.split()[:3] for line in table.splitlines()][1] == ["default", "health", "ok"]


def test_every_run_of_collect_is_a_scan_too(desk, keep):
    place = desk("--issues", "3", "--messages", "3")
    result = keep(["collect", "--db", place.path, "--json"], sim=place.simulator)
    assert result.returncode == 0, result.stderr
    sources = [source["source"] for source in json.loads(result.stdout)["customers"][0]["sources"]]
    assert sources == ["users", "sign-ins", "directory-audits", "intune-audits", "health"]
    assert place.held() == place.simulator.announcements_truth() and len(place.scans()) == 1


def test_pages_are_preferred_and_never_cut_by_top_q21(desk):
    place = desk("--services", "150", "--issues", "5", "--messages", "2300")
    run = place.run()
    assert place.held() == place.simulator.announcements_truth()
    pages = {name: run.asked(name) for name in ("healthOverviews", "issues", "messages")}
    assert len(pages["healthOverviews"]) == 2 and len(pages["messages"]) > 2
    for request in [request for requests in pages.values() for request in requests]:
        assert "top" not in request["uri"].lower()
        wishes = {wish.strip() for wish in request["prefer"].split(",")}
        assert wishes == {"odata.maxpagesize=1000", "include-unknown-enum-members"}


def test_what_a_growing_list_pushes_on_comes_twice_and_counts_once_q22(desk):
    place = desk("--services", "150", "--messages", "2300", "--announcement-shift", "7")
    run = place.run()
    run.check_quiet()
    source = run.source("health")
    assert source["duplicates"] > 0 and source["inserted"] == len(place.held())
    assert source["fetched"] == source["inserted"] + source["duplicates"]
    assert place.simulator.announcements_truth() <= place.held()
    assert {states[0][3] for states in place.states().values()} == {1}
    database.check_integrity(place.path)


def test_what_a_shrinking_list_hides_is_found_by_the_next_scan_q22(desk):
    place = desk("--messages", "2300")
    place.simulator.fault({"next_link": "{base}/v1.0/admin/serviceAnnouncement/messages?$skip=1007"}, endpoint="messages", page=1, times=1)
    place.run().check_quiet()
    missing = place.simulator.announcements_truth() - place.held()
    assert len(missing) == 7 and {row[1] for row in missing} == {"message"}
    run = place.run()
    run.check_quiet()
    assert place.held() == place.simulator.announcements_truth() and run.source("health")["inserted"] == 7


def test_what_is_edited_in_place_keeps_its_earlier_bodies(desk):
    place = desk()
    bodies = [issue("EX900", "Exchange Online", title, modified, post(modified, f"<p>{title}</p>")) for title, modified in
              (("Mail waits", "2025-11-20T11:00:00Z"), ("Mail waits longer", "2025-11-20T11:30:00Z"), ("Mail flows", "2025-11-20T11:45:00Z"))]
    notes = [message("MC900", ["Exchange Online"], title, "2025-11-20T10:00:00Z", "<p>text</p>") for title in ("First", "Second", "Second")]
    counts = []
    for body, note in zip(bodies, notes):
        announcements.serve(place.simulator, [overview("Exchange")], [body], [note])
        source = place.run().source("health")
        counts.append((source["inserted"], source["updated"], source["duplicates"]))
    assert counts == [(3, 0, 0), (0, 2, 1), (0, 1, 2)]
    assert [json.loads(row[0]) for row in place.query("SELECT raw FROM service_issues")] == [bodies[2]]
    assert [json.loads(row[0]) for row in place.query("SELECT raw FROM issue_versions ORDER BY seq")] == bodies[:2]
    assert [json.loads(row[0]) for row in place.query("SELECT raw FROM message_versions")] == [notes[0]]
    assert place.query("SELECT title FROM service_messages") == [("Second",)]


def test_every_word_of_a_body_is_found(desk, keep):
    place = desk()
    announcements.serve(place.simulator, [overview("Exchange")], [
        issue("EX901", "Exchange Online", "Mail waits", "2025-11-20T11:00:00Z",
              post("2025-11-20T11:00:00Z", "<p>We&rsquo;re <b>re</b>routing traffic.<br>Next update&nbsp;by noon</p>"))], [
        message("MC901", ["Exchange Online"], "Basic authentication goes", "2025-11-20T10:00:00Z",
                "<div><h3>What happens</h3><p>Set &lt;AllowBasicAuth&gt; to <i>false</i>, see "
                "<a href='https://example.org/plan?x=1&amp;y=2'>the plan</a>.</p></div>")])
    assert place.run().status == 0

    def found(kind, words):
        result = keep(["search", "--db", place.path, "--in", kind, "--json", "--", words])
        assert result.returncode == 0, result.stderr
        return [row["id"] for row in json.loads(result.stdout)]

    for words in ('"rerouting traffic next update by noon"', "EX901", "Access portal", "notice"):
        assert found("issues", words) == ["EX901"], words
    for words in ('"what happens set"', '"allowbasicauth to false"', '"the plan"', "example.org/plan", "MC901", "admin impact"):
        assert found("messages", words) == ["MC901"], words
    assert found("messages", "href") == found("issues", "nbsp") == []


def test_states_are_the_same_however_they_are_spelled_and_kept_as_received_q59(desk):
    place = desk()
    spellings = ["ServiceDegradation", "serviceDegradation", "SERVICEDEGRADATION", "ServicaOperational", "unknownFutureValue"]
    for spelling in spellings:
        announcements.serve(place.simulator, [overview("Exchange", spelling)], [
            issue("EX902", "Exchange Online", "Mail waits", "2025-11-20T11:00:00Z", status=spelling, classification="Advisory")])
        assert place.run().status == 0
        assert place.query("SELECT status, classification FROM service_issues") == [(spelling, "Advisory")]
        assert place.query("SELECT status FROM service_overviews") == [(spelling,)]
        place.move(300)
    [first, second, third] = place.states()["Exchange"]
    assert first[0] == "ServiceDegradation" and first[3] == 3
    assert (second[0], second[3], third[0], third[3]) == ("ServicaOperational", 1, "unknownFutureValue", 1)


def test_a_record_that_cannot_be_read_is_kept_aside_and_the_rest_is_read_q47_q57(desk):
    place = desk()
    odd = [b'{"title":"nameless"}', b'{"id":7,"title":"numbered"}', b'"EX1"', b"[]", b'{"id":"EX1","title":"\xff"}']
    announcements.serve(place.simulator, [overview("Exchange"), b'{"service":"Nameless"}'], [*odd, issue(
        "EX903", "Exchange Online", "Mail waits", "2025-11-20T11:00:00Z")])
    run = place.run()
    source = run.source("health")
    assert run.status == 0 and source["unreadable"] == 6 and source["inserted"] == 2
    assert {bytes(row[0]) for row in place.query("SELECT body FROM unreadable")} == {*odd, b'{"service":"Nameless"}'}
    assert len(place.scans()) == 1 and list(place.states()) == ["Exchange"]


# --- services that are followed -----------------------------------------------------------------------------------------


def test_services_of_the_configuration_are_followed_by_id_or_name_in_any_case(desk):
    place = desk(yaml=["services: [exchange, MICROSOFT INTUNE]"])
    announcements.serve(place.simulator, [overview(name) for name in announcements.SERVICES], [
        issue("SP1", "SharePoint Online", "Sites are slow", "2025-11-20T11:00:00Z")])
    place.run().check_quiet()
    assert sorted(place.states()) == ["Exchange", "Intune"]
    assert len(place.query("SELECT 1 FROM service_overviews")) == 3 and len(place.query("SELECT 1 FROM service_issues")) == 1


def test_a_service_that_the_tenant_lacks_is_told_with_those_there_are(desk):
    place = desk(yaml=["services: [Exchange, Sharepont]"])
    announcements.serve(place.simulator, [overview(name) for name in announcements.SERVICES])
    run = place.run()
    assert run.status == 0 and list(place.states()) == ["Exchange"]
    [warning] = run.source("health")["warnings"]
    for name in ("Sharepont", "Exchange (Exchange Online)", "SharePoint (SharePoint Online)", "Intune (Microsoft Intune)"):
        assert name in warning
    assert len(run.level("warn")) == 1


def test_a_scan_in_which_no_followed_service_is_left_is_a_scan(desk):
    place = desk(yaml=["services: [Sharepont]"])
    announcements.serve(place.simulator, [overview("Exchange")])
    assert place.run().status == 0
    assert place.scans() == [(iso(NOON), 1, None)] and place.states() == {}


# --- what fails ---------------------------------------------------------------------------------------------------------


def test_without_permission_for_messages_only_messages_are_missing_q107(desk):
    place = desk("--issues", "5", "--messages", "5")
    place.simulator.fault(FORBIDDEN, endpoint="messages")
    run = place.run()
    assert run.status == 3
    error = run.check_error("Authorization_RequestDenied", "partial", "health", 403)
    assert "ServiceMessage.Read.All" in error["hint"]
    place.check_golden(run)
    assert place.held() == {row for row in place.simulator.announcements_truth() if row[1] != "message"}
    assert place.scans() == [(iso(NOON), 1, None)]


def test_a_scan_whose_overviews_fail_is_noted_and_the_rest_is_read(desk):
    place = desk("--issues", "5", "--messages", "5")
    place.simulator.fault(FORBIDDEN, endpoint="healthOverviews")
    run = place.run()
    assert run.status == 3
    error = run.check_error("Authorization_RequestDenied", "partial", "health", 403)
    assert "ServiceHealth.Read.All" in error["hint"]
    [(at, ok, words)] = place.scans()
    assert (at, ok, words) == (iso(NOON), 0, error["message"])
    assert place.held() == {row for row in place.simulator.announcements_truth() if row[1] != "overview"} and not place.states()


def test_when_everything_is_refused_each_listing_is_told(desk):
    place = desk()
    announcements.serve(place.simulator, None, None, None)
    run = place.run()
    assert run.status == 1
    run.check_error("Authorization_RequestDenied", "failed", "health", 403)
    warnings = run.source("health")["warnings"]
    assert len(warnings) == 2 and "issues" in warnings[0] and "messages" in warnings[1] and "ServiceMessage.Read.All" in warnings[1]
    assert [row[1] for row in place.scans()] == [0]


def test_a_list_without_any_service_is_a_failed_scan(desk):
    place = desk()
    announcements.serve(place.simulator, [], [issue("EX904", "Exchange Online", "Mail waits", "2025-11-20T11:00:00Z")])
    run = place.run()
    assert run.status == 3 and run.source("health")["error"]["code"] == "no_services"
    place.check_golden(run)
    [(_, ok, words)] = place.scans()
    assert ok == 0 and "no service" in words
    assert len(place.query("SELECT 1 FROM service_issues")) == 1


def test_overviews_that_all_cannot_be_read_are_a_failed_scan(desk):
    place = desk()
    announcements.serve(place.simulator, [b'{"service":"Nameless"}'])
    assert place.run().status == 3
    assert [row[1] for row in place.scans()] == [0]


def test_a_wrong_secret_is_a_failed_scan_q106(desk):
    place = desk(yaml=[])
    run = place.run(env={"CUSTOMER": f"{TENANT};{CLIENT_ID};ZQXSECRET"})
    assert run.status == 1 and "ZQXSECRET" not in run.words
    [(at, ok, words)] = place.scans()
    assert (at, ok) == (iso(NOON), 0) and "7000215" in words


def test_a_failed_scan_between_two_good_ones_breaks_no_state(desk):
    place = desk()
    for failing in (False, True, False):
        announcements.serve(place.simulator, None if failing else [overview("Exchange")])
        place.run()
        place.move(300)
    assert [row[1] for row in place.scans()] == [1, 0, 1]
    assert place.states() == {"Exchange": [("serviceOperational", iso(NOON), iso(NOON + 600), 2)]}


def test_the_gap_that_is_allowed_is_that_of_the_schedule(desk):
    place = desk()
    (place.folder / "m365keep.yaml").write_text("schedule: { health: 20m }\n", encoding="utf-8")
    announcements.serve(place.simulator, [overview("Exchange")])
    for step in (HOUR, HOUR + 1, 0):
        place.run()
        place.move(step)
    assert [(first, last) for _, first, last, _ in place.states()["Exchange"]] == [
        (iso(NOON), iso(NOON + HOUR)), (iso(NOON + 2 * HOUR + 1),) * 2]


def test_an_interrupted_scan_is_no_failed_scan(desk):
    place = desk()
    place.simulator.fault({"delay_ms": NEVER_MS}, endpoint="healthOverviews")
    process = place.start("scan")
    place.wait_for("healthOverviews", process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 128 + signal.SIGTERM and place.scans() == []


def test_overviews_that_were_read_count_whatever_comes_after(desk):
    place = desk("--issues", "5", "--messages", "5")
    place.simulator.fault({"delay_ms": NEVER_MS}, endpoint="messages")
    process = place.start("scan")
    place.wait_for("messages", process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 128 + signal.SIGINT and [row[1] for row in place.scans()] == [1]


@pytest.mark.parametrize("link", ["{same}", "{base}/v1.0/admin/serviceAnnouncement/messages?$skip=0", "/v1.0/x"])
def test_a_broken_link_makes_the_listing_start_again_q10_q11_q14(desk, link):
    place = desk("--issues", "5", "--messages", "1500")
    place.simulator.fault({"next_link": link}, endpoint="messages", times=1)
    place.run().check_quiet()
    assert place.held() == place.simulator.announcements_truth()


def test_links_that_stay_broken_fail_their_listing_and_its_records_are_kept_q10(desk):
    place = desk("--issues", "5", "--messages", "50")
    place.simulator.fault({"next_link": "{same}"}, endpoint="healthOverviews")
    run = place.run()
    assert run.status == 3
    [(_, ok, _words)] = place.scans()
    assert ok == 0 and not place.states()
    assert place.held() == place.simulator.announcements_truth()


def test_a_link_to_another_place_gets_no_token_and_ends_the_scan_q6(desk):
    place = desk("--issues", "5")
    place.simulator.fault({"next_link": "https://graph.example.test/v1.0/x"}, endpoint="healthOverviews")
    run = place.run()
    assert run.status != 0 and not run.asked("issues")
    assert "graph.example.test" in run.source("health")["error"]["message"]
    assert [row[1] for row in place.scans()] == [0]


def test_records_before_a_break_are_kept_q50(desk):
    place = desk("--issues", "5", "--messages", "40")
    place.simulator.fault({"truncate": "half"}, endpoint="messages")
    run = place.run()
    assert run.status == 3 and run.source("health")["status"] == "partial"
    held, truth = place.held(), place.simulator.announcements_truth()
    assert held < truth and any(row[1] == "message" for row in held)
    assert place.scans() == [(iso(NOON), 1, None)]


def test_a_storm_that_passes_is_ridden_out_q101(desk):
    place = desk("--issues", "5", "--messages", "5")
    place.simulator.faults([{"match": {"path": "/serviceAnnouncement/"}, "times": 4, "action": {"status": 503}}])
    place.run().check_quiet()
    assert place.held() == place.simulator.announcements_truth()


def test_no_answer_for_one_listing_is_none_for_the_others_q116(desk):
    place = desk("--issues", "5")
    place.simulator.fault({"reset": True}, endpoint="healthOverviews")
    run = place.run()
    assert run.status == 1 and not run.asked("issues") and not run.asked("messages")
    assert [row[1] for row in place.scans()] == [0]


# --- beside other runs --------------------------------------------------------------------------------------------------


def test_scans_go_on_while_a_collection_is_under_way_q119(desk, keep):
    place = desk("--sign-ins", "20", "--issues", "5", "--messages", "5")
    place.simulator.fault({"delay_ms": NEVER_MS}, endpoint="signIns")
    collect = place.start("collect", "--only", "sign-ins,health")
    try:
        place.wait_for("messages", collect)
        place.wait_for("signIns", collect)
        deadline, result = time.monotonic() + DEADLINE_S, None
        while result is None or result.returncode:  # until the collection has noted its own scan, it holds the lock
            result = keep(["scan", "--db", place.path, "--json"], sim=place.simulator)
            assert time.monotonic() < deadline and collect.poll() is None, result.stderr
    finally:
        collect.send_signal(signal.SIGTERM)
        collect.communicate(timeout=DEADLINE_S)
    assert [row[1] for row in place.scans()] == [1, 1]


def test_of_two_scans_at_once_the_second_ends_q119(desk, keep):
    place = desk()
    place.simulator.fault({"delay_ms": NEVER_MS}, endpoint="healthOverviews", times=1)
    first = place.start("scan")
    try:
        place.wait_for("healthOverviews", first)
        second = keep(["scan", "--db", place.path], sim=place.simulator)
        assert second.returncode == 1 and str(first.pid) in second.stderr
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=DEADLINE_S)
    assert keep(["scan", "--db", place.path], sim=place.simulator).returncode == 0


def test_a_collection_beside_a_scan_leaves_health_to_it_q119(desk, keep):
    place = desk("--sign-ins", "20", "--directory-audits", "5")
    place.simulator.fault({"delay_ms": NEVER_MS}, endpoint="healthOverviews", times=1)
    first = place.start("scan")
    try:
        place.wait_for("healthOverviews", first)
        result = keep(["collect", "--db", place.path, "--json"], sim=place.simulator)
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=DEADLINE_S)
    assert result.returncode == 0, result.stderr
    sources = {source["source"]: source for source in json.loads(result.stdout)["customers"][0]["sources"]}
    assert sources["health"]["status"] == "skipped" and sources["health"]["error"] is None
    assert len(sources["health"]["warnings"]) == 1 and sources["health"]["requests"] == 0
    assert {source["status"] for name, source in sources.items() if name != "health"} == {"ok"}
    assert database.truth(place.path) == place.simulator.truth()


def test_a_collection_of_health_alone_needs_no_other_lock(desk, keep):
    place = desk("--sign-ins", "5", yaml=["sources: [health]"])
    place.simulator.fault({"delay_ms": NEVER_MS}, endpoint="signIns")
    (place.folder / "events.yaml").write_text((place.folder / "m365keep.yaml").read_text().replace("[health]", "[sign-ins]"))
    collect = place.start("collect", "--config", "events.yaml")
    try:
        place.wait_for("signIns", collect)
        result = keep(["collect", "--db", place.path, "--json"], sim=place.simulator, env=place.credentials)
        assert result.returncode == 0, result.stderr
    finally:
        collect.send_signal(signal.SIGTERM)
        collect.communicate(timeout=DEADLINE_S)


@pytest.mark.threads
def test_two_processes_write_into_one_database_and_nothing_is_lost(desk, keep):
    """A first collection commits transaction upon transaction, and scans come in between."""
    place = desk("--sign-ins", "15000", "--directory-audits", "3000", "--page-size", "500", "--days", "10", "--issues", "30", "--messages", "60")
    collect = place.start("collect", "--only", "sign-ins,directory-audits")
    scans, done = 0, None
    while done is None:
        done = collect.poll()
        result = keep(["scan", "--db", place.path, "--json"], sim=place.simulator)
        assert result.returncode == 0, result.stderr
        scans += 1
    words = collect.communicate(timeout=DEADLINE_S)[1]
    assert done == 0, words
    assert scans > 1 and [row[1] for row in place.scans()] == [1] * scans
    assert database.truth(place.path) == place.simulator.truth()
    assert place.held() == place.simulator.announcements_truth()
    assert {(len(states), states[0][3]) for states in place.states().values()} == {(1, scans)}
    database.check_integrity(place.path)


# --- killed -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.plain_only
def test_killed_anywhere_in_a_scan_the_next_one_holds_everything(desk, keep, build, tmp_path):
    place = desk("--services", "120", "--issues", "40", "--messages", "1200")
    count = tmp_path / "count"

    def scan(kill_at):
        count.unlink(missing_ok=True)
        return keep(["scan"], sim=place.simulator, env={
            "LD_PRELOAD": str(build / "kill_at.so"), "KILL_AT": str(kill_at), "KILL_AT_PATH": place.path.name,
            "KILL_AT_COUNT": str(count), "M365KEEP_DB": str(place.path)}).returncode

    assert scan(0) == 0
    calls, truth = int(count.read_text()), place.simulator.announcements_truth()
    assert calls > 20
    for kill_at in range(1, calls, max(1, calls // 16)):
        for file in tmp_path.glob(f"{place.path.name}*"):
            file.unlink()
        killed = scan(kill_at)
        assert killed in (0, -signal.SIGKILL)
        assert scan(0) == 0
        assert place.held() == truth
        scans = place.scans()
        assert 1 <= len(scans) <= 2 and all(ok for _, ok, _ in scans)
        assert {(len(states), states[0][3]) for states in place.states().values()} == {(1, len(scans))}
        assert place.query("SELECT count(*) FROM issue_versions") == [(0,)]
        database.check_integrity(place.path)


# --- the command --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--only", "health"], ["--hours", "3"], ["--since", "1d"], ["now"], ["--customer", "nobody"]])
def test_scan_takes_a_customer_and_nothing_that_makes_no_sense(desk, keep, arguments):
    place = desk()
    result = keep(["scan", "--db", place.path, *arguments], sim=place.simulator)
    assert result.returncode == 2 and result.stdout == "" and result.stderr
    assert not os.path.exists(place.path)


def test_scan_has_a_help_of_its_own(keep):
    result = keep(["scan", "--help"])
    assert result.returncode == 0 and "--customer" in result.stdout and "--only" not in result.stdout.replace("--only health", "")
    assert keep(["help", "scan"]).stdout == result.stdout
    assert "scan" in keep(["--help"]).stdout
