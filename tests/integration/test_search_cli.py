"""m365keep search, from outside: against what sqlite3 says of the same database."""

import csv
import datetime
import hashlib
import io
import json
import os
import pty
import re
import select
import shutil
import sqlite3
import struct
import subprocess
import termios
import fcntl
import unicodedata

import pytest

import hostile
from conftest import NOON, clean_environment

COLUMNS = ["event_id", "timestamp", "customer", "tenant_id", "source", "id", "service", "operation", "result", "actor_display",
           "target_displays", "display_summary"]
DOCUMENT = {"event_id", "customer", "tenant_id", "source", "id", "timestamp", "service", "operation", "result", "actor_display",
            "target_displays", "display_summary", "dedupe_key", "actor", "targets", "raw", "raw_text", "first_seen", "changed_at"}


@pytest.fixture(name="search")
def fixture_search(keep, filled_db):
    def run(*arguments, db=filled_db, **options):
        return keep(["search", "--db", str(db), *arguments], **options)

    return run


@pytest.fixture(name="found")
def fixture_found(search):
    """found(ARGUMENTS): the event documents of a search that must go well."""

    def run(*arguments, **options):
        result = search("--json", *arguments, **options)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run


def sql(path, query, *values):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return connection.execute(query, values).fetchall()


def ids(documents):
    return [document["event_id"] for document in documents]


# --- what is found ----------------------------------------------------------------------------------------------------


def test_without_words_the_newest_50_come_newest_first(search, found, filled_db):
    wanted = [row[0] for row in sql(filled_db, "SELECT event_id FROM events ORDER BY event_id DESC LIMIT 50")]
    documents = found()
    assert ids(documents) == wanted
    times = [document["timestamp"] for document in documents]
    assert times == sorted(times, reverse=True)
    table = search().stdout.splitlines()
    assert len(table) == 51 and table[0].split()[0] == "TIME"


def test_every_format_finds_the_same_events(search, found, filled_db):
    wanted = [row[0] for row in sql(filled_db, "SELECT event_id FROM events ORDER BY event_id DESC")]
    assert ids(found("--limit", "100000")) == wanted
    rows = list(csv.DictReader(io.StringIO(search("--csv", "--limit", "100000").stdout)))
    assert [int(row["event_id"]) for row in rows] == wanted
    assert len(search("--limit", "100000").stdout.splitlines()) == len(wanted) + 1


def test_a_document_has_every_member_and_the_record_itself(found, filled_db):
    for document in found("--limit", "200"):
        assert set(document) == DOCUMENT
        [(raw,)] = sql(filled_db, "SELECT raw FROM events WHERE event_id = ?", document["event_id"])
        assert document["raw"] == json.loads(raw)
        assert isinstance(document["target_displays"], list) and isinstance(document["targets"], list)
        assert document["dedupe_key"] and document["display_summary"] and document["raw_text"]


def test_raw_gives_the_exact_bytes(search, filled_db):
    result = search("--raw", "--limit", "100000", text=False, encoding=None)
    wanted = sql(filled_db, "SELECT CAST(raw AS BLOB) FROM events ORDER BY event_id DESC")
    assert result.stdout == b"".join(raw + b"\n" for (raw,) in wanted)
    served = {hashlib.sha256(record).hexdigest() for _, record in hostile.records(NOON)}
    assert served <= {hashlib.sha256(line).hexdigest() for line in result.stdout.split(b"\n")}


def test_any_value_of_a_record_finds_it(found, filled_db):
    for raw, event_id in sql(filled_db, "SELECT raw, event_id FROM events WHERE source = 'sign-ins' AND id NOT LIKE '00000000-aaaa%' "
                                        "ORDER BY event_id DESC LIMIT 40"):
        record = json.loads(raw)
        for key in ("userPrincipalName", "correlationId", "ipAddress", "userId"):
            if record.get(key):
                documents = found(record[key], "--limit", "100000")
                assert event_id in ids(documents), key
                assert all(record[key].lower() in json.dumps(document["raw"], ensure_ascii=False).lower() for document in documents)


def test_all_words_must_match_and_case_does_not_matter(found):
    one, other = found("Success", "--limit", "100000"), found("sUcCeSs", "--limit", "100000")
    assert ids(one) == ids(other)
    both, first, second = (set(ids(found(*words, "--limit", "100000"))) for words in (["windows", "chrome"], ["windows"], ["chrome"]))
    assert both == first & second and both


def test_words_may_come_as_one_argument_or_several(found):
    assert ids(found("windows chrome")) == ids(found("windows", "chrome")) == ids(found("--limit", "50", "windows", "--", "chrome"))


def test_a_phrase_is_narrower_than_its_words(found):
    words = set(ids(found("Global", "Reader", "--limit", "100000"))) | set(ids(found("one", "time", "--limit", "100000")))
    phrase = set(ids(found('"Global Reader"', "--limit", "100000"))) | set(ids(found('"one time"', "--limit", "100000")))
    assert phrase <= words


def test_a_star_finds_what_begins_so(found):
    assert set(ids(found(hostile.MARKER[:7] + "*", "--limit", "1000"))) == set(ids(found(hostile.MARKER, "--limit", "1000")))
    assert len(found(hostile.MARKER, "--limit", "1000")) == 2 * len(hostile.NAMES)


def test_raw_fts_syntax_is_there_for_those_who_want_it(found):
    either = set(ids(found("--fts", "text: (windows OR chrome)", "--limit", "100000")))
    assert either == set(ids(found("windows", "--limit", "100000"))) | set(ids(found("chrome", "--limit", "100000")))


@pytest.mark.parametrize("option, column", [("--service", "service"), ("--operation", "operation"), ("--result", "result"),
                                            ("--source", "source"), ("--customer", "customer"), ("--actor", "actor_display")])
def test_a_filter_gives_exactly_what_sql_gives(found, filled_db, option, column):
    [(value,)] = sql(filled_db, f"SELECT {column} FROM events WHERE id NOT LIKE '%HOST%' AND id NOT LIKE '00000000-aaaa%' AND "
                                f"coalesce({column}, '') <> '' GROUP BY {column} ORDER BY count(*) DESC LIMIT 1")
    wanted = {row[0] for row in sql(filled_db, f"SELECT event_id FROM events WHERE lower({column}) = lower(?)", value)}
    got = set(ids(found(option, value.upper(), "--limit", "100000")))
    if column == "actor_display":  # the actor's other names count too
        assert wanted <= got
    else:
        assert wanted == got
    words = set(ids(found(option, value, "success", "--limit", "100000")))
    assert words == got & set(ids(found("success", "--limit", "100000")))


def test_start_is_included_and_end_is_not(found, filled_db):
    [(at,)] = sql(filled_db, "SELECT substr(timestamp, 1, 19) FROM events ORDER BY timestamp LIMIT 1 OFFSET 300")
    every = {row[0] for row in sql(filled_db, "SELECT event_id FROM events")}
    after, before = set(ids(found("--start", at, "--limit", "100000"))), set(ids(found("--end", at, "--limit", "100000")))
    assert after | before == every and not after & before
    assert after == {row[0] for row in sql(filled_db, "SELECT event_id FROM events WHERE timestamp >= ?", at)}


def test_an_age_counts_from_the_simulated_now(found, filled_db):
    clock = {"M365KEEP_CLOCK": f"{NOON}@0@{NOON}"}
    since = datetime.datetime.fromtimestamp(NOON - 86400, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    wanted = {row[0] for row in sql(filled_db, "SELECT event_id FROM events WHERE timestamp >= ?", since)}
    assert set(ids(found("--start", "24h", "--limit", "100000", env=clock))) == wanted
    assert set(ids(found("--start", "1d", "--limit", "100000", env=clock))) == wanted


def test_the_final_line_says_how_to_read_on_without_a_gap(search, found):
    every = ids(found("--limit", "100000"))
    seen, end, rounds = [], None, 0
    while True:
        result = search("--json", "--limit", "200", *(["--end", end] if end else []))
        page = ids(json.loads(result.stdout))
        assert set(page) <= set(every)
        seen += [event for event in page if event not in seen]
        hint = re.search(r"--end (\S+)$", result.stderr.strip())
        rounds += 1
        if hint is None or rounds > 40:
            break
        end = hint[1]
    assert seen == every


# --- words on stderr --------------------------------------------------------------------------------------------------


def test_the_final_line_counts(search, found):
    total = len(found("--limit", "100000"))
    assert search("--limit", "100000").stderr == f"{total:,} of {total:,} matching events, newest first\n"
    assert search("--limit", "10").stderr.startswith(f"10 of {total:,} matching events, newest first; more with --limit N or --end ")
    one = found("--limit", "1")[0]
    assert search(one["raw"]["id"]).stderr == "1 of 1 matching event, newest first\n"
    assert search("--limit", "10", "--quiet").stderr == ""


@pytest.mark.parametrize("arguments, part", [
    (["nosuchwordanywhere"], 'No event holds "nosuchwordanywhere"'),
    (["windows", "nosuchwordanywhere"], 'No event holds "nosuchwordanywhere"'),
    ([hostile.MARKER, "windows"], "not together"),
    (['"windows nosuchwordanywhere"'], "instead of a phrase"),
    ([hostile.MARKER[:-3]], f"{hostile.MARKER[:-3]}*' would match {2 * len(hostile.NAMES)}"),
    (["--source", "sign-in"], 'Did you mean "sign-ins"?'),
    (["--source", "intune"], 'There is no source "intune" of events. Did you mean "intune-audits"?'),
    (["--source", "INTUNE-audits", "windows"], "no events of intune-audits yet: run m365keep collect --only intune-audits"),
    (["--source", "everything"], "There are: sign-ins, directory-audits, intune-audits"),
    (["--source", "users"], "search them with --in users"), (["--source", "Health"], "search with --in issues or --in messages"),
    (["--service", "usermanag"], 'Did you mean "UserManagement"?'),
    (["--result", "sucess", "windows"], 'Did you mean "success"?'),
    (["--customer", "nobody at all"], "Among the newest are: default"),
    (["--start", "2090-01-01"], "at any time"),
    (["--source", "sign-ins", "--service", "Core Directory"], ""),
])
def test_nothing_found_is_no_failure_and_says_why(search, arguments, part):
    result = search(*arguments)
    assert result.returncode == 0 and result.stdout == ""
    assert part in result.stderr and result.stderr.endswith("\n")
    assert search("--json", *arguments).stdout == "[]\n"
    assert search("--csv", *arguments, text=False, encoding=None).stdout == ",".join(COLUMNS).encode() + b"\r\n"
    assert search("--raw", *arguments).stdout == ""
    assert search("--quiet", *arguments).stderr == ""


@pytest.mark.parametrize("arguments, part", [
    (["--limit", "0"], "--limit"), (["--limit", "-5"], "--limit"), (["--limit", "ten"], "ten"), (["--start", "yesterday"], "--start"),
    (["--end", "2025-13-01"], "--end"), (["--start", "2025-11-20", "--end", "2025-11-19"], "--start must be before --end"),
    (["--json", "--csv"], "exclude"), (["--raw", "--csv"], "exclude"), (["--raw", "--json"], "exclude"), (["--fts"], "--fts"),
    (["--time-limit", "-1"], "--time-limit"), (["--time-limit", "99999999"], "--time-limit"), (["--fts", '"unbalanced'], ""),
    (["--fts", "nosuchcolumn: x"], ""),
])
def test_wrong_usage_exits_2(search, arguments, part):
    result = search(*arguments)
    assert result.returncode == 2 and result.stdout == ""
    assert part in result.stderr and result.stderr


def test_words_that_look_like_syntax_are_only_words(search):
    for words in ("AND", "OR", "NOT", "NEAR", "a AND", "-x", "^x", "text:x", "a:b", "(x", "x)", "x +y", "{x}", "'", ";", "%", "_"):
        result = search("--", words)
        assert result.returncode in (0, 2), f"{words}: {result.stderr}"
        assert "fts5" not in result.stderr.lower() and "syntax" not in result.stderr.lower(), f"{words}: {result.stderr}"


def test_words_beyond_ascii_are_found_whatever_the_locale(search):
    for locale in ("C", "C.UTF-8", "xx_YY.nonsense"):
        result = search("--json", "\u65e5\u672c\u8a9e*", env={"LC_ALL": locale})
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)


@pytest.mark.parametrize("option", ["service", "actor", "operation", "result", "customer", "source", "start", "end"])
@pytest.mark.parametrize("value", ["", "  "])
def test_a_filter_without_a_value_is_refused_and_never_ignored(search, option, value):
    for arguments in ([f"--{option}", value], [f"--{option}={value}", "windows"]):
        result = search("--json", *arguments)
        assert result.returncode == 2 and result.stdout == ""
        assert f"--{option}" in result.stderr
        assert option in ("start", "end") or "is empty" in result.stderr


@pytest.mark.parametrize("arguments", [[""], [" \t"], ["", "windows"], ["windows", ""], ["--", ""], ["--fts", ""],
                                       ["--source", "sign-ins", ""]])
def test_an_empty_word_is_refused_and_never_finds_everything(search, arguments):
    result = search("--json", *arguments)
    assert result.returncode == 2 and result.stdout == ""
    assert "empty" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["--"], ["--source", "sign-ins"], ["--source", "sign-ins", "--"]])
def test_no_words_at_all_are_the_newest_events(found, arguments):
    assert len(found("--limit", "7", *arguments)) == 7


def test_words_that_are_not_utf8_are_refused(search):
    result = search(b"\xff\xfe")
    assert result.returncode == 2 and result.stdout == ""


# --- databases --------------------------------------------------------------------------------------------------------


def test_without_a_database_it_says_to_collect(keep, tmp_path):
    result = keep(["search", "--db", "none.db", "x"])
    assert result.returncode == 1 and result.stdout == ""
    assert "none.db" in result.stderr and "m365keep collect" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"this is text, and long enough to hold SQLite's header of one hundred bytes, " * 3])
def test_a_file_that_is_no_database_of_ours_is_left_alone(keep, tmp_path, content):
    (tmp_path / "text.db").write_bytes(content)
    result = keep(["search", "--db", "text.db", "x"])
    assert result.returncode == 1 and "text.db" in result.stderr
    assert (tmp_path / "text.db").read_bytes() == content


def test_a_folder_in_place_of_the_database_is_an_error(keep, tmp_path):
    result = keep(["search", "--db", str(tmp_path), "x"])
    assert result.returncode == 1 and str(tmp_path) in result.stderr


def test_searching_changes_nothing(search, filled_db):
    before = hashlib.sha256(filled_db.read_bytes()).hexdigest()
    search("windows")
    assert hashlib.sha256(filled_db.read_bytes()).hexdigest() == before


def test_it_needs_no_credentials_and_no_sound_ones(search):
    assert search(env={"GRAPH_TENANT_ID": "nonsense", "LOGIN_URL": "nonsense", "TZ": "No/Where"}).returncode == 0


def test_an_empty_database_says_so(keep, sim):
    simulator = sim(["--sign-ins", "0", "--directory-audits", "0"])
    assert keep(["collect", "--db", "empty.db"], sim=simulator).returncode == 0
    result = keep(["search", "--db", "empty.db", "x"])
    assert result.returncode == 0 and "no events yet" in result.stderr


def test_two_customers_are_told_apart(keep, two_db):
    table = keep(["search", "--db", str(two_db), "--limit", "1000"]).stdout.splitlines()
    assert "CUSTOMER" in table[0]
    assert any(" contoso " in line for line in table) and any(" fabrikam " in line for line in table)
    one = keep(["search", "--db", str(two_db), "--customer", "fabrikam"]).stdout.splitlines()
    assert "CUSTOMER" not in one[0] and len(one) > 1
    documents = json.loads(keep(["search", "--db", str(two_db), "--customer", "Contoso", "--json", "--limit", "1000"]).stdout)
    assert {document["customer"] for document in documents} == {"contoso"}
    every = json.loads(keep(["search", "--db", str(two_db), "--customer", "all", "--json", "--limit", "1000"]).stdout)
    assert {document["customer"] for document in every} == {"contoso", "fabrikam"}


# --- pipes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--raw"]])
def test_a_reader_that_goes_away_is_no_error(build, filled_db, tmp_path, form):
    with subprocess.Popen([build / "m365keep", "search", "--db", filled_db, "--limit", "100000", *form], cwd=tmp_path,
                          env=clean_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        words = process.stderr.read()
        assert process.wait(60) == 0
        assert words == b""


def test_a_full_disk_is_an_error(search):
    with open("/dev/full", "wb") as full:
        for form in ([], ["--json"], ["--csv"], ["--raw"]):
            result = search("--limit", "100000", *form, stdout=full)
            assert result.returncode == 1 and "No space left" in result.stderr


def test_a_closed_stdout_is_an_error(build, filled_db, tmp_path):
    script = 'exec "$0" search --db "$1" >&-'
    result = subprocess.run(["sh", "-c", script, build / "m365keep", filled_db], env=clean_environment(tmp_path), cwd=tmp_path,
                            capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 1 and result.stderr


# --- terminals --------------------------------------------------------------------------------------------------------

COLOR = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(command, folder, columns, environment):
    """stdout and stderr of a command whose terminal is `columns` wide."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment)
    os.close(slave)
    data = b""
    while select.select([master], [], [], 60)[0]:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        data += piece
    assert process.wait(60) == 0
    os.close(master)
    return data.decode("utf-8").replace("\r\n", "\n")


@pytest.fixture(name="terminal")
def fixture_terminal(build, filled_db, tmp_path):
    def run(*arguments, columns=100, db=filled_db, **environment):
        return on_terminal([build / "m365keep", "search", "--db", db, *arguments], tmp_path, columns,
                           clean_environment(tmp_path, {"TERM": "xterm-256color", **environment}))

    return run


def width(text):
    return sum(0 if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf")
               else 2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def unsafe(text):
    """Characters that a terminal obeys instead of showing, or that deceive the eye."""
    return {hex(ord(letter)) for letter in text
            if letter != "\n" and (unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp"))}


@pytest.mark.parametrize("columns", [40, 80, 100, 132, 300])
def test_a_table_fits_the_terminal(terminal, columns):
    lines = COLOR.sub("", terminal("--limit", "100", "--quiet", columns=columns)).splitlines()
    assert len(lines) == 101
    assert max(width(line) for line in lines) <= max(columns, 60)
    lines = COLOR.sub("", terminal(hostile.MARKER, "--limit", "100", "--quiet", columns=columns)).splitlines()
    assert len(lines) == 1 + 2 * len(hostile.NAMES)
    assert max(width(line) for line in lines) <= max(columns, 60)


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--raw"]])
def test_hostile_names_do_not_reach_the_terminal(terminal, form):
    """Case 62."""
    text = terminal(hostile.MARKER, "--limit", "1000", *form, NO_COLOR="1")
    left = unsafe(text.replace("\r\n", "\n"))
    if form == ["--csv"]:
        left.discard("0xd")  # the line ends of CSV, in front of the terminal's own
    if form == ["--raw"]:
        left.discard("0x9")
    assert not left
    if form == ["--json"]:
        assert len(json.loads(text[:text.rindex("]") + 1])) == 2 * len(hostile.NAMES)


def test_hostile_names_do_not_reach_a_pipe_as_a_table(search):
    """Case 62."""
    result = search(hostile.MARKER, "--limit", "1000")
    assert not unsafe(result.stdout)
    assert len(result.stdout.splitlines()) == 1 + 2 * len(hostile.NAMES)


def test_hostile_filters_do_not_reach_the_terminal(search):
    for option in ("--service", "--customer", "--source"):
        result = search(option, "\x1b[31m\u202ex")
        assert result.returncode == 0 and not unsafe(result.stderr)


def test_nothing_is_cut_in_a_pipe(search):
    assert hostile.NAMES["long"] in search(hostile.MARKER, "--limit", "1000").stdout


def test_colours_are_for_terminals_that_want_them(terminal, search):
    assert COLOR.search(terminal("--quiet"))
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
        assert "\x1b" not in terminal("--quiet", **environment)
    assert COLOR.search(terminal("--quiet", NO_COLOR=""))
    assert "\x1b" not in search(env={"TERM": "xterm-256color"}).stdout
    for form in (["--json"], ["--csv"], ["--raw"]):
        assert "\x1b" not in terminal("--quiet", *form)


# --- spreadsheets -----------------------------------------------------------------------------------------------------


def test_no_field_of_csv_is_a_formula(search):
    """Case 62."""
    result = search("--csv", hostile.MARKER, "--limit", "1000", text=False, encoding=None)
    rows = list(csv.reader(io.StringIO(result.stdout.decode("utf-8"), newline="")))
    assert rows[0] == COLUMNS and len(rows) == 1 + 2 * len(hostile.NAMES)
    assert all(len(row) == len(COLUMNS) for row in rows)
    for row in rows[1:]:
        assert not [field for field in row if field[:1] in tuple("=+-@\t\r")]
    operations = {row[COLUMNS.index("operation")] for row in rows}
    assert {"'" + hostile.NAMES[name] for name in ("equals", "plus", "minus", "at")} <= operations
    assert hostile.NAMES["quotes"] in operations and hostile.NAMES["html"] in operations


def test_sqlite3_reads_what_search_shows(search, filled_db):
    shell = shutil.which("sqlite3")
    if shell is None:
        pytest.skip("the sqlite3 shell is not installed")
    query = "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'text: hostilemarker'"
    counted = subprocess.run([shell, "-readonly", filled_db, query], capture_output=True, text=True, check=True).stdout
    assert int(counted) == len(json.loads(search("--json", hostile.MARKER, "--limit", "1000").stdout))
