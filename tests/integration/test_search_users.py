"""m365keep search --in users, from outside: against what sqlite3 says of the same database."""

import csv
import hashlib
import io
import json
import re
import sqlite3
import subprocess

import pytest

import conftest
import hostile
from conftest import NOON, clean_environment
from simulator import TENANT
from test_search_cli import COLOR, on_terminal, unsafe, width

OTHER = "22222222-3333-4444-8555-666666666666"
COLUMNS = ["user_id", "customer", "tenant_id", "id", "user_principal_name", "display_name", "mail", "account_enabled", "user_type", "created",
           "last_sign_in", "removed_at", "removed_reason", "first_seen", "changed_at"]
DOCUMENT = set(COLUMNS) | {"raw", "raw_text"}
ALL = ["--limit", "100000"]
# Present ones first, then by name; the order of what has no or the same name is not promised.
IN_ORDER = "SELECT user_id FROM users ORDER BY removed_at IS NOT NULL, user_principal_name COLLATE NOCASE"


def account(number, name):
    return {"id": f"00000000-9999-4999-8999-{number:012d}", "userPrincipalName": f"{name}@evil.example", "displayName": name, "mail": name,
            "accountEnabled": True, "userType": name, "department": hostile.MARKER, "createdDateTime": "2025-01-01T00:00:00Z"}


@pytest.fixture(scope="session", name="users_db")
def fixture_users_db(build, tmp_path_factory):
    """Two customers' accounts, some disabled, some removed, some hostile. Read only."""
    folder = tmp_path_factory.mktemp("users")
    before = NOON - 86400
    simulator = conftest.start_simulator(["--sign-ins", "5", "--directory-audits", "5", "--users", "120", "--seed", "4", "--tenant", TENANT,
                                          "--tenant", OTHER], f"{before}@0@{before}")
    try:
        for number, name in enumerate(hostile.NAMES.values()):
            record = json.dumps(account(number, name), ensure_ascii=number % 2 == 0 or not name.isprintable())
            simulator.edit_user(f"00000000-9999-4999-8999-{number:012d}", set=record.encode())
        doomed = [user for user, (removed, _) in simulator.users_at().items() if removed is None and "9999-4999" not in user][:5]
        for moment in (before, NOON):
            clock = f"{moment}@0@{moment}"
            simulator.clock(clock)
            if moment == NOON:
                for user in doomed:
                    simulator.edit_user(user, remove="changed")
            for name, tenant in (("contoso", TENANT), ("fabrikam", OTHER)):
                result = conftest.runner(build, folder)(["collect", "--db", "users.db", "--only", "users"], sim=simulator, env={
                    "M365KEEP_CUSTOMER": name, "GRAPH_TENANT_ID": tenant, "M365KEEP_CLOCK": clock})
                assert result.returncode == 0, result.stderr
    finally:
        simulator.stop()
    return folder / "users.db"


@pytest.fixture(name="search")
def fixture_search(keep, users_db):
    def run(*arguments, db=users_db, **options):
        return keep(["search", "--in", "users", "--db", str(db), *arguments], **options)

    return run


@pytest.fixture(name="found")
def fixture_found(search):
    """found(ARGUMENTS): the user documents of a search that must go well."""

    def run(*arguments, **options):
        result = search("--json", *arguments, **options)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run


def sql(path, query, *values):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        return connection.execute(query, values).fetchall()


def ids(documents):
    return [document["user_id"] for document in documents]


# --- what is found ----------------------------------------------------------------------------------------------------


def test_without_words_every_account_comes_those_that_are_there_first(found, users_db):
    documents = found(*ALL)
    assert sorted(ids(documents)) == sorted(row[0] for row in sql(users_db, IN_ORDER))
    gone = [document["removed_at"] is not None for document in documents]
    assert gone == sorted(gone) and sum(gone) >= 5
    names = [document["user_principal_name"].lower() for document in documents if not document["removed_at"]]
    plain = [name for name in names if name.isascii()]
    assert plain == sorted(plain)


def test_every_format_finds_the_same_accounts_in_the_same_order(search, found):
    wanted = ids(found(*ALL))
    rows = list(csv.DictReader(io.StringIO(search("--csv", *ALL).stdout)))
    assert [int(row["user_id"]) for row in rows] == wanted
    assert len(search(*ALL).stdout.splitlines()) == len(wanted) + 1


def test_a_document_is_the_row_of_the_view(found, users_db):
    for document in found(*ALL):
        assert set(document) == DOCUMENT
        [row] = sql(users_db, f"SELECT {', '.join(COLUMNS)}, raw_text, raw FROM users WHERE user_id = ?", document["user_id"])
        told = [document[column] for column in [*COLUMNS, "raw_text"]]
        assert told == [bool(value) if column == "account_enabled" and value is not None else value
                        for column, value in zip([*COLUMNS, "raw_text"], row)]
        assert document["raw"] == json.loads(row[-1])


def test_csv_is_the_row_of_the_view(search, users_db):
    for row in csv.DictReader(io.StringIO(search("--csv", "--customer", "fabrikam", *ALL).stdout)):
        [wanted] = sql(users_db, f"SELECT {', '.join(COLUMNS)} FROM users WHERE user_id = ?", row["user_id"])
        assert [row[column].removeprefix("'") for column in COLUMNS] == ["" if value is None else str(value) for value in wanted]


def test_raw_gives_the_exact_bytes(search, found, users_db):
    result = search("--raw", *ALL, text=False, encoding=None)
    stored = {row[0]: row[1] for row in sql(users_db, "SELECT user_id, CAST(raw AS BLOB) FROM users")}
    assert result.stdout == b"".join(stored[user] + b"\n" for user in ids(found(*ALL)))


@pytest.mark.parametrize("path", ["$.userPrincipalName", "$.id", "$.mail", "$.employeeId", "$.onPremisesSecurityIdentifier", "$.city"])
def test_any_value_of_an_account_finds_it(found, users_db, path):
    rows = sql(users_db, "SELECT user_id, raw ->> ? FROM users WHERE raw ->> ? <> '' AND raw NOT LIKE '%evil.example%' LIMIT 15", path, path)
    assert rows
    for user, value in rows:
        documents = found(f'"{value}"', *ALL)
        assert user in ids(documents)
        assert all(value.lower() in json.dumps(document["raw"], ensure_ascii=False).lower() for document in documents)


def test_removed_accounts_are_found_too(found, users_db):
    for user, name in sql(users_db, "SELECT user_id, user_principal_name FROM users WHERE removed_at IS NOT NULL"):
        assert user in ids(found(name, *ALL))


def test_all_words_must_match_and_case_does_not_matter(found):
    both, one, other = (set(ids(found(*words, *ALL))) for words in (["MEMBER", "enabled"], ["member"], ["Enabled"]))
    assert both == one & other and both and both < one | other


def test_stars_phrases_and_fts5_do_as_for_events(found):
    assert set(ids(found(hostile.MARKER[:7] + "*", *ALL))) == set(ids(found(hostile.MARKER, *ALL)))
    assert len(found(hostile.MARKER, *ALL)) == len(hostile.NAMES)
    either = set(ids(found("--fts", "text: (guest OR disabled)", *ALL)))
    assert either == set(ids(found("guest", *ALL))) | set(ids(found("disabled", *ALL))) and either


def test_a_customer_is_exact_whatever_its_case(found, users_db):
    for name in ("fabrikam", "FabriKam"):
        wanted = {row[0] for row in sql(users_db, "SELECT user_id FROM users WHERE customer = 'fabrikam'")}
        assert set(ids(found("--customer", name, *ALL))) == wanted
    assert ids(found("--customer", "all", *ALL)) == ids(found(*ALL))
    words = set(ids(found("--customer", "fabrikam", "member", *ALL)))
    assert words == set(ids(found("member", *ALL))) & set(ids(found("--customer", "fabrikam", *ALL)))


def test_events_are_the_default(keep, users_db, filled_db):
    given = keep(["search", "--in", "events", "--db", str(filled_db), "--limit", "7"])
    assert given.returncode == 0 and given.stdout == keep(["search", "--db", str(filled_db), "--limit", "7"]).stdout
    assert "no events yet" in keep(["search", "--db", str(users_db)]).stderr


# --- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["issue", "health", "Users", "user", "", " ", "\x1b[31m"])
def test_another_place_to_search_in_is_refused_and_the_right_ones_are_named(keep, users_db, what):
    result = keep(["search", "--in", what, "--db", str(users_db)])
    assert result.returncode == 2 and result.stdout == "" and "\x1b" not in result.stderr
    assert all(name in result.stderr for name in ("events", "users", "issues", "messages"))


@pytest.mark.parametrize("option", ["service", "actor", "operation", "result", "source", "start", "end"])
@pytest.mark.parametrize("value", ["2025-11-20", ""])
def test_a_filter_of_events_is_refused(search, option, value):
    for arguments in ([f"--{option}", value], [f"--{option}={value}", "ada"]):
        result = search("--json", *arguments)
        assert result.returncode == 2 and result.stdout == ""
        assert f"--{option}" in result.stderr and "events" in result.stderr and "--in users" in result.stderr


@pytest.mark.parametrize("arguments, part", [
    (["--customer", ""], "--customer is empty"), ([""], "empty"), (["--limit", "0"], "--limit"), (["--json", "--csv"], "exclude"),
    (["--fts"], "--fts"), (["--time-limit", "-1"], "--time-limit"), (["--fts", '"unbalanced'], ""), (["--fts", "nosuchcolumn: x"], ""),
    (["ab*"], "3 letters"), ([b"\xff"], "UTF-8")])
def test_wrong_usage_exits_2(search, arguments, part):
    result = search(*arguments)
    assert result.returncode == 2 and result.stdout == "" and result.stderr
    assert part in result.stderr


def test_words_that_look_like_syntax_are_only_words(search):
    for words in ("AND", "a AND", "-x", "^x", "text:x", "(x", "x)", "{x}", "'", ";", "%", "_", "facets: cu"):
        result = search("--", words)
        assert result.returncode in (0, 2), f"{words}: {result.stderr}"
        assert "fts5" not in result.stderr.lower() and "syntax" not in result.stderr.lower(), f"{words}: {result.stderr}"


# --- words on stderr --------------------------------------------------------------------------------------------------


def test_the_final_line_counts(search, found):
    total = len(found(*ALL))
    assert search(*ALL).stderr == f"{total:,} of {total:,} matching accounts\n"
    assert search("--limit", str(total)).stderr == f"{total:,} of {total:,} matching accounts\n"
    assert search("--limit", str(total - 1)).stderr == f"{total - 1:,} matching accounts, and there are more: --limit N shows them\n"
    assert search(found(*ALL)[0]["id"]).stderr == "1 of 1 matching account\n"
    assert search("--limit", "3", "--quiet").stderr == ""
    assert len(found("--limit", "3")) == 3 and len(search("--limit", "3", "--raw").stdout.splitlines()) == 3


@pytest.mark.parametrize("arguments, part", [
    (["nosuchwordanywhere"], 'No account holds "nosuchwordanywhere"'),
    ([hostile.MARKER, "hopper"], "not together"),
    (['"member nosuchwordanywhere"'], "instead of a phrase"),
    ([hostile.MARKER[:-3]], f"{hostile.MARKER[:-3]}*' would match {len(hostile.NAMES)}"),
    (["--customer", "fabricam"], 'Did you mean "fabrikam"?'),
    (["--customer", "nobody at all", "member"], 'No account at all has --customer "nobody at all"'),
])
def test_nothing_found_is_no_failure_and_says_why(search, arguments, part):
    result = search(*arguments)
    assert result.returncode == 0 and result.stdout == ""
    assert part in result.stderr and result.stderr.endswith("\n")
    assert search("--json", *arguments).stdout == "[]\n"
    assert search("--csv", *arguments, text=False, encoding=None).stdout == ",".join(COLUMNS).encode() + b"\r\n"
    assert search("--raw", *arguments).stdout == ""
    assert search("--quiet", *arguments).stderr == ""


def test_a_database_without_accounts_says_so(keep, sim):
    simulator = sim(["--sign-ins", "5", "--directory-audits", "5"])
    assert keep(["collect", "--db", "empty.db", "--only", "sign-ins"], sim=simulator).returncode == 0
    result = keep(["search", "--in", "users", "--db", "empty.db", "x"])
    assert result.returncode == 0 and "no accounts yet" in result.stderr and "m365keep collect" in result.stderr


def test_without_a_database_it_says_to_collect(search, tmp_path):
    result = search(db=tmp_path / "none.db")
    assert result.returncode == 1 and "none.db" in result.stderr and not list(tmp_path.iterdir())


def test_searching_changes_nothing(search, users_db):
    before = hashlib.sha256(users_db.read_bytes()).hexdigest()
    search("member")
    assert hashlib.sha256(users_db.read_bytes()).hexdigest() == before


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_table_tells_what_an_account_is(search, users_db):
    lines = search("--customer", "contoso", *ALL).stdout.splitlines()
    assert re.split(r"  +", lines[0].strip()) == ["NAME", "USER PRINCIPAL NAME", "TYPE", "ENABLED", "LAST SIGN-IN", "REMOVED"]
    rows = sql(users_db, "SELECT display_name, user_principal_name, user_type, account_enabled, substr(replace(last_sign_in, 'T', ' '), 1, 16), "
                         "substr(removed_at, 1, 10) FROM users WHERE customer = 'contoso' AND raw NOT LIKE '%evil.example%'")
    assert {None, 0, 1} >= {row[3] for row in rows} >= {0, 1} and any(row[5] for row in rows)
    told = {tuple(re.split(r"  +", line.strip())) for line in lines[1:]}
    for name, address, kind, enabled, last, removed in rows:
        cells = (name or "-", address, kind or "-", {None: "-", 0: "no", 1: "yes"}[enabled], last or "-", removed or "-")
        assert tuple(re.sub(r"  +", " ", cell) for cell in cells) in told


def test_the_customer_and_the_removal_are_columns_only_where_they_tell_something(search):
    assert "CUSTOMER" in search(*ALL).stdout.splitlines()[0] and "REMOVED" in search(*ALL).stdout.splitlines()[0]
    one = search("--customer", "fabrikam", "enabled", "--limit", "3").stdout.splitlines()[0]
    assert "CUSTOMER" not in one and "REMOVED" not in one


@pytest.fixture(name="terminal")
def fixture_terminal(build, users_db, tmp_path):
    def run(*arguments, columns=100, **environment):
        return on_terminal([build / "m365keep", "search", "--in", "users", "--db", users_db, *arguments], tmp_path, columns,
                           clean_environment(tmp_path, {"TERM": "xterm-256color", **environment}))

    return run


@pytest.mark.parametrize("columns", [40, 60, 70, 80, 100, 132, 300])
def test_a_table_fits_the_terminal(terminal, columns):
    for arguments in (["--customer", "contoso"], [hostile.MARKER], []):
        lines = COLOR.sub("", terminal(*arguments, "--limit", "900", "--quiet", columns=columns)).splitlines()
        assert len(lines) > 10
        assert max(width(line) for line in lines) <= max(columns, 60), lines[0]
        assert "USER PRINCIPAL NAME" in lines[0]


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--raw"]])
def test_hostile_names_do_not_reach_the_terminal(terminal, form):
    """Case 62."""
    text = terminal(hostile.MARKER, *ALL, *form, NO_COLOR="1")
    left = unsafe(text.replace("\r\n", "\n"))
    if form == ["--csv"]:
        left.discard("0xd")  # the line ends of CSV, in front of the terminal's own
    assert not left
    if form == ["--json"]:
        assert len(json.loads(text[:text.rindex("]") + 1])) == len(hostile.NAMES)


def test_hostile_names_do_not_reach_a_pipe_as_a_table(search):
    """Case 62."""
    result = search(hostile.MARKER, *ALL)
    assert not unsafe(result.stdout) and len(result.stdout.splitlines()) == 1 + len(hostile.NAMES)
    assert hostile.NAMES["long"] in result.stdout
    assert len(search("hopper").stdout.splitlines()[1]) < 200 and sum(len(line) > 2000 for line in result.stdout.splitlines()) == 1


def test_no_field_of_csv_is_a_formula(search):
    """Case 62."""
    result = search("--csv", hostile.MARKER, *ALL, text=False, encoding=None)
    rows = list(csv.reader(io.StringIO(result.stdout.decode("utf-8"), newline="")))
    assert rows[0] == COLUMNS and len(rows) == 1 + len(hostile.NAMES)
    for row in rows[1:]:
        assert len(row) == len(COLUMNS) and not [field for field in row if field[:1] in tuple("=+-@\t\r")]
    names = {row[COLUMNS.index("display_name")] for row in rows}
    assert {"'" + hostile.NAMES[name] for name in ("equals", "plus", "minus", "at")} <= names


def test_colours_are_for_terminals_that_want_them(terminal, search):
    assert COLOR.search(terminal("--quiet"))
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
        assert "\x1b" not in terminal("--quiet", **environment)
    assert "\x1b" not in search(env={"TERM": "xterm-256color"}).stdout
    for form in (["--json"], ["--csv"], ["--raw"]):
        assert "\x1b" not in terminal("--quiet", *form)


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--raw"]])
def test_a_reader_that_goes_away_is_no_error_and_a_full_disk_is_one(build, users_db, search, tmp_path, form):
    with subprocess.Popen([build / "m365keep", "search", "--in", "users", "--db", users_db, *ALL, *form], cwd=tmp_path,
                          env=clean_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        words = process.stderr.read()
        assert process.wait(60) == 0
        assert words == b"" or words.endswith(b"matching accounts\n")  # all of it was in the pipe by then
    with open("/dev/full", "wb") as full:
        result = search(*ALL, *form, stdout=full)
        assert result.returncode == 1 and "No space left" in result.stderr
