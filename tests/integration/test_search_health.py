"""m365keep search --in issues and --in messages, from outside: against what was served, and what sqlite3 says of the same database."""

import csv
import hashlib
import io
import json
import sqlite3
import subprocess

import pytest

import announcements
import conftest
import hostile
from announcements import issue, message, post
from conftest import NOON, clean_environment
from desk import GOLDEN, UPDATE_GOLDEN
from simulator import TENANT
from test_search_cli import COLOR, on_terminal, unsafe, width

OTHER = "22222222-3333-4444-8555-666666666666"
BOTH = ["issues", "messages"]
COLUMNS = {
    "issues": ["issue_id", "customer", "tenant_id", "id", "service", "title", "classification", "status", "is_resolved", "start", "end",
               "last_modified", "first_seen", "changed_at"],
    "messages": ["message_id", "customer", "tenant_id", "id", "title", "services", "category", "severity", "is_major_change", "start",
                 "end", "last_modified", "action_required_by", "first_seen", "changed_at"]}
DOCUMENT = {"issues": {*COLUMNS["issues"], "posts", "raw", "raw_text", "source"},
            "messages": {*COLUMNS["messages"], "raw", "raw_text", "source"}}
KEY = {"issues": "issue_id", "messages": "message_id"}
VIEW = {"issues": "service_issues", "messages": "service_messages"}
NOUN = {"issues": "issue", "messages": "message"}
FLAGS = {"is_resolved", "is_major_change"}
ALL = ["--limit", "100000"]

# --- what was served --------------------------------------------------------------------------------------------------

BANNER = ("<p>Title: Mail is <b>late</b></p>\n<p>User impact: delivery to "
          "<a href=\"https://status.example/ex?id=7&amp;x=1\">f\u00e9d\u00e9r\u00e9s</a> is&nbsp;queued. "
          "Zweck: Gr\u00f6\u00dfe&#33;</p><script>alert('scripted')</script>")

FORMER_ISSUE = issue("EX100001", "Exchange Online", "Mail is slow", "2025-11-20T08:00:00Z",
                     post("2025-11-20T08:00:00Z", "Formerly we looked."), classification="incident", status="investigating")
ISSUES = [
    issue("EX100001", "Exchange Online", "Mail is late", "2025-11-20T11:00:00.39Z", post("2025-11-20T08:00:00Z", BANNER),
          post("2025-11-20T10:00:00Z", "<div>Next update by noon, quarantine release is unaffected.</div>", "quick"),
          classification="incident"),
    # Spelled as the service does on other days.
    issue("EX100002", "Exchange Online", "Calendars were empty", "2025-11-18T11:06:53.353Z", post("2025-11-18T09:00:00Z", "Solved."),
          classification="Incident", status="ServiceRestored", isResolved=True, endDateTime="2025-11-18T11:00:00Z"),
    issue("IT100003", "Microsoft Intune", "Enrolment of devices waits", "2025-11-20T10:59:59.999Z", classification="Advisory"),
    issue("MO100004", "Microsoft 365 suite", "\u65e5\u672c\u8a9e\u306e\u77e5\u3089\u305b \u2014 na\u00efve caf\u00e9",
          "2025-10-01T00:00:00Z", status="postIncidentReviewPublished", isResolved=True),
    # As raw bytes: spacing, order and escapes are the service's own.
    b'{ "id" :"SP100005", "title":"Sites \\u0026 lists","service":"SharePoint Online","posts":null,"isResolved":null,\r\n'
    b'"lastModifiedDateTime":"2025-11-19T00:00:00Z","classification":null,"status":"someNewStatus","total":12345678901234567890}',
]
MESSAGES = [
    message("MC200001", ["Exchange Online", "Microsoft Intune"], "Basic authentication retires", "2025-11-19T15:04:05Z",
            "<p>We will <i>retire</i> basic authentication for POP&nbsp;&amp; IMAP.</p><ul><li>What to do: use OAuth</li></ul>",
            category="planForChange", severity="high", act_by="2025-12-15T00:00:00Z", isMajorChange=True),
    message("MC200002", ["Exchange Online"], "Authentication of basic printers", "2025-11-18T00:00:00.1Z",
            "Text without any tag: imprimantes."),
    message("MC200003", ["Microsoft Teams"], "(Updated) \u300c\u4f1a\u8b70\u300d in Teams \u2013 \u202frollout", "2025-11-20T11:59:59Z",
            "<p>\u4f1a\u8b70 \u65e5\u7a0b</p>", category="StayInformed", severity="Normal"),
    message("MC200004", [], "For nobody in particular", "2025-09-01T00:00:00Z", ""),
]


def hostile_records(make):
    """A record for each hostile name; every other one is not ASCII-escaped."""
    for number, name in enumerate(hostile.NAMES.values()):
        escaped = number % 2 == 0 or any("\ud800" <= letter <= "\udfff" for letter in name)
        yield json.dumps(make(number, name, f"2025-11-10T00:00:{number:02d}Z"), ensure_ascii=escaped).encode()


HOSTILE = {
    "issues": list(hostile_records(lambda number, name, modified: issue(
        f"HO3{number:05d}", name, name, modified, post(modified, name), status=name, classification=name, feature=hostile.MARKER))),
    "messages": list(hostile_records(lambda number, name, modified: message(
        f"HO4{number:05d}", [name], name, modified, name, category=name, severity=name, tags=[hostile.MARKER])))}

SERVED = {"issues": ISSUES + HOSTILE["issues"], "messages": MESSAGES + HOSTILE["messages"]}
OTHERS = {"issues": [ISSUES[0], issue("IT500001", "Microsoft Intune", "Fabrikam alone", "2025-11-20T09:00:00Z")],
          "messages": [MESSAGES[0]]}


def parsed(record):
    return json.loads(record) if isinstance(record, bytes) else record


@pytest.fixture(scope="session", name="health_db")
def fixture_health_db(build, tmp_path_factory):
    """The issues and messages above, of two customers; one issue was scanned before with another body. Read only."""
    folder = tmp_path_factory.mktemp("health")
    simulator = conftest.start_simulator(["--sign-ins", "0", "--directory-audits", "0", "--users", "0", "--tenant", TENANT,
                                          "--tenant", OTHER])
    keep = conftest.runner(build, folder)
    overviews = [announcements.overview("Exchange", "serviceDegradation")]

    def scan(moment, name, tenant, issues, messages):
        clock = f"{moment}@0@{moment}"
        simulator.clock(clock)
        announcements.serve(simulator, overviews, issues, messages)
        result = keep(["scan", "--db", "health.db"], sim=simulator, env={
            "M365KEEP_CUSTOMER": name, "GRAPH_TENANT_ID": tenant, "M365KEEP_CLOCK": clock})
        assert result.returncode == 0, result.stderr

    try:
        scan(NOON - 3600, "contoso", TENANT, [FORMER_ISSUE], [])
        scan(NOON, "contoso", TENANT, SERVED["issues"], SERVED["messages"])
        scan(NOON + 60, "fabrikam", OTHER, OTHERS["issues"], OTHERS["messages"])
    finally:
        simulator.stop()
    return folder / "health.db"


@pytest.fixture(name="search")
def fixture_search(keep, health_db):
    def run(where, *arguments, db=health_db, **options):
        return keep(["search", "--in", where, "--db", str(db), *arguments], **options)

    return run


@pytest.fixture(name="found")
def fixture_found(search):
    """found(WHERE, ARGUMENTS): the documents of a search that must go well."""

    def run(where, *arguments, **options):
        result = search(where, "--json", *arguments, **options)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run


def sql(path, query, *values):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        return connection.execute(query, values).fetchall()


def names(documents):
    """The ids of contoso's."""
    return [document["id"] for document in documents if document["customer"] == "contoso"]


# --- what is found ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", BOTH)
def test_without_words_all_come_those_last_modified_first(found, where, health_db):
    documents = found(where, *ALL)
    assert {(document["customer"], document["id"]) for document in documents} == (
        {("contoso", parsed(record)["id"]) for record in SERVED[where]} | {("fabrikam", parsed(record)["id"]) for record in OTHERS[where]})
    times = [document["last_modified"] for document in documents]
    assert times == sorted(times, reverse=True) and all(len(time) == 28 for time in times)
    assert {document[KEY[where]] for document in documents} == {row[0] for row in sql(health_db, f"SELECT {KEY[where]} FROM {VIEW[where]}")}


@pytest.mark.parametrize("where", BOTH)
def test_every_format_finds_the_same_rows_in_the_same_order(search, found, where):
    wanted = [document[KEY[where]] for document in found(where, *ALL)]
    rows = list(csv.DictReader(io.StringIO(search(where, "--csv", *ALL).stdout)))
    assert [int(row[KEY[where]]) for row in rows] == wanted
    assert len(search(where, *ALL).stdout.splitlines()) == len(wanted) + 1


@pytest.mark.parametrize("where", BOTH)
def test_a_document_is_the_row_of_the_view(found, where, health_db):
    columns = [*COLUMNS[where], "raw_text"]
    quoted = ", ".join(f'"{column}"' for column in columns)
    for document in found(where, *ALL):
        assert set(document) == DOCUMENT[where]
        [row] = sql(health_db, f"SELECT {quoted}, raw FROM {VIEW[where]} WHERE {KEY[where]} = ?", document[KEY[where]])
        for column, value in zip(columns, row):
            if column in FLAGS and value is not None:
                value = bool(value)
            if column == "services" and value is not None:
                value = json.loads(value)
            assert document[column] == value, column
        assert document["raw"] == json.loads(row[-1]) and document["source"] == "health"
        if where == "issues":
            assert document["posts"] == document["raw"]["posts"]


@pytest.mark.parametrize("where", BOTH)
def test_csv_is_the_row_of_the_view(search, where, health_db):
    quoted = ", ".join(f'"{column}"' for column in COLUMNS[where])
    for row in csv.DictReader(io.StringIO(search(where, "--csv", "--customer", "fabrikam", *ALL).stdout)):
        [wanted] = sql(health_db, f"SELECT {quoted} FROM {VIEW[where]} WHERE {KEY[where]} = ?", row[KEY[where]])
        assert [row[column] for column in COLUMNS[where]] == ["" if value is None else str(value) for value in wanted]


@pytest.mark.parametrize("where", BOTH)
def test_raw_gives_the_exact_bytes_that_were_served(search, where):
    result = search(where, "--raw", "--customer", "contoso", *ALL, text=False, encoding=None)
    in_order = sorted(SERVED[where], key=lambda record: parsed(record)["lastModifiedDateTime"].rstrip("Z"), reverse=True)
    assert result.stdout == b"".join(announcements.as_sent(record) + b"\n" for record in in_order)


@pytest.mark.parametrize("where, words, ids", [
    ("issues", ["late"], ["EX100001"]),                                  # the title
    ("issues", ["quarantine", "RELEASE"], ["EX100001"]),                 # a later post, any case
    ("issues", ['"delivery to f\u00e9d\u00e9r\u00e9s is queued"'], ["EX100001"]),  # a phrase across tags and entities
    ("issues", ["federes"], ["EX100001"]),                               # accents aside
    ("issues", ["Gr\u00f6\u00dfe"], ["EX100001"]),
    ("issues", ["status.example"], ["EX100001"]),                        # where a link leads
    ("issues", ["SP100005"], ["SP100005"]), ("issues", ["sites lists"], ["SP100005"]),
    ("issues", ["12345678901234567890"], ["SP100005"]),
    ("issues", ["\u65e5\u672c\u8a9e\u306e\u77e5*"], ["MO100004"]), ("issues", ["naive cafe"], ["MO100004"]),
    ("issues", ["servicerestored"], ["EX100002"]),
    ("issues", ["mail", "solved"], []), ("issues", ["formerly"], []),    # what was said before is in the history, and found no more
    ("messages", ["retire"], ["MC200001"]), ("messages", ["retire*"], ["MC200001"]),
    ("messages", ['"basic authentication for POP & IMAP"'], ["MC200001"]),
    ("messages", ["basic", "authentication"], ["MC200001", "MC200002"]),
    ("messages", ['"basic authentication"'], ["MC200001"]),
    ("messages", ["oauth"], ["MC200001"]), ("messages", ["imprimantes"], ["MC200002"]),
    ("messages", ["\u4f1a\u8b70"], ["MC200003"]), ("messages", ["\u65e5\u7a0b"], ["MC200003"]),
    ("messages", ["Teams", "Exchange"], []),
])
def test_words_inside_bodies_and_posts_are_found(found, where, words, ids):
    assert names(found(where, *words, *ALL)) == ids


@pytest.mark.parametrize("where", BOTH)
def test_stars_and_fts5_do_as_for_events(found, where):
    marked = names(found(where, hostile.MARKER, *ALL))
    assert len(marked) == len(hostile.NAMES) and names(found(where, hostile.MARKER[:7] + "*", *ALL)) == marked
    either = set(names(found(where, "--fts", "text: (intune OR sharepoint)", *ALL)))
    assert either == set(names(found(where, "intune", *ALL))) | set(names(found(where, "sharepoint", *ALL))) and either


@pytest.mark.parametrize("where, service, ids", [
    ("issues", "exchange ONLINE", ["EX100001", "EX100002"]), ("issues", "Microsoft Intune", ["IT100003"]), ("issues", "Exchange", []),
    ("messages", "Exchange Online", ["MC200001", "MC200002"]), ("messages", "microsoft intune", ["MC200001"]),
    ("messages", "Exchange Online, Microsoft Intune", []),
    ("issues", hostile.NAMES["quotes"], ["HO300014"]), ("messages", hostile.NAMES["emoji"], ["HO400019"]),
])
def test_a_service_is_a_whole_name_in_any_case_and_any_of_a_message(found, where, service, ids):
    assert names(found(where, "--service", service, *ALL)) == ids


def test_filters_and_words_go_together(found):
    assert names(found("issues", "--service", "Exchange Online", "empty", *ALL)) == ["EX100002"]
    assert names(found("messages", "--service", "Exchange Online", "imprimantes", *ALL)) == ["MC200002"]
    assert names(found("messages", "--service", "Microsoft Teams", "imprimantes", *ALL)) == []


@pytest.mark.parametrize("arguments, ids", [
    (["--start", "2025-11-20"], ["EX100001", "IT100003"]),
    (["--start", "2025-11-20T11:00:00"], ["EX100001"]),
    (["--start", "2025-11-18", "--end", "2025-11-20"], ["SP100005", "EX100002"]),
    (["--start", "2025-11-19", "--end", "2025-11-20", "sites"], ["SP100005"]),  # the start is included
    (["--end", "2025-10-01"], []), (["--end", "2025-10-01T00:00:01"], ["MO100004"]),  # and the end is not
])
def test_start_and_end_are_of_the_last_modification(found, arguments, ids):
    assert names(found("issues", *arguments, *ALL)) == ids


def test_an_age_counts_from_the_simulated_now(found):
    assert names(found("messages", "--start", "24h", *ALL, env={"M365KEEP_CLOCK": f"{NOON}@0@{NOON}"})) == ["MC200003", "MC200001"]


@pytest.mark.parametrize("where", BOTH)
def test_a_customer_is_exact_whatever_its_case(found, where):
    for name in ("fabrikam", "FabriKam"):
        assert {document["id"] for document in found(where, "--customer", name, *ALL)} == {record["id"] for record in OTHERS[where]}
    assert len(found(where, "--customer", "all", *ALL)) == len(SERVED[where]) + len(OTHERS[where])
    both = found(where, OTHERS[where][0]["id"], *ALL)
    assert {document["customer"] for document in both} == {"contoso", "fabrikam"}
    assert [document["customer"] for document in found(where, "--customer", "fabrikam", OTHERS[where][0]["id"])] == ["fabrikam"]


@pytest.mark.parametrize("where", BOTH)
def test_no_more_rows_come_than_were_asked_for(search, found, where):
    whole = found(where, *ALL)
    for limit in (1, 3, len(whole) - 1):
        assert found(where, "--limit", str(limit)) == whole[:limit]
    assert len(search(where, "--limit", "3", "--raw").stdout.splitlines()) >= 3


# --- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", BOTH)
@pytest.mark.parametrize("option", ["actor", "operation", "result", "source"])
@pytest.mark.parametrize("value", ["health", ""])
def test_a_filter_of_events_is_refused(search, where, option, value):
    for arguments in ([f"--{option}", value], [f"--{option}={value}", "mail"]):
        result = search(where, "--json", *arguments)
        assert result.returncode == 2 and result.stdout == ""
        assert f"--{option} filters events only" in result.stderr and f"--in {where}" in result.stderr


@pytest.mark.parametrize("where", BOTH)
@pytest.mark.parametrize("arguments, part", [
    (["--customer", ""], "--customer is empty"), (["--service", " "], "--service is empty"), (["--start", ""], "--start is empty"),
    ([""], "empty"), (["--limit", "0"], "--limit"), (["--json", "--csv"], "exclude"), (["--fts"], "--fts"),
    (["--start", "soon"], "--start"),
    (["--start", "2025-11-20", "--end", "2025-11-20"], "--start must be before --end"), (["--time-limit", "-1"], "--time-limit"),
    (["--fts", '"unbalanced'], ""), (["--fts", "nosuchcolumn: x"], ""), (["ab*"], "3 letters"), ([b"\xff"], "UTF-8")])
def test_wrong_usage_exits_2(search, where, arguments, part):
    result = search(where, *arguments)
    assert result.returncode == 2 and result.stdout == "" and result.stderr
    assert part in result.stderr


@pytest.mark.parametrize("where", BOTH)
def test_words_that_look_like_syntax_are_only_words(search, where):
    for words in ("AND", "a AND", "-x", "^x", "text:x", "(x", "x)", "{x}", "'", ";", "%", "_", "facets: se"):
        result = search(where, "--", words)
        assert result.returncode in (0, 2), f"{words}: {result.stderr}"
        assert "fts5" not in result.stderr.lower() and "syntax" not in result.stderr.lower(), f"{words}: {result.stderr}"


# --- words on stderr --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", BOTH)
def test_the_final_line_counts(search, found, where):
    total, noun = len(found(where, *ALL)), NOUN[where]
    assert search(where, *ALL).stderr == f"{total:,} of {total:,} matching {noun}s, last modified first\n"
    assert search(where, "--limit", str(total)).stderr == f"{total:,} of {total:,} matching {noun}s, last modified first\n"
    for limit in (1, 2, total - 1):
        assert search(where, "--limit", str(limit)).stderr == (
            f"{limit:,} of {total:,} matching {noun}s, last modified first; more with --limit N\n")
    one = SERVED[where][1]["id"]
    assert search(where, one).stderr == f"1 of 1 matching {noun}, last modified first\n"
    assert search(where, "--limit", "3", "--quiet").stderr == ""


@pytest.mark.parametrize("where, arguments, part", [
    ("issues", ["nosuchwordanywhere"], 'No issue holds "nosuchwordanywhere"'),
    ("messages", ["teams", "nosuchwordanywhere"], 'No message holds "nosuchwordanywhere"'),
    ("issues", ["mail", "enrolment"], "not together"),
    ("messages", ['"authentication basic"'], "instead of a phrase"),
    ("issues", [hostile.MARKER[:-3]], f"{hostile.MARKER[:-3]}*' would match {len(hostile.NAMES)}"),
    ("issues", ["--customer", "fabricam"], 'No issue at all has --customer "fabricam". Did you mean "fabrikam"?'),
    ("messages", ["--customer", "nobody at all"], 'No message at all has --customer "nobody at all". Among the last modified are: '),
    ("issues", ["--service", "Exchange"], 'No issue at all has --service "Exchange". Did you mean "Exchange Online"?'),
    ("messages", ["--service", "microsoft team"], 'Did you mean "Microsoft Teams"?'),
    ("messages", ["--service", "Yammer"], 'No message at all has --service "Yammer". Among the last modified are: Microsoft Teams, '),
    ("issues", ["late", "--end", "2025-11-01"], "No issue matches that was last modified in that time; of any time, 2 would."),
    ("messages", ["--customer", "fabrikam", "--service", "Microsoft Teams"], "No message matches all the filters together"),
])
def test_nothing_found_is_no_failure_and_says_why(search, where, arguments, part):
    result = search(where, *arguments)
    assert result.returncode == 0 and result.stdout == ""
    assert part in result.stderr and result.stderr.endswith("\n")
    assert search(where, "--json", *arguments).stdout == "[]\n"
    assert search(where, "--csv", *arguments, text=False, encoding=None).stdout == ",".join(COLUMNS[where]).encode() + b"\r\n"
    assert search(where, "--raw", *arguments).stdout == ""
    assert search(where, "--quiet", *arguments).stderr == ""


@pytest.mark.parametrize("where", BOTH)
def test_what_was_never_collected_is_said_to_be(keep, search, sim, where, filled_db, tmp_path):
    simulator = sim(["--sign-ins", "0", "--directory-audits", "0", "--users", "0"])
    announcements.serve(simulator, [announcements.overview("Exchange")])
    assert keep(["scan", "--db", "empty.db"], sim=simulator).returncode == 0
    result = search(where, "x", db=tmp_path / "empty.db")
    assert result.returncode == 0 and result.stderr == f"The database holds no {where} yet: run m365keep scan.\n"
    assert search(where, db=tmp_path / "none.db").returncode == 1
    assert filled_db


def test_searching_changes_nothing(search, health_db):
    before = hashlib.sha256(health_db.read_bytes()).hexdigest()
    search("issues", "mail")
    search("messages", "mail")
    assert hashlib.sha256(health_db.read_bytes()).hexdigest() == before


# --- the table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", BOTH)
def test_the_table_is_the_golden_one(search, where):
    path = GOLDEN / "search" / f"{where}.txt"
    text = search(where, "--customer", "contoso", "--start", "2025-09-01", "--end", "2025-11-10").stdout
    text += search(where, "--start", "2025-11-11").stdout
    if UPDATE_GOLDEN:
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing; M365KEEP_UPDATE_GOLDEN=1 writes it:\n{text}"
    assert text == path.read_text(encoding="utf-8")


def test_columns_are_there_only_where_they_tell_something(search):
    assert "CUSTOMER" in search("issues", *ALL).stdout.splitlines()[0]
    assert "CUSTOMER" not in search("issues", "--customer", "fabrikam").stdout.splitlines()[0]
    assert "ACT BY" in search("messages", "retires").stdout.splitlines()[0]
    assert "ACT BY" not in search("messages", "imprimantes").stdout.splitlines()[0]


@pytest.fixture(name="terminal")
def fixture_terminal(build, health_db, tmp_path):
    def run(where, *arguments, columns=100, **environment):
        return on_terminal([build / "m365keep", "search", "--in", where, "--db", health_db, *arguments], tmp_path, columns,
                           clean_environment(tmp_path, {"TERM": "xterm-256color", **environment}))

    return run


@pytest.mark.parametrize("where", BOTH)
@pytest.mark.parametrize("columns", [40, 60, 70, 80, 100, 120, 132, 300])
def test_a_table_fits_the_terminal(terminal, where, columns):
    for arguments in (["--customer", "contoso"], [hostile.MARKER], []):
        lines = COLOR.sub("", terminal(where, *arguments, "--limit", "900", "--quiet", columns=columns)).splitlines()
        assert len(lines) > 20 and "ID" in lines[0] and "TITLE" in lines[0]
        assert max(width(line) for line in lines) <= max(columns, 60), lines[0]


def test_an_open_incident_stands_out_and_a_resolved_one_does_not(terminal):
    red, yellow = "\x1b[31m", "\x1b[33m"
    rows = {number: line for line in terminal("issues", "--quiet", "--customer", "contoso", columns=132).splitlines()
            for number in ("EX100001", "EX100002", "IT100003", "SP100005") if number in line}
    assert f"{red}open incident" in rows["EX100001"] and f"{yellow}open advisory" in rows["IT100003"]
    for number in ("EX100002", "SP100005"):
        assert red not in rows[number] and yellow not in rows[number]
    [row] = [line for line in terminal("messages", "--quiet", "--customer", "contoso", columns=132).splitlines() if "MC200001" in line]
    assert f"{yellow}high" in row and f"{yellow}2025-12-15" in row


@pytest.mark.parametrize("where", BOTH)
@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--raw"]])
def test_hostile_names_do_not_reach_the_terminal(terminal, where, form):
    """Case 62."""
    text = terminal(where, hostile.MARKER, *ALL, *form, NO_COLOR="1")
    left = unsafe(text.replace("\r\n", "\n"))
    if form == ["--csv"]:
        left.discard("0xd")  # the line ends of CSV, in front of the terminal's own
    assert not left
    if form == ["--json"]:
        assert len(json.loads(text[:text.rindex("]") + 1])) == len(hostile.NAMES)


@pytest.mark.parametrize("where", BOTH)
def test_hostile_names_do_not_reach_a_pipe_as_a_table(search, where):
    """Case 62."""
    result = search(where, hostile.MARKER, *ALL)
    assert not unsafe(result.stdout) and len(result.stdout.splitlines()) == 1 + len(hostile.NAMES)
    assert hostile.NAMES["long"] in result.stdout and hostile.NAMES["html"] in result.stdout
    for option in ("--service", "--customer"):
        assert not unsafe(search(where, option, "\x1b[31m\u202ex").stderr)


@pytest.mark.parametrize("where", BOTH)
def test_no_field_of_csv_is_a_formula(search, where):
    """Case 62."""
    result = search(where, "--csv", hostile.MARKER, *ALL, text=False, encoding=None)
    rows = list(csv.reader(io.StringIO(result.stdout.decode("utf-8"), newline="")))
    assert rows[0] == COLUMNS[where] and len(rows) == 1 + len(hostile.NAMES)
    for row in rows[1:]:
        assert len(row) == len(COLUMNS[where]) and not [field for field in row if field[:1] in tuple("=+-@\t\r")]
    assert {"'" + hostile.NAMES[name] for name in ("equals", "plus", "minus", "at")} <= {row[COLUMNS[where].index("title")] for row in rows}


def test_colours_are_for_terminals_that_want_them(terminal, search):
    for where in BOTH:
        assert COLOR.search(terminal(where, "--quiet"))
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
            assert "\x1b" not in terminal(where, "--quiet", **environment)
        assert "\x1b" not in search(where, env={"TERM": "xterm-256color"}).stdout


@pytest.mark.parametrize("where", BOTH)
@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--raw"]])
def test_a_reader_that_goes_away_is_no_error_and_a_full_disk_is_one(build, health_db, search, tmp_path, where, form):
    with subprocess.Popen([build / "m365keep", "search", "--in", where, "--db", health_db, *ALL, *form], cwd=tmp_path,
                          env=clean_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        words = process.stderr.read()
        assert process.wait(60) == 0
        assert words == b"" or words.endswith(b"last modified first\n")  # all of it was in the pipe by then
    with open("/dev/full", "wb") as full:
        result = search(where, *ALL, *form, stdout=full)
        assert result.returncode == 1 and "No space left" in result.stderr
