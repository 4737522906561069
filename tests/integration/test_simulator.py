"""The simulator keeps its promises: what tests of m365keep lean on must itself be tested."""

import base64
import collections
import gzip
import hashlib
import http.client
import json
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest

from simulator import CLIENT_ID, CLIENT_SECRET, TENANT, Simulator, binary, elements, exchange

NOON = 1_763_640_000  # 2025-11-20T12:00:00Z
STILL = f"{NOON}@0@{NOON}"
HOUR = 3600
OTHER_TENANT = "22222222-3333-4444-8555-666666666666"
SOURCES = {"sign-ins": ("signIns", "createdDateTime"), "directory-audits": ("directoryAudits", "activityDateTime")}
PLAIN = ["--late-percent", 0, "--changed-percent", 0, "--repeat-percent", 0, "--empty-pages", 0]


def at(seconds):
    """The SPEC of a clock that stands this long after noon."""
    return f"{NOON + seconds}@0@{NOON}"


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOON + seconds))


def ids(rows):
    return {row[2] for row in rows}


def bodies(answers):
    """The records of several pages, as bytes, in order."""
    return [record for answer in answers for record in elements(answer.body)]


@pytest.fixture(name="small")
def fixture_small(sim):
    """A simulator with a few records and nothing irregular, its clock standing."""
    return sim(["--sign-ins", 120, "--directory-audits", 60, "--days", 2, "--page-size", 50, *PLAIN], clock=STILL)


# the command line


def test_help_teaches_and_version_is_told():
    text = subprocess.run([binary(), "--help"], capture_output=True, text=True, check=True).stdout
    for word in ("--late-percent", "/control/truth", "Retry-After", CLIENT_ID, CLIENT_SECRET):
        assert word in text
    version = subprocess.run([binary(), "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("m365keep-sim ") and version.count("\n") == 1


@pytest.mark.parametrize("arguments", [
    ["--listen", "0.0.0.0:0"], ["--listen", "192.0.2.1:80"], ["--listen", "example.org:0"], ["--listen", "127.0.0.1"],
    ["--listen", "127.0.0.1:70000"], ["--tenant", "contoso"], ["--budgets", "some"], ["--clock", "now"], ["--clock", "1@2"],
    ["--clock", "1@-1@1"], ["--clock", "1@nan@1"], ["--late-percent", "101"], ["--page-size", "0"], ["--load", "users=x"],
    ["--load", "sign-ins=/does/not/exist"], ["--client-secret-file", "/does/not/exist"], ["--no-such-option"], ["word"],
])
def test_a_wrong_command_line_is_refused_with_a_reason(arguments):
    result = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("m365keep-sim: ") and result.stderr.count("\n") == 1


def test_the_ready_line_is_all_that_is_printed_and_terminating_is_a_clean_exit(small):
    pid = small.ready["pid"]
    assert pid == small.process.pid and small.url.startswith("http://127.0.0.1:")
    small.token()
    small.process.send_signal(signal.SIGTERM)
    rest = small.process.stdout.read()
    assert rest == b"" and small.stop() == 0


def test_a_busy_port_is_an_error_that_names_it(small):
    port = urllib.parse.urlsplit(small.url).port
    result = subprocess.run([binary(), "--listen", f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1 and f"127.0.0.1:{port}" in result.stderr


def test_it_ends_with_its_parent():
    script = 'exec 3>&1; "$0" --exit-with-parent --sign-ins 1 <&0 & read wait; exit 0'
    parent = subprocess.Popen(["sh", "-c", script, str(binary())], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert json.loads(parent.stdout.readline())["pid"]
    parent.kill()
    parent.stdin.close()
    # The pipe ends when the last process that holds it has gone.
    assert parent.stdout.read() == b""
    parent.stdout.close()
    parent.wait(60)


# tokens


def test_a_token_is_issued_as_entra_issues_it(small):
    answer = small.ask_token()
    token = answer.json()
    assert answer.status == 200 and token["token_type"] == "Bearer"
    assert 3600 <= token["expires_in"] <= 5400 and token["ext_expires_in"] == token["expires_in"]
    assert len(token["access_token"]) >= 1536
    assert small.token() != token["access_token"]
    assert answer.headers["Date"] == "Thu, 20 Nov 2025 12:00:00 GMT"


@pytest.mark.parametrize("scope", [
    "https://graph.microsoft.com/.default", "https://graph.microsoft.us/.default", "https://dod-graph.microsoft.us/.default",
    "https://microsoftgraph.chinacloudapi.cn/.default", "https://GRAPH.microsoft.com/.default",
])
def test_a_token_for_graph_in_any_cloud_opens_the_lists(small, scope):
    token = small.ask_token(scope=scope).json()["access_token"]
    assert small.get(small.link("signIns"), token).status == 200


def test_the_secret_may_come_by_http_basic(small):
    pair = f"{CLIENT_ID}:{urllib.parse.quote(CLIENT_SECRET, safe='')}"
    headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    assert small.ask_token(headers=headers, client_id=None, client_secret=None).status == 200


@pytest.mark.parametrize("status,error,number,fields", [
    (401, "invalid_client", 7000215, {"client_secret": "wrong"}),
    (401, "invalid_client", 7000215, {"client_secret": CLIENT_SECRET.replace("+", " ")}),
    (401, "invalid_client", 7000218, {"client_secret": None}),
    (400, "unauthorized_client", 700016, {"client_id": "00000000-0000-4000-8000-000000000001"}),
    (400, "invalid_request", 90002, {"tenant": "00000000-0000-4000-8000-000000000002"}),
    (400, "invalid_scope", 70011, {"scope": "https://graph.microsoft.com/User.Read"}),
    (400, "invalid_scope", 70011, {"scope": "https://graph.example.org/.default"}),
    (400, "invalid_scope", 700022, {"scope": "https://graph.microsoft.com/.default https://manage.office.com/.default"}),
    (400, "invalid_scope", 700023, {"scope": None}),
    (400, "unsupported_grant_type", 70003, {"grant_type": "password"}),
    (400, "invalid_request", 900144, {"grant_type": None}),
])
def test_a_bad_token_request_is_refused_in_entras_words(small, status, error, number, fields):
    answer = small.ask_token(**fields)
    told = answer.json()
    assert (answer.status, told["error"], told["error_codes"]) == (status, error, [number])
    lines = told["error_description"].split("\r\n")
    assert lines[0].startswith(f"AADSTS{number}: ") and lines[3] == "Timestamp: 2025-11-20 12:00:00Z"
    assert told["timestamp"] == "2025-11-20 12:00:00Z" and told["trace_id"] and told["correlation_id"]
    assert small.stats()["tokens_issued"] == 0


def test_a_token_ends_with_its_lifetime_on_the_simulated_clock(sim):
    simulator = sim(["--token-lifetime", 600], clock=STILL)
    token = simulator.token()
    simulator.clock(at(599))
    assert simulator.get(simulator.link("signIns"), token).status == 200
    simulator.clock(at(600))
    answer = simulator.get(simulator.link("signIns"), token)
    assert answer.status == 401 and answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert "authorization_uri=" in answer.headers["WWW-Authenticate"]


def test_without_a_good_token_nothing_is_served(small):
    management = small.ask_token(scope="https://manage.office.com/.default").json()["access_token"]
    for authorization in (None, "Bearer nonsense", "Basic eA==", f"Bearer {management}"):
        headers = {"Authorization": authorization} if authorization else {}
        answer = exchange(small.link("signIns"), headers=headers)
        assert answer.status == 401 and answer.json()["error"]["innerError"]["request-id"]
    assert "Invalid audience" in answer.json()["error"]["message"]


def test_a_token_shows_the_records_of_its_own_tenant_only(sim):
    simulator = sim(["--tenant", TENANT, "--tenant", OTHER_TENANT, "--sign-ins", 40, *PLAIN], clock=STILL)
    truth = simulator.truth()
    for tenant in (TENANT, OTHER_TENANT):
        rows = simulator.rows("sign-ins", tenant)
        assert rows == {row for row in truth if row[:2] == (tenant, "sign-ins")} and rows
    assert not ids(simulator.rows("sign-ins", TENANT)) & ids(simulator.rows("sign-ins", OTHER_TENANT))


# lists


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("order", [None, "asc", "desc"])
def test_walking_all_pages_gives_the_truth_byte_for_byte(sim, source, order):
    simulator = sim(["--sign-ins", 2500, "--directory-audits", 2500, "--page-size", 100], clock=STILL)
    options = {"orderby": f"{SOURCES[source][1]} {order}"} if order else {}
    truth = {row for row in simulator.truth() if row[1] == source}
    assert len(truth) > 2400
    assert simulator.rows(source, **options) == truth


def test_the_truth_of_the_command_line_is_that_of_the_server(sim):
    simulator = sim(["--sign-ins", 300, "--tenant", OTHER_TENANT], clock=STILL)
    text = subprocess.run([binary(), *simulator.args, "--truth"], capture_output=True, check=True).stdout
    rows = [json.loads(line) for line in text.splitlines()]
    assert {tuple(row.values()) for row in rows if row["source"] != "health"} == simulator.truth()
    assert list(rows[0]) == ["tenant", "source", "id", "sha256"]


def test_the_same_seed_gives_the_same_records_and_another_seed_others(sim):
    first, again, other = (sim(["--seed", n, "--sign-ins", 50], clock=STILL).truth() for n in (1, 1, 2))
    assert first == again and not first & other


@pytest.mark.parametrize("source", SOURCES)
def test_records_are_valid_json_of_the_expected_size_and_variety(sim, source):
    simulator = sim(["--sign-ins", 4000, "--directory-audits", 4000], clock=STILL)
    records = bodies(simulator.walk(simulator.link(SOURCES[source][0])))
    parsed = [json.loads(record) for record in records]
    sizes = [len(record) for record in records]
    low, high = (1400, 3700) if source == "sign-ins" else (700, 2600)
    assert min(sizes) >= low and max(sizes) <= high
    times = [record[SOURCES[source][1]] for record in parsed]
    assert {len(t.partition(".")[2].rstrip("Z").partition("+")[0]) for t in times} >= {0, 3, 7}
    assert any(t.endswith("+00:00") for t in times)
    assert any(rb"\/" in record for record in records) and any(rb"\u" in record for record in records)
    assert any(any(byte > 127 for byte in record) for record in records)
    if source == "sign-ins":
        codes = {record["status"]["errorCode"] for record in parsed}
        assert codes == {0, 50126, 50053, 50140, 50074, 50158, 65001, 53003}
        assert {record["location"] is None for record in parsed} == {True, False}
        assert all(record["userPrincipalName"] == record["userPrincipalName"].lower() for record in parsed)
    else:
        assert {record["result"] for record in parsed} == {"success", "failure", "timeout"}
        assert {tuple(v is None for v in record["initiatedBy"].values()) for record in parsed} == {
            (True, True), (True, False), (False, True), (False,)}
        values = [p["newValue"] for r in parsed for t in r["targetResources"] for p in t["modifiedProperties"] if p["newValue"]]
        assert any(isinstance(json.loads(value), list) for value in values if value[0] == "[")


@pytest.mark.parametrize("source", SOURCES)
def test_a_window_holds_both_its_ends_and_nothing_outside(small, source):
    collection, field = SOURCES[source]
    everything = {r["id"]: r[field] for a in small.walk(small.link(collection)) for r in a.json()["value"]}
    moments = sorted((t.replace("+00:00", "Z"), i) for i, t in everything.items())
    low, high = moments[10][0], moments[-10][0]
    found = small.rows(source, filter=f"{field} ge {low} and {field} le {high}")
    seconds = {i for t, i in moments if low[:19] < t[:19] < high[:19]}
    assert {moments[10][1], moments[-10][1]} | seconds <= ids(found)
    assert ids(found) <= {i for t, i in moments if low[:19] <= t[:19] <= high[:19]}


@pytest.mark.parametrize("source", SOURCES)
def test_neighbouring_windows_together_are_everything(sim, source):
    simulator = sim(["--sign-ins", 500, "--directory-audits", 500, "--days", 3], clock=STILL)
    field = SOURCES[source][1]
    found = set()
    for hour in range(-73, 0, 7):
        found |= simulator.rows(source, filter=f"{field} ge {iso(hour * HOUR)} and {field} le {iso((hour + 7) * HOUR)}")
    assert found == {row for row in simulator.truth() if row[1] == source}


@pytest.mark.parametrize("direction,reverse", [("", False), (" asc", False), (" desc", True)])
def test_records_come_in_the_order_asked_for(small, direction, reverse):
    answers = small.walk(small.link("signIns", orderby="createdDateTime" + direction))
    times = [record["createdDateTime"][:19] for answer in answers for record in answer.json()["value"]]
    assert times == sorted(times, reverse=reverse) and len(times) > 100


def test_newest_first_is_the_order_when_none_is_asked_for(small):
    first = small.get(small.link("signIns")).json()["value"]
    assert first[0]["createdDateTime"] > first[-1]["createdDateTime"]


def python_matches(record, path, wanted, starts):
    for name in path.split("/"):
        record = record.get(name) if isinstance(record, dict) else None
    if isinstance(wanted, int):
        return record == wanted
    have = record.casefold() if isinstance(record, str) else None
    return have is not None and (have.startswith(wanted.casefold()) if starts else have == wanted.casefold())


@pytest.mark.parametrize("source,path,starts", [
    ("sign-ins", "userPrincipalName", False), ("sign-ins", "userDisplayName", False), ("sign-ins", "userDisplayName", True),
    ("sign-ins", "appId", False), ("sign-ins", "userId", False), ("sign-ins", "id", False), ("sign-ins", "status/errorCode", False),
    ("sign-ins", "ipAddress", False), ("sign-ins", "ipAddress", True), ("sign-ins", "location/countryOrRegion", False),
    ("sign-ins", "clientAppUsed", False), ("directory-audits", "category", False),
    ("directory-audits", "activityDisplayName", False), ("directory-audits", "activityDisplayName", True),
    ("directory-audits", "initiatedBy/user/userPrincipalName", True), ("directory-audits", "result", False),
])
def test_a_filter_is_really_evaluated(small, source, path, starts):
    collection, field = SOURCES[source]
    records = [json.loads(record) for record in bodies(small.walk(small.link(collection)))]
    values = collections.Counter()
    for record in records:
        value = record
        for name in path.split("/"):
            value = value.get(name) if isinstance(value, dict) else None
        if value:
            values[value] += 1
    wanted = values.most_common(1)[0][0]
    if starts:
        wanted = wanted[:max(1, len(wanted) // 2)]
    literal = str(wanted) if isinstance(wanted, int) else "'" + wanted.replace("'", "''") + "'"
    comparison = f"startswith({path},{literal})" if starts else f"{path} eq {literal}"
    expected = {record["id"] for record in records if python_matches(record, path, wanted, starts)}
    assert ids(small.rows(source, filter=comparison)) == expected and expected
    both = f"{field} ge {iso(-24 * HOUR)} and {comparison}"
    assert ids(small.rows(source, filter=both)) <= expected
    assert ids(small.rows(source, filter=f"({comparison}) or not ({comparison})")) == {record["id"] for record in records}


REFUSED = [
    ("signIns", "createdDateTime ge '2025-11-20T00:00:00Z'"), ("signIns", "createdDateTime ge 2025-11-20T00:00:00"),
    ("signIns", "createdDateTime ge 2025-11-20"), ("signIns", "createdDateTime ge yesterday"),
    ("signIns", "createdDatetime ge 2025-11-20T00:00:00Z"), ("signIns", "activityDateTime ge 2025-11-20T00:00:00Z"),
    ("signIns", "createdDateTime ne 2025-11-20T00:00:00Z"), ("signIns", "createdDateTime GE 2025-11-20T00:00:00Z"),
    ("signIns", "createdDateTime ge"), ("signIns", "createdDateTime"), ("signIns", ""), ("signIns", "and"),
    ("signIns", "(createdDateTime ge 2025-11-20T00:00:00Z"), ("signIns", "createdDateTime ge 2025-11-20T00:00:00Z)"),
    ("signIns", "createdDateTime ge 2025-11-20T00:00:00Z and"), ("signIns", "createdDateTime ge 2025-11-20T00:00:00Z or or"),
    ("signIns", "createdDateTime ge 2025-11-20T00:00:00Z createdDateTime le 2025-11-21T00:00:00Z"),
    ("signIns", "createdDateTime ge 2025-13-20T00:00:00Z"), ("signIns", "status/errorCode eq '0'"),
    ("signIns", "status/errorCode eq zero"), ("signIns", "userPrincipalName eq ada"), ("signIns", "userPrincipalName eq 'ada"),
    ("signIns", "startswith(createdDateTime,'2025')"), ("signIns", "startswith(userId,'a')"),
    ("signIns", "startswith(userPrincipalName 'a')"), ("signIns", "startswith(userPrincipalName,'a'"),
    ("signIns", "isInteractive eq true"), ("signIns", "signInEventTypes/any(t: t eq 'interactiveUser')"),
    ("signIns", "(" * 100 + "id eq 'x'" + ")" * 100),
    ("directoryAudits", "activityDateTime gt 2025-11-20T00:00:00Z"), ("directoryAudits", "activityDateTime lt 2025-11-20T00:00:00Z"),
    ("directoryAudits", "createdDateTime ge 2025-11-20T00:00:00Z"), ("directoryAudits", "activityDateTime ge '2025-11-20T00:00:00Z'"),
    ("directoryAudits", "targetResources/any(t: t/id eq 'x')"), ("directoryAudits", "category ne 'Policy'"),
]


@pytest.mark.parametrize("collection,text", REFUSED)
def test_a_filter_that_graph_would_not_take_is_refused(small, collection, text):
    answer = small.get(small.link(collection, filter=text))
    error = answer.json()["error"]
    assert answer.status == 400 and error["code"] == "BadRequest"
    assert error["message"].startswith("Invalid filter clause: ") and error["innerError"]["date"] == "2025-11-20T12:00:00"


def test_an_offset_in_place_of_z_is_taken_when_its_plus_is_encoded(small):
    found = small.rows("sign-ins", filter="createdDateTime ge 2025-11-20T02:00:00+02:00")
    assert found == small.rows("sign-ins", filter="createdDateTime ge 2025-11-20T00:00:00Z") and found


@pytest.mark.parametrize("query", [
    "$skip=10", "$count=true", "$search=x", "$select=id", "$expand=x", "%24skip=1", "$top=0", "$top=1001", "$top=ten", "$top=",
    "$orderby=userId", "$orderby=createdDateTime up", "$orderby=activityDateTime", "$skiptoken=", "$skiptoken=abc_1000",
])
def test_a_query_option_that_is_not_supported_is_refused(small, query):
    answer = small.get(f"{small.link('signIns')}?{query.replace(' ', '%20')}")
    assert answer.status == 400 and answer.json()["error"]["code"] == "BadRequest"
    if query.startswith("$skip="):
        assert answer.json()["error"]["message"].startswith("Query option 'Skip' is not allowed")
    if query.startswith("$skiptoken"):
        assert "Invalid Skip Token" in answer.json()["error"]["message"]


def test_top_lowers_the_page_size_and_paths_do_not_mind_case(small):
    answer = small.get(f"{small.url}/V1.0/AUDITLOGS/signins?$top=7")
    assert len(answer.json()["value"]) == 7
    assert len(small.get(small.link("directoryAudits", top=5000)).json()["value"]) == 50


def test_an_unknown_path_and_a_wrong_method_are_refused(small):
    answer = small.get(f"{small.url}/v1.0/auditLogs/nothing")
    assert answer.status == 400 and "'nothing'" in answer.json()["error"]["message"]
    assert exchange(small.link("signIns"), "POST", {"Authorization": f"Bearer {small.token()}"}, "x").status == 405


def test_answers_have_the_headers_of_graph(small):
    answer = small.get(small.link("signIns"), headers={"client-request-id": "c0ffee"})
    assert answer.headers["Content-Type"] == (
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
    assert answer.headers["client-request-id"] == "c0ffee" and len(answer.headers["request-id"]) == 36
    assert "ServerInfo" in answer.headers["x-ms-ags-diagnostic"]
    assert answer.headers.get_all("Date") == ["Thu, 20 Nov 2025 12:00:00 GMT"]
    assert answer.json()["@odata.context"].endswith("/v1.0/$metadata#auditLogs/signIns")


def test_pages_are_compressed_only_when_both_sides_want_it(sim):
    simulator = sim(["--gzip", "--sign-ins", 50], clock=STILL)
    token, link = simulator.token(), simulator.link("signIns")
    plain = simulator.get(link, token)
    squeezed = simulator.get(link, token, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers and squeezed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(squeezed.body) == plain.body and len(squeezed.body) < len(plain.body) / 3


# paging


def test_a_next_link_is_absolute_opaque_and_percent_encoded(small):
    link = small.get(small.link("signIns", filter=f"createdDateTime ge {iso(-40 * HOUR)}", top=10)).json()["@odata.nextLink"]
    assert link.startswith(f"{small.url}/v1.0/auditLogs/signins?") and "%2b" in link and "%3a" in link and "$skiptoken=" in link


def test_a_page_read_again_is_the_same_whatever_has_come_since(sim):
    simulator = sim(["--sign-ins", 300, "--page-size", 20, "--late-percent", 50], clock=STILL)
    token = simulator.token()
    first = [answer.body for answer in simulator.walk(simulator.link("signIns"), token)]
    link = json.loads(first[0])["@odata.nextLink"]
    simulator.clock(at(HOUR / 2))
    again = [answer.body for answer in simulator.walk(link, token)]
    assert again == first[1:]


def test_a_record_added_meanwhile_moves_no_page(small):
    token = small.token()
    pages = small.walk(small.link("signIns"), token)
    seen = bodies([next(pages)])
    small.add_record("sign-ins", {"id": "newer", "createdDateTime": iso(-60)})
    seen += bodies(pages)
    found = [json.loads(record)["id"] for record in seen]
    assert len(found) == len(set(found)) and "newer" not in found
    assert "newer" in ids(small.rows("sign-ins"))


@pytest.mark.parametrize("change", [
    lambda link: link.replace("%2b", "%2B", 1), lambda link: link.replace("%2b", "+", 1), urllib.parse.unquote,
    lambda link: link[:-1], lambda link: link + "&x=1", lambda link: link.replace("signins", "signIns"),
    lambda link: link.replace("$skiptoken", "%24skiptoken"), lambda link: link.replace("$top=10&", ""),
    lambda link: link.replace("$skiptoken=3", "$skiptoken=4", 1),
])
def test_a_link_that_does_not_come_back_byte_for_byte_is_refused(small, change):
    link = small.get(small.link("signIns", filter=f"createdDateTime ge {iso(-40 * HOUR)}", top=10)).json()["@odata.nextLink"]
    assert small.get(link).status == 200
    changed = change(link)
    assert changed != link
    answer = small.get(changed.replace(" ", "%20"))
    assert answer.status == 400 and "Invalid Skip Token" in answer.json()["error"]["message"]


def test_a_repeated_record_is_the_last_of_the_page_before_byte_for_byte(sim):
    simulator = sim(["--sign-ins", 100, "--page-size", 20, "--repeat-percent", 100, "--empty-pages", 0], clock=STILL)
    pages = [elements(answer.body) for answer in simulator.walk(simulator.link("signIns"))]
    assert len(pages) > 4 and all(later[0] == earlier[-1] for earlier, later in zip(pages, pages[1:]))
    assert simulator.rows("sign-ins") == {row for row in simulator.truth() if row[1] == "sign-ins"}


def test_empty_pages_lead_on(sim):
    simulator = sim(["--sign-ins", 200, "--page-size", 10, "--empty-pages", 60], clock=STILL)
    pages = [answer.json() for answer in simulator.walk(simulator.link("signIns"))]
    assert any(page["value"] == [] and "@odata.nextLink" in page for page in pages)
    assert simulator.rows("sign-ins") == {row for row in simulator.truth() if row[1] == "sign-ins"}


# budgets


def test_the_sixth_request_in_ten_seconds_is_throttled_over_both_sources(sim):
    simulator = sim(["--budgets", "documented", "--tenant", TENANT, "--tenant", OTHER_TENANT], clock=STILL)
    token = simulator.token()
    for second in range(5):
        simulator.clock(at(second))
        assert simulator.get(simulator.link(["signIns", "directoryAudits"][second % 2], top=1), token).status == 200
    answer = simulator.get(simulator.link("signIns", top=1), token)
    assert answer.status == 429 and answer.headers["Retry-After"] == "6"
    assert answer.json()["error"]["code"] == "TooManyRequests"
    other = simulator.token(OTHER_TENANT)
    assert simulator.get(simulator.link("signIns", top=1), other).status == 200
    simulator.clock(at(9))
    assert simulator.get(simulator.link("directoryAudits", top=1), token).headers["Retry-After"] == "1"
    stats = simulator.stats()
    assert (stats["budget_violations"], stats["retry_after_broken"]) == (2, 1)
    simulator.clock(at(10))
    assert simulator.get(simulator.link("signIns", top=1), token).status == 200
    assert simulator.stats()["retry_after_broken"] == 1


def test_without_budgets_nothing_is_throttled_but_a_broken_wait_is_counted(small):
    token = small.token()
    assert all(small.get(small.link("signIns", top=1), token).status == 200 for _ in range(12))
    small.fault({"status": 429, "headers": {"Retry-After": "0,120"}}, "directoryAudits", times=1)
    assert small.get(small.link("directoryAudits"), token).status == 429
    small.clock(at(119))
    assert small.get(small.link("signIns"), token).status == 200
    small.clock(at(120))
    assert small.get(small.link("signIns"), token).status == 200
    stats = small.stats()
    assert (stats["budget_violations"], stats["retry_after_broken"]) == (0, 1)


# time


@pytest.mark.parametrize("source", SOURCES)
def test_records_keep_coming_and_old_ones_go_as_time_moves_on(sim, source):
    simulator = sim(["--sign-ins", 480, "--directory-audits", 480, "--days", 2, "--retention-days", 1, *PLAIN], clock=STILL)
    before = {row for row in simulator.truth() if row[1] == source}
    simulator.clock(at(6 * HOUR))
    after = {row for row in simulator.truth() if row[1] == source}
    assert 230 <= len(before) <= 250 and abs(len(after - before) - 60) < 5 and abs(len(before - after) - 60) < 5
    assert simulator.rows(source) == after


def test_a_late_record_appears_at_its_moment_and_not_before(sim):
    simulator = sim(["--sign-ins", 48, "--directory-audits", 0, "--days", 2, "--late-percent", 100, "--changed-percent", 0],
                    clock=at(0))
    before = simulator.truth()
    simulator.clock(at(30 * HOUR))
    late = [r for r in map(json.loads, bodies(simulator.walk(simulator.link("signIns")))) if r["id"] not in ids(before)]
    record = next(r for r in late if r["createdDateTime"] < iso(0))
    shown, hidden = 30 * HOUR, 0
    while shown - hidden > 1:
        middle = (shown + hidden) // 2
        simulator.clock(at(middle))
        shown, hidden = (middle, hidden) if record["id"] in ids(simulator.truth()) else (shown, middle)
    simulator.clock(at(hidden))
    assert record["id"] not in ids(simulator.rows("sign-ins"))
    simulator.clock(at(shown))
    assert record["id"] in ids(simulator.rows("sign-ins"))
    moment = time.mktime(time.strptime(record["createdDateTime"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone - NOON
    assert 600 <= shown - moment <= 20 * HOUR + 2


@pytest.mark.parametrize("source", SOURCES)
def test_a_changed_record_gets_its_second_body_under_the_same_id_and_time(sim, source):
    simulator = sim(["--sign-ins", 100, "--directory-audits", 100, "--days", 1, "--late-percent", 0, "--changed-percent", 100],
                    clock=STILL)
    collection, field = SOURCES[source]
    first = {json.loads(r)["id"]: r for r in bodies(simulator.walk(simulator.link(collection)))}
    assert simulator.rows(source) == {row for row in simulator.truth() if row[1] == source}
    simulator.clock(at(24 * HOUR))
    second = {json.loads(r)["id"]: r for r in bodies(simulator.walk(simulator.link(collection)))}
    assert simulator.rows(source) == {row for row in simulator.truth() if row[1] == source}
    changed = [i for i in first if second[i] != first[i]]
    assert len(changed) > 30
    for name in changed:
        assert json.loads(first[name])[field] == json.loads(second[name])[field]
    simulator.clock(at(48 * HOUR))
    third = {json.loads(r)["id"]: r for r in bodies(simulator.walk(simulator.link(collection)))}
    assert all(third[name] == second[name] for name in first)


def test_walking_equals_the_truth_at_every_moment(sim):
    simulator = sim(["--sign-ins", 300, "--days", 3, "--late-percent", 30, "--changed-percent", 30, "--page-size", 50], clock=STILL)
    seen = set()
    for hour in (0, 1, 2, 5, 11, 23):
        simulator.clock(at(hour * HOUR))
        truth = {row for row in simulator.truth() if row[1] == "sign-ins"}
        assert simulator.rows("sign-ins") == truth
        assert truth not in seen
        seen.add(frozenset(truth))


def test_the_clock_runs_at_its_rate_and_is_told(sim):
    now = time.time()
    simulator = sim([], clock=f"{NOON}@100000@{now}")
    reached = simulator.control("clock")["epoch"]
    assert NOON <= reached <= NOON + (time.time() - now) * 100000 + 1
    assert simulator.control("clock")["rate"] == 100000
    with pytest.raises(ValueError, match="not of the form"):
        simulator.clock("tomorrow")


# loaded records

HOSTILE = [
    b'{"id":"a","createdDateTime":"%s","userDisplayName":"plain"}',
    b'{"id":"b","createdDateTime":"%s","userDisplayName":"\xff\xfe not UTF-8"}',
    b'{"id":"c","createdDateTime":"%s","userDisplayName":"cut \\ud83d',
    b'{"id" : "d" , "createdDateTime" : "%s", "n":12345678901234567890, "e":1e400}',
    b'{"nested":{"id":"no"},"id":"e\\u0041","createdDateTime":"%s","id":"e2"}',
    b'{"id":"f","note":"\x00\x01","createdDateTime":"%s"}',
    b'{"id":"g","createdDateTime":"the other day"}',
    b"not JSON at all",
    b'{"id":"h","createdDateTime":null}',
]


def loaded_lines():
    return [line.replace(b"%s", iso(-HOUR * k).encode()) for k, line in enumerate(HOSTILE, 1)]


def value_bytes(body):
    return body.split(b'"value":[', 1)[1].removesuffix(b"]}")


def test_loaded_lines_are_served_byte_for_byte_in_place_of_generated_ones(sim, tmp_path):
    lines = loaded_lines()
    (tmp_path / "records.ndjson").write_bytes(b"\n".join(lines) + b"\n\n")
    simulator = sim(["--load", f"sign-ins={tmp_path}/records.ndjson", *PLAIN], clock=STILL)
    answer = simulator.get(simulator.link("signIns"))
    served = value_bytes(answer.body)
    assert all(line in served for line in lines) and len(served) == sum(map(len, lines)) + len(lines) - 1
    truth = {row[2:] for row in simulator.truth() if row[1] == "sign-ins"}
    names = ["a", "b", "c", "d", "eA", "f", "g", "", "h"]
    assert truth == {(name, hashlib.sha256(line).hexdigest()) for name, line in zip(names, lines)}
    assert any(row[1] == "directory-audits" for row in simulator.truth())


def test_a_record_without_a_readable_time_is_in_every_window(sim, tmp_path):
    lines = loaded_lines()
    (tmp_path / "records.ndjson").write_bytes(b"\n".join(lines))
    simulator = sim(["--load", f"sign-ins={tmp_path}/records.ndjson", *PLAIN], clock=STILL)
    answer = simulator.get(simulator.link("signIns", filter=f"createdDateTime ge {iso(-2 * HOUR)} and createdDateTime le {iso(0)}"))
    served = value_bytes(answer.body)
    assert [line in served for line in lines] == [True, True, False, False, False, False, True, True, True]


def test_loaded_and_generated_records_are_served_together_in_order(sim, tmp_path):
    lines = [f'{{"id":"l{k}","createdDateTime":"{iso(-k * HOUR)}"}}'.encode() for k in range(1, 30)]
    (tmp_path / "records.ndjson").write_bytes(b"\n".join(reversed(lines)))
    simulator = sim(["--load", f"sign-ins={tmp_path}/records.ndjson", "--sign-ins", 60, "--days", 2, "--page-size", 7], clock=STILL)
    truth = {row for row in simulator.truth() if row[1] == "sign-ins"}
    for direction in ("asc", "desc"):
        answers = list(simulator.walk(simulator.link("signIns", orderby=f"createdDateTime {direction}")))
        times = [r["createdDateTime"][:19] for a in answers for r in a.json()["value"]]
        assert times == sorted(times, reverse=direction == "desc")
        assert simulator.rows("sign-ins", orderby=f"createdDateTime {direction}") == truth
        window = f"createdDateTime ge {iso(-20 * HOUR)} and createdDateTime le {iso(-10 * HOUR)}"
        found = ids(simulator.rows("sign-ins", filter=window, orderby=f"createdDateTime {direction}"))
        assert {name for name in found if name.startswith("l")} == {f"l{k}" for k in range(10, 21)} and len(found) > 20
    assert len(truth) > 80


def test_a_record_can_be_added_and_replaced_while_it_serves(sim):
    simulator = sim(["--sign-ins", 0, "--tenant", TENANT, "--tenant", OTHER_TENANT, *PLAIN], clock=STILL)
    first = b'{"id":"x","createdDateTime":"%s","v":1}' % iso(-60).encode()
    second = first.replace(b'"v":1', b'"v": 2')
    simulator.add_record("sign-ins", first)
    simulator.add_record("sign-ins", first)
    assert value_bytes(simulator.get(simulator.link("signIns")).body) == first + b"," + first
    simulator.add_record("sign-ins", second, tenant=TENANT, replace=True)
    assert value_bytes(simulator.get(simulator.link("signIns")).body) == second
    sums = {(row[0], row[3]) for row in simulator.truth() if row[1] == "sign-ins"}
    assert sums == {(TENANT, hashlib.sha256(second).hexdigest()), (OTHER_TENANT, hashlib.sha256(first).hexdigest())}


@pytest.mark.parametrize("value", [
    {"source": "users", "record": {}}, {"source": "sign-ins"}, {"record": {}}, [], {"source": "sign-ins", "record": {}, "tenant": "x"},
])
def test_a_record_that_cannot_be_added_is_refused(small, value):
    with pytest.raises(ValueError):
        small.control("records", value)


# faults


def test_a_status_comes_with_graphs_body_or_with_the_one_given(small):
    token, link = small.token(), small.link("signIns")
    small.fault({"status": 503, "headers": {"Retry-After": ["0", "120"], "X-Extra": "1"}}, "SIGNINS")
    answer = small.get(link, token)
    assert answer.status == 503 and answer.json()["error"]["code"] == "ServiceUnavailable"
    assert answer.headers.get_all("Retry-After") == ["0", "120"] and answer.headers["X-Extra"] == "1"
    small.fault({"status": 429, "headers": {"Retry-After": "2.128"}, "body": ""})
    answer = small.get(link, token)
    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (429, b"", "2.128")
    small.fault({"status": 418, "body_base64": base64.b64encode(b"\xff\x00").decode(), "headers": {"Content-Type": None}})
    answer = small.get(link, token)
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (418, b"\xff\x00", None)


def test_the_token_endpoint_fails_as_asked(small):
    small.faults([
        {"match": {"path": "token"}, "times": 1, "action": {"aadsts": 7000222}},
        {"match": {"path": "token"}, "times": 1, "action": {"status": 429, "headers": {"Retry-After": "17"}}},
        {"match": {"path": "token"}, "times": 1, "action": {"status": 503}},
    ])
    answer = small.ask_token()
    assert answer.status == 401 and answer.json()["error_codes"] == [7000222]
    assert small.ask_token().headers["Retry-After"] == "17"
    assert small.ask_token().status == 503
    assert small.ask_token().status == 200 and small.stats()["faults_fired"] == 3


def test_a_fault_leaves_the_first_alone_and_stops_after_its_times(small):
    token = small.token()
    small.fault({"status": 500}, "signIns", skip=2, times=3)
    statuses = [small.get(small.link("signIns"), token).status for _ in range(7)]
    assert statuses == [200, 200, 500, 500, 500, 200, 200] and small.fired() == 3
    assert small.get(small.link("directoryAudits"), token).status == 200
    assert small.control("faults")[0]["matched"] == 7
    assert small.faults([]) == []


def test_a_fault_hits_the_page_and_the_tenant_it_names(sim):
    simulator = sim(["--tenant", TENANT, "--tenant", OTHER_TENANT, "--sign-ins", 60, "--page-size", 20, *PLAIN], clock=STILL)
    simulator.fault({"status": 504}, "signIns", page=2, tenant=OTHER_TENANT)
    assert len(bodies(simulator.walk(simulator.link("signIns"), simulator.token(TENANT)))) > 50
    token = simulator.token(OTHER_TENANT)
    first = simulator.get(simulator.link("signIns"), token)
    assert first.status == 200 and simulator.get(first.json()["@odata.nextLink"], token).status == 504


def test_a_truncated_answer_can_look_whole_or_break_off(small):
    token, link = small.token(), small.link("signIns")
    whole = small.get(link, token).body
    small.fault({"truncate": "half"})
    answer = small.get(link, token)
    assert answer.status == 200 and answer.body == whole[:len(whole) // 2]
    assert answer.headers["Transfer-Encoding"] == "chunked"
    small.fault({"truncate": 1000})
    assert small.get(link, token).body == whole[:1000]
    small.fault({"truncate_hard": 1000})
    with pytest.raises(http.client.IncompleteRead) as cut:
        small.get(link, token)
    assert cut.value.partial == whole[:1000] and cut.value.expected == len(whole) - 1000


def test_a_reset_connection_gives_no_answer(small):
    token = small.token()
    small.fault({"reset": True}, times=1)
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        small.get(small.link("signIns"), token)
    assert small.get(small.link("signIns"), token).status == 200
    assert [r["status"] for r in small.requests()] == [200, 0, 200]


def test_a_delayed_answer_comes_late_while_others_are_served(small):
    token = small.token()
    small.fault({"delay_ms": 400, "status": 502}, "signIns", times=1)
    begun = time.monotonic()
    held = http.client.HTTPConnection(urllib.parse.urlsplit(small.url).netloc, timeout=60)
    held.request("GET", "/v1.0/auditLogs/signIns", headers={"Authorization": f"Bearer {token}"})
    assert small.get(small.link("directoryAudits"), token).status == 200
    assert held.getresponse().status == 502 and time.monotonic() - begun >= 0.4
    held.close()


def test_a_stalled_answer_sends_its_part_and_then_nothing(small):
    token = small.token()
    small.fault({"stall_after": 500}, "signIns", times=1)
    address = urllib.parse.urlsplit(small.url)
    with socket.create_connection((address.hostname, address.port), timeout=0.5) as connection:
        connection.sendall(f"GET /v1.0/auditLogs/signIns HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        received = b""
        with pytest.raises(socket.timeout):
            while True:
                piece = connection.recv(65536)
                assert piece
                received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    assert len(body) == 500 and b"Content-Length: " in head
    assert small.get(small.link("signIns"), token).status == 200


def test_it_ends_cleanly_while_answers_are_held_back(small):
    token = small.token()
    small.faults([{"match": {"path": "signIns"}, "action": {"stall_after": 10}},
                  {"match": {"path": "directoryAudits"}, "action": {"delay_ms": 3000000}}])
    address = urllib.parse.urlsplit(small.url)
    held = []
    for collection in ("signIns", "directoryAudits"):
        held.append(http.client.HTTPConnection(address.netloc, timeout=60))
        held[-1].request("GET", f"/v1.0/auditLogs/{collection}", headers={"Authorization": f"Bearer {token}"})
    held[0].getresponse().read(10)
    assert small.stats()["faults_fired"] == 2
    assert small.stop() == 0
    for connection in held:
        connection.close()


def test_a_next_link_can_be_put_in_place_of_the_real_one(small):
    token, link = small.token(), small.link("signIns")
    for given, expected in (("https://evil.example/x", "https://evil.example/x"), ("{same}", link), ("{base}/v1.0/x", f"{small.url}/v1.0/x"),
                            ("/v1.0/relative", "/v1.0/relative"), ('odd "\\\n', 'odd "\\\n')):
        small.fault({"next_link": given})
        assert small.get(link, token).json()["@odata.nextLink"] == expected


def test_a_200_can_lack_its_value_or_hold_an_error_html_or_nothing(small):
    token, link = small.token(), small.link("signIns")
    small.fault({"drop_value": True})
    assert "value" not in small.get(link, token).json()
    small.fault({"error_in_200": True})
    answer = small.get(link, token)
    assert answer.status == 200 and list(answer.json()) == ["error"]
    small.fault({"error_in_200": {"code": "", "message": "x"}})
    assert small.get(link, token).json() == {"error": {"code": "", "message": "x"}}
    small.fault({"html": True})
    answer = small.get(link, token)
    assert answer.status == 200 and answer.body.startswith(b"<!DOCTYPE html>") and "text/html" in answer.headers["Content-Type"]
    small.fault({"empty_body": True})
    answer = small.get(link, token)
    assert (answer.status, answer.body) == (200, b"")


def test_bytes_can_be_put_before_after_and_into_a_page(small):
    token, link = small.token(), small.link("signIns")
    whole = small.get(link, token).body
    small.fault({"bom": True})
    assert small.get(link, token).body == b"\xef\xbb\xbf" + whole
    small.fault({"append": "}garbage"})
    assert small.get(link, token).body == whole + b"}garbage"
    small.fault({"insert_record_base64": base64.b64encode(b'{"bad":"\xff"').decode()})
    assert small.get(link, token).body == whole.replace(b'"value":[', b'"value":[{"bad":"\xff",', 1)


def test_a_token_can_be_expired_in_mid_walk(small):
    token, link = small.token(), small.link("signIns")
    small.fault({"expire_token": True}, "signIns", page=2, times=1)
    second = small.get(link, token).json()["@odata.nextLink"]
    assert small.get(second, token).status == 401 and small.get(link, token).status == 401
    assert small.get(second).status == 200


def test_a_redirect_names_its_target(small):
    small.fault({"redirect": "https://evil.example/"}, "signIns")
    answer = small.get(small.link("signIns"))
    assert answer.status == 302 and answer.headers["Location"] == "https://evil.example/"


def test_a_small_answer_can_inflate_to_many_megabytes(small):
    small.fault({"gzip_bomb": 64}, "signIns")
    answer = small.get(small.link("signIns"))
    assert answer.headers["Content-Encoding"] == "gzip" and len(answer.body) < 100_000
    plain = gzip.decompress(answer.body)
    assert len(plain) > 64 * 2**20 and plain.startswith(b'{"value":[ ') and plain.endswith(b" ]}")


@pytest.mark.parametrize("faults", [
    {}, [{}], [{"action": {"explode": True}}], [{"action": {"status": "429"}}], [{"action": {"status": 99}}],
    [{"action": {"reset": False}}], [{"action": {}, "when": 1}], [{"action": {}, "match": {"host": "x"}}],
])
def test_a_fault_that_is_not_understood_is_refused_and_the_old_list_stays(small, faults):
    small.fault({"status": 500}, "signIns")
    with pytest.raises(ValueError):
        small.faults(faults)
    assert small.get(small.link("signIns")).status == 500


# what was asked


def test_requests_are_counted_and_told(small):
    token = small.token()
    small.get(small.link("signIns", top=5), token, headers={"client-request-id": "one", "User-Agent": "test/1", "Prefer": "x"})
    small.get(small.link("directoryAudits"), token, headers={"client-request-id": "one"})
    small.get(f"{small.url}/v1.0/other", token)
    stats = small.stats()
    asked = {endpoint: count for endpoint, count in stats["requests"].items() if count}
    assert asked == {"token": 1, "signIns": 1, "directoryAudits": 1, "other": 1, "total": 4}
    assert stats["statuses"] == {"200": 3, "400": 1} and stats["records_sent"] == 55 and stats["bytes_sent"] > 50000
    assert (stats["requests_without_client_request_id"], stats["duplicate_client_request_ids"], stats["tokens_issued"]) == (1, 1, 1)
    told = small.requests()
    assert [r["endpoint"] for r in told] == ["token", "signIns", "directoryAudits", "other"]
    assert told[1]["uri"] == "/v1.0/auditLogs/signIns?$top=5" and told[1]["user_agent"] == "test/1"
    assert told[1]["has_authorization"] and told[1]["has_prefer"] and not told[2]["has_prefer"]
    assert told[1]["tenant"] == TENANT and told[1]["records"] == 5 and token not in json.dumps(told)
    small.reset_stats()
    assert small.stats()["requests"]["total"] == 0 and small.requests() == []


def test_only_the_last_thousand_requests_are_told(small):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(small.url).netloc, timeout=60)
    for number in range(1005):
        connection.request("GET", f"/v1.0/{number}")
        connection.getresponse().read()
    connection.close()
    told = small.requests()
    assert len(told) == 1000 and told[0]["uri"] == "/v1.0/5" and small.stats()["requests"]["total"] == 1005


def test_the_decoy_tells_whether_a_token_reached_it(sim):
    simulator = sim(["--decoy"], clock=STILL)
    assert simulator.decoy_url != simulator.url and simulator.stats()["decoy_requests"] == 0
    assert exchange(f"{simulator.decoy_url}/v1.0/x").status == 200
    assert (simulator.stats()["decoy_requests"], simulator.stats()["decoy_authorized"]) == (1, 0)
    exchange(simulator.decoy_url, headers={"Authorization": "Bearer x"})
    assert (simulator.stats()["decoy_requests"], simulator.stats()["decoy_authorized"]) == (2, 1)


def test_unknown_controls_and_bodies_that_are_not_json_are_refused(small):
    assert exchange(f"{small.url}/control/nothing").status == 404
    assert exchange(f"{small.url}/control/clock", "POST", body="{").status == 400


def test_two_million_records_cost_no_memory():
    with Simulator() as simulator:
        simulator.start(["--sign-ins", 2_000_000, "--empty-pages", 0], clock=STILL)
        token = simulator.token()
        pages = simulator.walk(simulator.link("signIns"), token)
        assert all(len(next(pages).json()["value"]) == 1000 for _ in range(3))
        link = simulator.link("signIns", filter=f"createdDateTime ge {iso(-15 * 24 * HOUR)} and createdDateTime le "
                              f"{iso(-15 * 24 * HOUR + 600)}", orderby="createdDateTime asc")
        assert 400 < len(bodies(simulator.walk(link, token))) < 520
        with open(f"/proc/{simulator.ready['pid']}/status", encoding="ascii") as status:
            peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        assert peak_kib < 400 * 1024  # sanitizers keep freed memory; a plain build stays below 20 MiB
