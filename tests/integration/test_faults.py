"""Everything that a service, a network or a record can do wrong, and what `m365keep collect` makes of it.

Each test gives the simulator a fault, collects, and looks at five things: the data (against the simulator's truth), the exit
status, what the person on call reads on stderr (golden/NAME.txt, after the test's name; written anew by M365KEEP_UPDATE_GOLDEN=1),
the error object of --json, and that a run after the fault ends with everything. Names end in the numbers that tests/README.md
gives to the cases.

Sources of events only: users have their own way to be read, and their own tests of it. The clock stands, so that waits take no
time; where waits are looked at, it runs faster than ours."""

import base64
import contextlib
import datetime
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time

import pytest

import conftest
import database
from desk import GOLDEN, Desk, Run, golden_name, graph_error, moving_clock, refused
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT

# Two days of records, a few pages of each window; nothing that makes counts vary.
STEADY = ["--sign-ins", "200", "--directory-audits", "60", "--days", "2", "--page-size", "25", "--empty-pages", "0",
          "--repeat-percent", "0", "--late-percent", "0", "--changed-percent", "0"]
SIGN_INS = ["--only", "sign-ins"]

# Simulated seconds a second. A request may spend 15 simulated minutes on its attempts: at this rate, almost two seconds of ours.
FAST = 500


@pytest.fixture(name="desk")
def fixture_desk(keep, sim, tmp_path, request):
    """desk(OPTIONS, clock=None, authority=None): a desk with a simulator of these options."""
    golden = golden_name(request.node.name)

    def make(options=STEADY, clock=None, authority=None):
        return Desk(keep, sim(options, clock=clock, authority=authority), tmp_path, golden)

    return make


@pytest.fixture(name="dead_port")
def fixture_dead_port():
    """A port that is taken, and refuses every connection."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def seconds(moment):
    """A moment of the simulator's ledger."""
    head, fraction = moment.rstrip("Z").split(".")
    return datetime.datetime.fromisoformat(head + "+00:00").timestamp() + float(f"0.{fraction}")


def windows(requests):
    """The times asked for by first pages: (from, to) as texts."""
    pattern = re.compile(r"ge(?:%20|\+)(\S+?)(?:%20|\+)and\S*?le(?:%20|\+)([^&]+)")
    found = [pattern.search(request["uri"]) for request in requests if request["page"] == 1]
    return [(one[1].replace("%3A", ":"), one[2].replace("%3A", ":")) for one in found]


# --- who we are -----------------------------------------------------------------------------------------------------


CREDENTIALS = {
    "wrong_secret": ({"GRAPH_CLIENT_SECRET": "Wrong~Secret.2+/="}, None, "AADSTS7000215", 401),
    "expired_secret": ({}, {"aadsts": 7000222}, "AADSTS7000222", 401),
    "unknown_tenant": ({"GRAPH_TENANT_ID": "99999999-2222-4333-8444-555555555555"}, None, "AADSTS90002", 400),
    "unknown_app": ({"GRAPH_CLIENT_ID": "99999999-bbbb-4ccc-8ddd-eeeeeeeeeeee"}, None, "AADSTS700016", 400),
}


@pytest.mark.parametrize("case", CREDENTIALS)
def test_refused_credentials_stop_at_once_and_say_what_to_mend_q106(desk, case):
    environment, fault, code, http = CREDENTIALS[case]
    here = desk()
    if fault:
        here.simulator.fault(fault, "/oauth2/")
    run = here.run(env=environment)
    assert run.status == 1 and here.rows() == set()
    assert [request["endpoint"] for request in run.requests] == ["token"]
    for source in ("sign-ins", "directory-audits"):
        run.check_error(code, source=source, http=http)
    assert "Wrong~Secret" not in run.words and "Wrong~Secret" not in json.dumps(run.report)
    here.check_golden(run)
    here.check_completes()


def test_a_token_endpoint_in_trouble_is_tried_again_q101(desk):
    here = desk()
    here.simulator.fault({"status": 503}, "/oauth2/", times=3)
    run = here.run()
    run.check_quiet()
    assert len(run.asked("token")) == 4 and here.rows() == here.truth()


@pytest.mark.parametrize("answer", [{"html": True}, {"empty_body": True}, {"body": '{"token_type":"Bearer","expires_in":3599}'}],
                         ids=["html", "empty", "no_token"])
def test_a_token_endpoint_that_gives_no_token_is_an_error_of_both_sources_q104(desk, answer):
    here = desk()
    here.simulator.fault(answer, "/oauth2/")
    run = here.run()
    assert run.status == 1 and here.rows() == set() and len(run.requests) <= 8
    for source in ("sign-ins", "directory-audits"):
        run.check_error("bad_token", source=source, http=200)
    here.check_golden(run)
    here.check_completes()


def test_a_missing_permission_stops_only_its_source_and_is_named_q107(desk):
    here = desk()
    here.simulator.fault({"status": 403}, "signIns")
    run = here.run()
    assert run.status == 3 and here.rows() == here.truth("directory-audits")
    error = run.check_error("Authorization_RequestDenied", http=403)
    assert "AuditLog.Read.All" in error["hint"] and len(run.asked()) == 1
    here.check_golden(run)
    here.check_completes()


NOT_PREMIUM = refused(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                      "Neither tenant is B2C or tenant doesn't have premium license")


def test_a_missing_licence_skips_its_source_and_the_run_succeeds_q108_q109(desk):
    here = desk()
    here.simulator.fault(NOT_PREMIUM, "signIns")
    run = here.run()
    assert run.status == 0 and here.rows() == here.truth("directory-audits")
    error = run.check_error("Authentication_RequestFromNonPremiumTenantOrB2CTenant", status="skipped", http=403)
    assert "P1 or P2" in error["hint"] and len(run.asked()) == 3
    here.check_golden(run)
    here.check_completes()


def test_a_licence_error_that_passes_is_waited_out_q108(desk):
    here = desk(clock=moving_clock(FAST))
    here.simulator.fault(NOT_PREMIUM, "signIns", times=2)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    first, second, third = (seconds(request["time"]) for request in run.asked()[:3])
    assert second - first >= 60 and third - second >= 60


@pytest.mark.parametrize("words", ["Resource not found for the segment 'signIns'.", "Request not applicable to target tenant."],
                         ids=["cloud", "tenant"])
def test_a_cloud_or_tenant_without_the_collection_skips_it_q109(desk, words):
    here = desk()
    here.simulator.fault(refused(400, "BadRequest", words), "signIns")
    run = here.run()
    assert run.status == 0 and here.rows() == here.truth("directory-audits")
    run.check_error("BadRequest", status="skipped", http=400)
    assert len(run.asked()) == 1
    here.check_golden(run)
    here.check_completes()


def test_a_token_that_expires_in_mid_paging_is_renewed_and_nothing_starts_again_q103(desk):
    here = desk()
    here.simulator.fault({"expire_token": True}, "signIns", page=3, times=1)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins")
    uris = [request["uri"] for request in run.asked()]
    refused_at = next(at for at, request in enumerate(run.asked()) if request["status"] == 401)
    assert uris[refused_at] == uris[refused_at + 1] and len(uris) == len(set(uris)) + 1
    assert len(run.asked("token")) == 2 and run.source()["retried"] == 1


def test_a_fresh_token_that_is_refused_too_stops_the_source_q103(desk):
    here = desk()
    here.simulator.fault({"status": 401}, "signIns", page=2)
    run = here.run()
    assert run.status == 3 and here.rows() < here.truth()
    run.check_error("InvalidAuthenticationToken", status="partial", http=401)
    refusals = [request for request in run.asked() if request["status"] == 401]
    assert len(refusals) == 2 and len(run.asked("token")) == 2
    here.check_golden(run)
    here.check_completes()


# --- throttling -----------------------------------------------------------------------------------------------------


# The header's form and the least that must be waited, in seconds.
RETRY_AFTER = {
    "seconds": ("7", 7),
    "fraction": ("2.128", 2.128),
    "joined": ("0,120", 120),
    "doubled": (["4", "75"], 75),
    "date": ("Thu, 20 Nov 2025 12:01:00 GMT", 60),
    "past_date": ("Thu, 20 Nov 2025 11:00:00 GMT", 1),
    "zero": ("0", 1),
    "negative": ("-5", 1),
    "absent": (None, 1),
    "blank": (" ", 1),
    "garbage": ("soon", 1),
}


@pytest.mark.parametrize("form", RETRY_AFTER)
def test_every_form_of_retry_after_is_kept_and_never_a_busy_loop_q97_q98(desk, form):
    value, least_s = RETRY_AFTER[form]
    here = desk(clock=moving_clock(FAST))
    complete = here.truth("sign-ins")
    # The date form counts from the answer's own Date.
    headers = {"Retry-After": value, **({"Date": "Thu, 20 Nov 2025 12:00:00 GMT"} if "date" in form else {})}
    here.simulator.fault({"status": 429, "headers": headers}, "signIns", page=2, times=2)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert complete <= here.rows() <= here.truth("sign-ins")
    assert run.source()["throttled"] == 2 and here.simulator.stats()["retry_after_broken"] == 0
    moments = [(seconds(request["time"]), request["status"]) for request in run.asked()]
    waits = [after[0] - at[0] for at, after in zip(moments, moments[1:]) if at[1] == 429]
    assert len(waits) == 2 and all(wait >= least_s for wait in waits)


def test_a_retry_after_longer_than_a_run_may_take_ends_the_source_until_the_next_run_q97_q102(desk):
    here = desk()
    here.simulator.fault({"status": 429, "headers": {"Retry-After": "1000000000"}}, "signIns", page=2, times=1)
    run = here.run(*SIGN_INS)
    assert run.status == 3 and here.rows() < here.truth("sign-ins")
    error = run.check_error("TooManyRequests", status="partial", http=429)
    assert [request["status"] for request in run.asked()].count(429) == 1 and run.asked()[-1]["status"] == 429
    assert "3600" in error["message"] + error["hint"]
    here.check_golden(run)
    here.check_completes(*SIGN_INS)


def test_a_throttled_source_lets_its_family_wait_with_it_q102(desk):
    here = desk(clock=moving_clock(FAST))
    here.simulator.fault({"status": 429, "headers": {"Retry-After": "120"}}, "signIns", times=1)
    run = here.run()
    run.check_quiet()
    # The one request that is under way when the refusal comes cannot be called back.
    assert here.simulator.stats()["retry_after_broken"] <= 1
    refused_at = next(seconds(request["time"]) for request in run.asked() if request["status"] == 429)
    others = [seconds(request["time"]) for request in run.asked("directoryAudits")]
    assert len([moment for moment in others if refused_at < moment < refused_at + 120]) <= 1


def test_throttling_without_end_stops_the_source_and_the_next_run_completes_q98_q99(desk):
    here = desk()
    here.simulator.fault({"status": 429, "body": graph_error("UnknownError", "")}, "signIns")
    run = here.run(*SIGN_INS)
    assert run.status == 1 and here.rows() == set() and len(run.asked()) == 8
    run.check_error("UnknownError", http=429)
    assert run.source()["throttled"] == 8
    here.check_golden(run)
    here.check_completes(*SIGN_INS)


LONG_WAITS = {
    "retry_after": {"status": 429, "headers": {"Retry-After": "800"}},
    "late_answer": {"delay_ms": 3_600_000},
    "stalled_body": {"stall_after": "half"},
}


@pytest.mark.parametrize("kind", LONG_WAITS)
def test_sigterm_ends_a_long_wait_at_once_and_the_next_run_completes_q102(desk, build, kind):
    here = desk(clock=moving_clock(1))
    complete = here.truth("sign-ins")
    here.simulator.fault(LONG_WAITS[kind], "signIns", page=2)
    environment = conftest.clean_environment(here.path.parent, conftest.simulated_environment(here.simulator))
    with subprocess.Popen([build / "m365keep", "collect", "--json", "--db", here.path, *SIGN_INS], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=here.path.parent) as process:
        while here.simulator.fired() == 0:
            assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    run = Run(subprocess.CompletedProcess([], process.returncode, stdout, stderr), here.simulator.requests())
    assert run.status == 128 + signal.SIGTERM
    run.check_error("interrupted", status="partial")
    here.check_golden(run)
    here.simulator.faults([])
    assert here.run(*SIGN_INS).status == 0 and complete <= here.rows() <= here.truth("sign-ins")


# --- a service in trouble -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_storm_that_ends_is_ridden_out_q101(desk, status):
    here = desk()
    here.simulator.fault({"status": status}, "auditLogs", skip=3, times=5)
    run = here.run()
    run.check_quiet()
    assert here.rows() == here.truth()
    assert run.source("sign-ins")["retried"] + run.source("directory-audits")["retried"] == 5


def test_a_storm_that_does_not_end_leaves_the_state_as_it_was_q101(desk):
    here = desk()
    assert here.run().status == 0
    state = "SELECT * FROM coverage ORDER BY 1, 2, 3", "SELECT * FROM collect_cursor", "SELECT count(*) FROM events"
    before = [here.query(query) for query in state]
    here.simulator.fault({"status": 503}, "auditLogs")
    run = here.run()
    assert run.status == 1 and [here.query(query) for query in state] == before
    for source in ("sign-ins", "directory-audits"):
        run.check_error("ServiceUnavailable", source=source, http=503)
    assert len(run.asked()) == 8
    here.check_golden(run)
    here.check_completes()


def test_trouble_of_one_source_does_not_touch_the_other_q101(desk):
    here = desk()
    here.simulator.fault({"status": 503}, "signIns", page=2)
    run = here.run()
    assert run.status == 3 and here.truth("directory-audits") < here.rows() < here.truth()
    run.check_error("ServiceUnavailable", status="partial", http=503)
    assert run.source("directory-audits")["status"] == "ok"
    here.check_golden(run)
    done = here.check_completes()
    # It goes on at the page where it stood.
    assert done.asked()[0]["page"] == 2


def test_a_window_that_times_out_is_halved_q2_q101(desk):
    here = desk()
    here.simulator.fault({"status": 504}, "signIns", times=8)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins")
    asked = windows(run.asked())
    assert len(set(asked[:8])) == 1
    whole, half = [[datetime.datetime.fromisoformat(moment.rstrip("Z")) for moment in window] for window in (asked[0], asked[8])]
    assert half[0] == whole[0] and (half[1] - half[0]) * 2 == whole[1] - whole[0]


def test_a_service_that_always_times_out_is_left_for_the_next_run_q101(desk):
    here = desk()
    here.simulator.fault({"status": 504}, "signIns")
    run = here.run()
    assert run.status == 3 and here.rows() == here.truth("directory-audits")
    run.check_error("UnknownError", http=504)
    here.check_golden(run)
    here.check_completes()


@pytest.mark.parametrize("status", [404, 405, 418, 422, 501])
def test_a_refusal_that_is_no_news_is_not_repeated_q114(desk, status):
    here = desk()
    here.simulator.fault(refused(status, "Request_Whatever", "The request's shape is not to our liking."), "signIns")
    run = here.run()
    assert run.status == 3 and len(run.asked()) == 1 and here.rows() == here.truth("directory-audits")
    run.check_error("Request_Whatever", http=status)
    here.check_golden(run)
    here.check_completes()


# Error bodies as they come: what they hold, and the code that is told.
ERROR_BODIES = {
    "empty": ("", "http_400"),
    "html": ("<html><head><title>502 Bad\r\n Gateway</title></head></html>", "http_400"),
    "bare_html": ("<h1>no", "http_400"),
    "text": ("Bad request, and\x1b[31m worse\x07", "http_400"),
    "message_only": ('{"Message":"Authorization has been denied for this request."}', "http_400"),
    "lower_inner": ('{"error":{"code":"","message":"Outer.","innererror":{"code":"invalidRange"}}}', "invalidRange"),
    "nested": ('{"error":{"code":"UnknownError","message":"{\\"Code\\":\\"accessDenied\\",\\"Message\\":\\"Inner.\\"}"}}', "accessDenied"),
    "dump": (json.dumps({"error": {"code": "x" * 5000, "message": "line\r\nbreak " + "y" * 5000}}), None),
    "odata": ('{"odata.error":{"code":"Request_BadRequest","message":{"lang":"en","value":"Old style."}}}', "Request_BadRequest"),
}


@pytest.mark.parametrize("shape", ERROR_BODIES)
def test_error_bodies_of_any_shape_give_one_safe_line_q99_q112_q113_q114(desk, shape):
    body, code = ERROR_BODIES[shape]
    here = desk()
    here.simulator.fault({"status": 400, "body": body} if body else {"status": 400, "empty_body": True}, "signIns")
    run = here.run(*SIGN_INS)
    assert run.status == 1
    error = run.source()["error"]
    run.check_error(code or error["code"], http=400)
    assert len(error["code"]) <= 200 and all(letter.isprintable() for letter in run.words.replace("\n", ""))
    here.check_golden(run)
    here.check_completes(*SIGN_INS)


# --- broken bodies --------------------------------------------------------------------------------------------------


BAD_BODIES = {
    "cut_softly": {"truncate": "half"},
    "cut_hard": {"truncate_hard": "half"},
    "cut_at_once": {"truncate_hard": 0},
    "html": {"html": True},
    "empty": {"empty_body": True},
    "no_value": {"drop_value": True},
    "value_no_array": {"body": '{"value":{"userDisplayName":"Ada Lovelace"}}'},
    "no_object": {"body": '[{"userDisplayName":"Ada Lovelace"}]'},
    "two_values": {"body": '{"value":[{"userDisplayName":"Ada Lovelace"}],"value":[]}'},
    "error_in_200": {"error_in_200": True},
    "trailing_garbage": {"append": "}garbage"},
    "second_value": {"append": "{}"},
    "no_gzip": {"headers": {"Content-Encoding": "gzip"}},
}


@pytest.mark.parametrize("kind", BAD_BODIES)
def test_a_broken_body_is_asked_for_again_and_never_half_stored_q3_q49_q50(desk, kind):
    here = desk()
    here.simulator.fault(BAD_BODIES[kind], "signIns", page=2, times=1)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins") and run.source()["retried"] == 1 and run.source()["duplicates"] == 0


@pytest.mark.parametrize("kind", BAD_BODIES)
def test_bodies_that_stay_broken_leave_the_time_open_and_the_next_run_reads_it_q3_q49_q50(desk, kind):
    here = desk()
    here.simulator.fault(BAD_BODIES[kind], "signIns")
    run = here.run()
    assert run.status == 3 and here.rows() == here.truth("directory-audits")
    run.check_error(run.source()["error"]["code"], http=run.level("error")[0].get("http"))
    assert here.query("SELECT count(*) FROM coverage WHERE source = 'sign-ins' AND state <> 'open'") == [(0,)]
    assert "Lovelace" not in run.words  # whatever the shape, records do not get into the log
    here.check_golden(run)
    here.check_completes()


def test_a_body_broken_only_on_long_windows_is_read_in_short_ones_q50(desk):
    here = desk()
    here.simulator.fault({"truncate_hard": "half"}, "signIns", page=3)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins")
    # What was done is done: the next run does not fall into the same hole.
    again = here.run(*SIGN_INS)
    again.check_quiet()
    assert again.source()["inserted"] == 0 and again.source()["retried"] == 0


def test_a_throttling_error_inside_a_200_is_waited_out_q3(desk):
    here = desk(clock=moving_clock(FAST))
    fault = {"error_in_200": {"code": "TooManyRequests", "message": ""}, "headers": {"Retry-After": "30"}}
    here.simulator.fault(fault, "signIns", page=2, times=1)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert run.source()["throttled"] == 1
    moments = [seconds(request["time"]) for request in run.asked()]
    at = next(at for at, request in enumerate(run.asked()) if request["page"] == 2)
    assert moments[at + 1] - moments[at] >= 30


def test_a_byte_order_mark_is_skipped_q48(desk):
    here = desk()
    here.simulator.fault({"bom": True}, "auditLogs")
    run = here.run()
    run.check_quiet()
    assert here.rows() == here.truth() and run.source()["retried"] == 0


def test_compressed_pages_are_read_like_plain_ones_q51(desk):
    here = desk([*STEADY, "--gzip"])
    run = here.run()
    run.check_quiet()
    assert here.rows() == here.truth()
    sent = here.simulator.stats()["bytes_sent"]
    assert run.source("sign-ins")["bytes"] + run.source("directory-audits")["bytes"] >= sent - 4096


@pytest.mark.plain_only
def test_a_decompression_bomb_is_cut_off_and_the_rest_is_read_q51(desk, build):
    here = desk()
    here.simulator.fault({"gzip_bomb": 600}, "signIns", times=1)
    environment = conftest.clean_environment(here.path.parent, conftest.simulated_environment(here.simulator))
    with subprocess.Popen([build / "m365keep", "collect", "--db", here.path, *SIGN_INS], env=environment, cwd=here.path.parent,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        words = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    assert usage.ru_maxrss < 400 * 1024  # KiB, of 600 MiB
    assert here.rows() == here.truth("sign-ins")


def test_connections_that_are_reset_are_opened_again_q115(desk):
    here = desk()
    # Now and then one: two in a row that meet the same request are a host that cannot be reached, and worth a word.
    here.simulator.faults([{"match": {"path": "auditLogs"}, "action": {"reset": True}, "skip": skip, "times": 1} for skip in (4, 8, 12)])
    run = here.run()
    run.check_quiet()
    assert here.simulator.fired() == 3
    assert here.rows() == here.truth()


def test_connections_that_are_always_reset_end_the_source_q115(desk):
    here = desk()
    here.simulator.fault({"reset": True}, "signIns", page=2)
    run = here.run("--only", "sign-ins")  # whether another source is answered between two attempts is chance
    assert run.status == 3
    run.check_error("connection_lost", status="partial")
    # libcurl itself tries again where a connection that it had kept turns out dead.
    assert len([request for request in run.asked() if request["page"] == 2]) in range(8, 11)
    here.check_golden(run)
    here.check_completes("--only", "sign-ins")


# --- links ----------------------------------------------------------------------------------------------------------


def strange_link(here, kind):
    """A link that must not be followed, and never is."""
    host = here.simulator.url.removeprefix("http://")
    port = host.split(":")[1]
    decoy = here.simulator.decoy_url.removeprefix("http://")
    tail = "/v1.0/auditLogs/signIns?$skiptoken=6666"
    return {
        "another_port": f"http://{decoy}{tail}",
        "another_host": f"http://localhost:{port}{tail}",
        "another_scheme": f"https://{host}{tail}",
        "userinfo": f"http://{host}@{decoy}{tail}",
        "userinfo_of_ours": f"http://user:password@{host}{tail}",
        "backslash": f"http://{host}\\@{decoy}{tail}",
        "longer_host": f"http://{host}.evil.example{tail}",
        "no_scheme": f"//{decoy}{tail}",
        "file": "file:///etc/passwd",
        "blank": f"http://{host} {tail}",
        "line_break": f"http://{host}{tail}\r\nX-Injected: yes",
    }[kind]


@pytest.mark.parametrize("kind", ["another_port", "another_host", "another_scheme", "userinfo", "userinfo_of_ours", "backslash",
                                  "longer_host", "no_scheme", "file", "blank", "line_break"])
def test_a_next_link_to_another_place_gets_no_token_q6_q8(desk, kind):
    here = desk([*STEADY, "--decoy"])
    here.simulator.fault({"next_link": strange_link(here, kind)}, "signIns", page=2)
    run = here.run()
    stats = here.simulator.stats()
    assert stats["decoy_requests"] == 0 and stats["decoy_authorized"] == 0
    assert not [request for request in run.requests if "6666" in request["uri"] or request["endpoint"] == "other"]
    assert run.status == 3
    run.check_error(run.source()["error"]["code"], status="partial")
    assert "Nothing was sent" in run.source()["error"]["hint"]
    # The page itself is true: what it holds is kept.
    assert run.source()["inserted"] == run.source()["fetched"] == len(here.rows() - here.truth("directory-audits")) == 50
    assert here.rows() < here.truth()
    here.check_golden(run, {here.simulator.decoy_url.removeprefix("http://"): "<decoy>",
                            here.simulator.url.rsplit(":", 1)[1]: "<port>"})
    here.check_completes()


def test_a_redirect_is_not_followed_to_another_place_q9(desk):
    here = desk([*STEADY, "--decoy"])
    here.simulator.fault({"redirect": f"{here.simulator.decoy_url}/v1.0/auditLogs/signIns"}, "signIns")
    run = here.run()
    assert here.simulator.stats()["decoy_requests"] == 0 and len(run.asked()) == 1
    assert run.status == 3 and here.rows() == here.truth("directory-audits")
    run.check_error("http_302", http=302)
    here.check_golden(run, {here.simulator.decoy_url: "<decoy>"})
    here.check_completes()


def test_a_redirect_on_the_same_host_is_not_followed_either_q9(desk):
    here = desk()
    here.simulator.fault({"redirect": "{base}/v1.0/auditLogs/directoryAudits"}, "signIns")
    run = here.run()
    assert run.status == 3 and len(run.asked()) == 1 and here.rows() == here.truth("directory-audits")
    run.check_error("http_302", http=302)
    here.check_golden(run)
    here.check_completes()


def second_page(here, keep, folder):
    """The link to a second page, and how many first pages come before the one that leads there: all runs ask the same."""
    result = keep(["collect", "--db", folder / "scout.db", *SIGN_INS], sim=here.simulator)
    assert result.returncode == 0, result.stderr
    asked = [request for request in here.simulator.requests() if request["endpoint"] == "signIns"]
    at = next(at for at, request in enumerate(asked) if request["page"] == 2)
    return asked[at]["uri"], len([request for request in asked[:at - 1] if request["page"] == 1])


def test_the_case_of_a_links_scheme_and_path_does_not_matter_q7_q13(desk, keep, tmp_path):
    here = desk()
    uri, before = second_page(here, keep, tmp_path)
    link = here.simulator.url.replace("http", "HTTP") + uri.replace("/auditLogs/signins", "/AUDITLOGS/SignIns")
    here.simulator.fault({"next_link": link}, "signIns", page=1, skip=before, times=1)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins") and here.simulator.fired() == 1
    assert any(request["uri"].startswith("/v1.0/AUDITLOGS/SignIns") for request in run.asked())


def test_links_are_sent_byte_for_byte_q13(desk, keep, tmp_path):
    here = desk()
    uri, before = second_page(here, keep, tmp_path)
    link = uri + "&x=%2b%2B+%3d=''$?&(%e2%9c%93)~!*/../."
    here.simulator.fault({"next_link": here.simulator.url + link}, "signIns", page=1, skip=before, times=1)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins") and link in [request["uri"] for request in run.asked()]


def test_a_link_longer_than_any_buffer_is_followed_q12(desk):
    here = desk()
    padding = "A" * 20000
    here.simulator.fault({"next_link": f"{{same}}&padding={padding}"}, "signIns", page=1, times=1)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins")
    assert [request for request in run.asked() if request["uri"].endswith(padding)]


def test_a_link_that_leads_back_to_its_own_page_is_found_out_q10(desk):
    here = desk()
    here.simulator.fault({"next_link": "{same}"}, "signIns", page=2)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins") and len(run.asked()) < 200
    again = here.run(*SIGN_INS)
    again.check_quiet()
    assert again.source()["inserted"] == 0


def test_links_that_go_round_in_a_circle_are_found_out_q10(desk, keep, tmp_path):
    here = desk()
    uri, _ = second_page(here, keep, tmp_path)
    here.simulator.fault({"next_link": here.simulator.url + uri}, "signIns", page=3)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins") and here.simulator.fired() >= 2 and len(run.asked()) < 200


BROKEN_LINKS = {
    "own_page": "{same}",
    "empty_token": "{base}/v1.0/auditLogs/signIns?$skiptoken=",
    "encoded_empty_token": "{base}/v1.0/auditLogs/signIns?$filter=x&%24skipToken=",
    "skip_of_nothing": "{base}/v1.0/auditLogs/signIns?$skip=0",
    "relative": "/v1.0/auditLogs/signIns?$skiptoken=6666",
    "relative_without_slash": "signIns?$skiptoken=6666",
    "fragment": "{same}#part",
    "empty": "",
}


@pytest.mark.parametrize("kind", BROKEN_LINKS)
def test_a_broken_link_makes_the_window_start_again_q10_q11_q14(desk, kind):
    here = desk()
    here.simulator.fault({"next_link": BROKEN_LINKS[kind]}, "signIns", page=2, times=1)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins")
    assert not [request for request in run.asked() if "6666" in request["uri"] or "$skiptoken=&" in request["uri"] + "&"]


@pytest.mark.parametrize("kind", BROKEN_LINKS)
def test_links_that_stay_broken_keep_their_pages_and_leave_the_time_open_q10_q11_q14(desk, kind):
    here = desk()
    here.simulator.fault({"next_link": BROKEN_LINKS[kind]}, "signIns", page=1)
    run = here.run()
    assert run.status == 3 and len(run.asked()) < 100
    run.check_error(run.source()["error"]["code"])
    assert here.rows() == here.truth("directory-audits")
    here.check_golden(run)
    here.check_completes()


SKIP_TOKEN_ERRORS = {
    "null": refused(400, "", "Invalid Skip Token, skip token is null."),
    "not_found": refused(400, "BadRequest", "Token not found: token is either invalid or expired"),
    "expired_page": refused(400, "Directory_ExpiredPageToken", "The specified page token value has expired."),
    "gone": refused(410, "resyncRequired", "Resync required."),
    "bare_gone": {"status": 410, "empty_body": True},
}


@pytest.mark.parametrize("kind", SKIP_TOKEN_ERRORS)
def test_a_page_whose_token_died_makes_the_window_start_again_with_nothing_doubled_q16_q90(desk, kind):
    here = desk()
    here.simulator.fault(SKIP_TOKEN_ERRORS[kind], "signIns", page=3, times=1 if "gone" in kind else 3)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins")
    assert run.source()["inserted"] == len(here.rows()) and run.source()["duplicates"] == 50


@pytest.mark.parametrize("kind", SKIP_TOKEN_ERRORS)
def test_page_tokens_that_never_work_are_avoided_by_smaller_windows_q16_q90(desk, kind):
    here = desk()
    here.simulator.fault(SKIP_TOKEN_ERRORS[kind], "signIns", page=2)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins") and run.source()["inserted"] == len(here.rows())


def test_a_link_kept_from_an_interrupted_run_may_be_dead_q17(desk):
    here = desk()
    here.simulator.fault({"status": 503}, "signIns", page=3)
    assert here.run(*SIGN_INS).status == 3
    here.simulator.fault(SKIP_TOKEN_ERRORS["not_found"], "signIns", times=3)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert [request["page"] for request in run.asked()[:4]] == [3, 3, 3, 1]
    assert here.rows() == here.truth("sign-ins")
    here.check_completes(*SIGN_INS)


def test_a_link_kept_from_an_interrupted_run_is_dropped_when_the_service_moved_q6_q17(desk, sim):
    here = desk([*STEADY, "--seed", "5"])
    here.simulator.fault({"status": 503}, "signIns", page=3)
    assert here.run(*SIGN_INS).status == 3
    here.simulator = sim([*STEADY, "--seed", "5"])
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins") and run.asked()[0]["page"] == 1


def test_empty_pages_that_lead_on_are_not_the_end_q1_q5(desk):
    here = desk([*STEADY, "--empty-pages", "100"])
    run = here.run()
    run.check_quiet()
    assert here.rows() == here.truth()
    assert len([request for request in run.asked() if request["records"] == 0]) > 5


def test_a_record_on_two_pages_is_stored_and_counted_once_q4(desk):
    here = desk([*STEADY, "--repeat-percent", "100"])
    run = here.run()
    run.check_quiet()
    assert here.rows() == here.truth() and run.source()["duplicates"] > 3
    assert run.source()["fetched"] == run.source()["inserted"] + run.source()["duplicates"]


# --- records --------------------------------------------------------------------------------------------------------


def sign_in(more="", record="00000000-0000-4000-8000-000000000001", moment="2025-11-20T09:00:00Z"):
    """A sign-in as bytes, `more` put in as it is."""
    text = f'{{"id":"{record}","createdDateTime":"{moment}","userDisplayName":"Ada","appDisplayName":"Portal"'
    return text.encode() + (b"," + (more if isinstance(more, bytes) else more.encode()) if more else b"") + b"}"


STORED = {
    "escaped_nul": sign_in(r'"a":"before\u0000after"'),
    "lone_high_surrogate": sign_in(r'"a":"cut \ud83d"'),
    "lone_low_surrogate": sign_in(r'"a":"\ude80 cut","\ud83d":1'),
    "surrogate_pair": sign_in(r'"a":"\ud83d\ude80"'),
    "four_bytes": sign_in('"a":"\U0001f680 \u202e\u0085"'),
    "escaped_controls": sign_in(r'"a":"\u001b[31m\u0007\r\n\u007f"'),
    "duplicate_keys": sign_in('"userDisplayName":"Bob","a":1,"a":2,"userDisplayName":"Eve"'),
    "huge_numbers": sign_in('"a":9007199254740993,"b":1e400,"c":-0,"d":123456789012345678901234567890'),
    "five_megabytes": sign_in('"a":"' + "long text " * 524288 + '"'),
    "thousand_targets": sign_in('"a":[' + ",".join(f'{{"n":{n}}}' for n in range(1000)) + "]"),
    "depth_100": sign_in('"a":' + "[" * 100 + "]" * 100),
    "odd_types": sign_in('"status":"text","location":7,"deviceDetail":[],"appliedConditionalAccessPolicies":"none"'),
    "nulls": sign_in('"status":null,"location":null,"deviceDetail":null,"userId":null,"ipAddress":null'),
    "blanks_and_lines": sign_in('\n\t"a" :\r\n [ 1 , 2 ]  '),
    "future": sign_in(moment="2025-11-20T11:59:59.9999999Z"),
    "no_id": b'{"createdDateTime":"2025-11-20T09:00:00Z","userDisplayName":"Nobody"}',
    "null_id": b'{"id":null,"createdDateTime":"2025-11-20T09:00:00Z","userDisplayName":"Nobody"}',
    "empty_id": b'{"id":"","createdDateTime":"2025-11-20T09:00:00Z","userDisplayName":"Nobody"}',
    "number_id": b'{"id":17,"createdDateTime":"2025-11-20T09:00:00Z"}',
}


@pytest.mark.parametrize("kind", STORED)
def test_strange_records_are_stored_byte_for_byte_q44_to_q61(desk, kind):
    here = desk()
    generated, record = here.truth("sign-ins"), STORED[kind]
    here.simulator.add_record("sign-ins", record)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    stored = here.rows() - generated
    assert here.rows() >= generated and [row[3] for row in stored] == [hashlib.sha256(record).hexdigest()]
    again = here.run(*SIGN_INS)
    again.check_quiet()
    assert again.source()["inserted"] == again.source()["updated"] == 0 and len(here.rows()) == len(generated) + 1
    database.check_integrity(here.path)


UNREADABLE = {
    "bad_utf8": sign_in(b'"a":"\xff\xfe latin \xe9"'),
    "overlong_utf8": sign_in(b'"a":"\xc0\xaf"'),
    "utf8_surrogate": sign_in(b'"a":"\xed\xa0\xbd"'),
    "cut_utf8": sign_in(b'"a":"\xf0\x9f\x9a"'),
    "bad_utf8_in_a_key": sign_in(b'"\xff":1'),
    "raw_controls": sign_in(b'"a":"line\nbreak\ttab\x1b[31m"'),
    "raw_nul": sign_in(b'"a":"before\0after"'),
    "depth_10000": sign_in('"a":' + "[" * 10000 + "]" * 10000),
    "depth_of_objects": sign_in('"a":' + '{"a":' * 10000 + "1" + "}" * 10000),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_records_that_cannot_be_read_are_kept_aside_and_the_rest_of_the_page_is_stored_q47_q55(desk, kind):
    here = desk()
    generated, record = here.truth("sign-ins"), UNREADABLE[kind]
    here.simulator.add_record("sign-ins", record)
    run = here.run(*SIGN_INS)
    assert run.status == 0 and here.rows() == generated
    assert [line["msg"] for line in run.level("warn")] == run.source()["warnings"] and len(run.level("warn")) == 1
    assert run.source()["status"] == "ok" and run.source()["unreadable"] == 1
    (customer, source, request_id, body), = here.query("SELECT customer, source, request_id, body FROM unreadable")
    assert (customer, source, body) == ("default", "sign-ins", record)
    assert request_id in {request["request_id"] for request in run.asked()}
    here.check_golden(run)
    # The same once more in the overlap: nothing is doubled, and nobody is told twice.
    here.run(*SIGN_INS).check_quiet()
    assert here.query("SELECT count(*) FROM unreadable") == [(1,)] and here.rows() == generated


def test_elements_that_are_no_objects_are_kept_aside_q57(desk):
    here = desk()
    elements = [b"42", b'"text"', b"[1,2]", b"null", b"true", b"-1e5"]
    fault = {"insert_record_base64": base64.b64encode(b",".join(elements)).decode()}
    here.simulator.fault(fault, "signIns", page=2, times=1)
    run = here.run(*SIGN_INS)
    assert run.status == 0 and here.rows() == here.truth("sign-ins") and run.source()["unreadable"] == len(elements)
    assert {row[0] for row in here.query("SELECT body FROM unreadable")} == set(elements)
    here.check_golden(run)
    here.check_completes(*SIGN_INS)


@pytest.mark.parametrize("moment", ["", '"createdDateTime":null,', '"createdDateTime":"yesterday",', '"createdDateTime":17,',
                                    '"createdDateTime":"0001-01-01T00:00:00Z",', '"createdDateTime":"2025-02-30T25:61:99Z",'],
                         ids=["absent", "null", "words", "number", "year_1", "impossible"])
def test_a_record_without_a_readable_time_gets_none_and_stands_where_it_came_in_q67_q69(desk, moment):
    here = desk()
    record = ('{' + moment + '"id":"00000000-0000-4000-8000-000000000002","userDisplayName":"Nobody"}').encode()
    fault = {"insert_record_base64": base64.b64encode(record).decode()}
    here.simulator.fault(fault, "signIns", page=2, times=1)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    extra = here.rows() - here.truth("sign-ins")
    assert [row[3] for row in extra] == [hashlib.sha256(record).hexdigest()]
    (timestamp, second), = here.query("SELECT timestamp, event_id >> 20 FROM events WHERE id = '00000000-0000-4000-8000-000000000002'")
    assert timestamp is None and second == conftest.NOON
    again = here.run(*SIGN_INS)
    again.check_quiet()
    assert len(here.rows()) == len(here.truth("sign-ins")) + 1


def test_the_last_of_doubled_keys_counts_and_the_record_is_kept_as_it_came_q53(desk):
    here = desk()
    here.simulator.add_record("sign-ins", STORED["duplicate_keys"])
    here.run(*SIGN_INS).check_quiet()
    (who, raw), = here.query("SELECT actor_display, raw FROM events WHERE id = '00000000-0000-4000-8000-000000000001'")
    assert who == "Eve" and raw.encode() == STORED["duplicate_keys"]


# --- clocks ---------------------------------------------------------------------------------------------------------


def covered_to(here):
    return {row[0] for row in here.query('SELECT max("to") FROM coverage GROUP BY customer, source')}


def test_a_clock_of_ours_that_is_ahead_asks_for_nothing_that_the_service_has_not_lived_q36(desk):
    here = desk()
    ahead = f"{conftest.NOON + 7200}@0@{conftest.NOON + 7200}"
    run = here.run(clock=ahead)
    run.check_quiet()
    assert max(to for _, to in windows(run.asked() + run.asked("directoryAudits"))) == "2025-11-20T12:00:00Z"
    assert covered_to(here) == {"2025-11-20T12:00:00Z"} and here.rows() == here.truth()
    here.check_completes()


@pytest.mark.parametrize("behind_s", [7200, 60 * 86400])
def test_a_clock_of_ours_that_is_behind_reads_to_the_time_of_the_service_q36(desk, behind_s):
    here = desk()
    behind = f"{conftest.NOON - behind_s}@0@{conftest.NOON - behind_s}"
    run = here.run(clock=behind)
    run.check_quiet()
    assert covered_to(here) == {"2025-11-20T12:00:00Z"} and here.rows() == here.truth()
    here.check_completes()


def test_a_clock_that_is_set_back_loses_and_doubles_nothing_q37(desk):
    here = desk()
    here.run().check_quiet()
    back = f"{conftest.NOON - 86400}@0@{conftest.NOON - 86400}"
    here.run(clock=back).check_quiet()
    assert covered_to(here) == {"2025-11-20T12:00:00Z"} and here.rows() == here.truth()
    here.check_completes()


# --- networks -------------------------------------------------------------------------------------------------------


# Refused by every resolver before it asks anybody: a label has 63 letters at most.
NO_SUCH_HOST = "x" * 64 + ".invalid"


def test_a_host_that_does_not_exist_is_named_and_nothing_is_lost_q116(desk):
    here = desk()
    run = here.run(env={"LOGIN_URL": f"https://{NO_SUCH_HOST}"})
    assert run.status == 1 and here.rows() == set() and run.requests == []
    for source in ("sign-ins", "directory-audits"):
        run.check_error("dns", source=source)
    here.check_golden(run, {NO_SUCH_HOST: "<no-such-host>"})
    here.check_completes()


def test_a_refused_connection_names_the_port_and_nothing_is_lost_q116(desk, dead_port):
    here = desk()
    run = here.run(env={"LOGIN_URL": f"http://127.0.0.1:{dead_port}"})
    assert run.status == 1 and here.rows() == set() and run.requests == []
    run.check_error("connect")
    here.check_golden(run, {str(dead_port): "<dead-port>"})
    here.check_completes()


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"], ids=["upper", "lower"])
def test_a_proxy_that_refuses_is_what_the_message_points_to_q116(desk, dead_port, variable):
    here = desk()
    run = here.run(env={"LOGIN_URL": "https://login.example.invalid", variable: f"http://127.0.0.1:{dead_port}"})
    assert run.status == 1 and run.requests == []
    error = run.check_error("connect")
    assert str(dead_port) in error["message"] and "HTTPS_PROXY" in error["hint"]
    here.check_golden(run, {str(dead_port): "<dead-port>"})
    here.check_completes()


def test_a_host_in_no_proxy_is_asked_directly_q116(desk, dead_port):
    here = desk()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        proxy = held.getsockname()[1]
        run = here.run(env={"LOGIN_URL": f"https://127.0.0.1:{dead_port}", "HTTPS_PROXY": f"http://127.0.0.1:{proxy}",
                            "NO_PROXY": "example.org,127.0.0.1"})
    error = run.check_error("connect")
    assert str(dead_port) in error["message"] and str(proxy) not in error["message"]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "HTTPS_PROXY"])
def test_what_goes_to_this_machine_goes_through_no_proxy_q116(desk, dead_port, variable):
    here = desk()
    run = here.run(env={variable: f"http://127.0.0.1:{dead_port}"})
    run.check_quiet()
    assert here.rows() == here.truth()


@contextlib.contextmanager
def proxy_that_answers(answer):
    """A proxy that gives every tunnel the same answer; yields its port and the requests it saw."""
    seen = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            seen.append(self.rfile.readline().decode())
            while self.rfile.readline().strip():
                pass
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1], seen
        finally:
            server.shutdown()
            thread.join()


PROXY_ANSWERS = {
    "wants_a_password": b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n'
                        b"Content-Length: 0\r\nConnection: close\r\n\r\n",
    "forbids": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "hangs_up": b"",
}


@pytest.mark.parametrize("kind", PROXY_ANSWERS)
def test_a_proxy_that_opens_no_tunnel_is_what_the_message_points_to_q116(desk, kind):
    here = desk()
    with proxy_that_answers(PROXY_ANSWERS[kind]) as (port, seen):
        run = here.run(env={"LOGIN_URL": "https://login.example.invalid", "HTTPS_PROXY": f"http://127.0.0.1:{port}"})
    assert run.status == 1 and seen and set(seen) == {"CONNECT login.example.invalid:443 HTTP/1.1\r\n"}
    error = run.check_error(run.source()["error"]["code"])
    assert "HTTPS_PROXY" in error["hint"]
    here.check_golden(run, {str(port): "<proxy-port>"})
    here.check_completes()


PROXY_PASSWORD = "w0rd-Of-The-Proxy"
UNUSABLE_PROXIES = {
    "slash": f"http://user:pa55/{PROXY_PASSWORD}@127.0.0.1:1",
    "slash_after_digits": f"http://user:1/{PROXY_PASSWORD}@127.0.0.1:1",
    "hash": f"http://user:pa55#{PROXY_PASSWORD}@127.0.0.1:1",
    "question_mark": f"http://user:pa55?{PROXY_PASSWORD}@127.0.0.1:1",
    "at": f"http://user:pa55@{PROXY_PASSWORD}@127.0.0.1:1",
    "blank": f"http://user:pa55 {PROXY_PASSWORD}@127.0.0.1:1",
    "port": f"http://user:{PROXY_PASSWORD}@127.0.0.1:99999",
    "bracket": f"http://user:{PROXY_PASSWORD}@[::1:1",
    "scheme": f"htp://user:{PROXY_PASSWORD}@127.0.0.1:1",
    "socks9": f"socks9://user:{PROXY_PASSWORD}@127.0.0.1:1",
}


@pytest.mark.parametrize("kind", UNUSABLE_PROXIES)
def test_a_proxy_that_cannot_be_used_is_told_and_kept_without_its_password(desk, keep, tmp_path, kind):
    here = desk()
    env = {"LOGIN_URL": "https://login.example.invalid", "HTTPS_PROXY": UNUSABLE_PROXIES[kind]}
    run = here.run("--verbose", env=env)
    assert run.status == 1 and run.requests == []
    error = run.check_error("proxy")
    assert "HTTPS_PROXY is no proxy that can be used: write http://HOST:PORT" in error["message"] and "HTTPS_PROXY" in error["hint"]
    told = [run.words, json.dumps(run.report)]
    for command in (["scan", "--json"], ["status", "--json"], ["doctor", "--json"], ["doctor"]):
        result = keep([*command, "--db", here.path], sim=here.simulator, env=env)
        told += [result.stdout, result.stderr]
    assert "HTTPS_PROXY is no proxy" in told[-2]
    for words in told:
        assert PROXY_PASSWORD not in words and "pa55" not in words
    kept = [path.read_bytes() for path in tmp_path.glob("m365keep.db*")]
    assert any(b"HTTPS_PROXY is no proxy" in content for content in kept)
    assert not any(PROXY_PASSWORD.encode() in content or b"pa55" in content for content in kept)
    here.check_completes()


def encrypted(url):
    return {"LOGIN_URL": url, "GRAPH_URL": url, "MANAGE_URL": url}


def port_of(simulator):
    return simulator.url.rsplit(":", 1)[1]


def test_a_certificate_of_the_file_that_ssl_cert_file_names_is_trusted_q117(desk, ca):
    here = desk(authority=ca)
    run = here.run()
    run.check_quiet()
    assert here.rows() == here.truth() and here.simulator.url.startswith("https://localhost:")


@pytest.mark.parametrize("kind", ["unknown", "of_another_name"])
def test_a_certificate_that_is_not_accepted_ends_everything_before_anything_is_sent_q117(desk, ca, kind):
    here = desk(authority=ca)
    run = here.run(env={"SSL_CERT_FILE": None} if kind == "unknown" else encrypted(here.simulator.url.replace("localhost", "127.0.0.1")))
    assert run.status == 1 and run.requests == [] and here.rows() == set()
    error = run.check_error("certificate")
    assert "SSL_CERT_FILE" in error["hint"]
    here.check_golden(run, {port_of(here.simulator): "<port>"})
    here.check_completes()


def test_a_missing_file_of_certificates_is_named_q117(desk, ca, tmp_path):
    here = desk(authority=ca)
    run = here.run(env={"SSL_CERT_FILE": str(tmp_path / "missing.pem")})
    assert run.status == 1 and run.requests == []
    run.check_error("ca_file")
    here.check_golden(run, {str(tmp_path): "<folder>"})
    here.check_completes()


def test_a_server_that_speaks_no_tls_gets_nothing_q117(desk):
    here = desk()
    run = here.run(env=encrypted(here.simulator.url.replace("http://", "https://")))
    assert run.status == 1 and run.requests == [] and here.rows() == set()
    run.check_error("tls")
    here.check_completes()


@pytest.mark.parametrize("links", ["HTTPS://LOCALHOST", "https://LocalHost"])
def test_the_case_of_a_links_host_does_not_matter_q7(desk, ca, links):
    here = desk(authority=ca)
    outside = here.simulator.url.replace("https://localhost", links)
    here.simulator.fault({"next_link": outside + "/v1.0/auditLogs/signIns?$top=1&$filter=createdDateTime ge 2025-11-20T11:50:00Z"
                          .replace(" ", "%20")}, "signIns", page=1, times=1)
    run = here.run(*SIGN_INS)
    run.check_quiet()
    assert here.rows() == here.truth("sign-ins") and any("11:50" in request["uri"] for request in run.requests)


def test_a_link_that_steps_down_to_http_is_not_followed_q6(desk, ca):
    here = desk(authority=ca)
    down = here.simulator.url.replace("https://", "http://")
    here.simulator.fault({"next_link": f"{down}/v1.0/auditLogs/signIns?$skiptoken=6666"}, "signIns", page=2)
    run = here.run()
    assert run.status == 3 and not [request for request in run.requests if "6666" in request["uri"]]
    run.check_error("foreign_link", status="partial")
    here.check_golden(run, {port_of(here.simulator): "<port>"})


# --- the goldens ----------------------------------------------------------------------------------------------------


def test_every_golden_belongs_to_a_test(repository):
    listed = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", __file__],
                            cwd=repository, capture_output=True, text=True, check=True).stdout
    names = {golden_name(line.split("::", 1)[1]) for line in listed.splitlines() if "::" in line}
    assert {path.stem for path in GOLDEN.glob("*.txt")} <= names
