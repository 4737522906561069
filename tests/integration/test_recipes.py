"""The recipes of schema/queries: through the real sqlite3 shell on a database whose every answer is known (incident.py), on hostile and
odd records, and through Datasette and sqlite-utils on the same file."""

import json
import pathlib
import re
import shutil
import sqlite3
import subprocess

import pytest

import announcements
import conftest
import hostile
import incident
from incident import ACCOUNTS, ATTACKER, BEFORE, DAY, FORMER, HOUR, MAIL, MORNING, NOW, OFFICE, SPRAYED, iso, stored
from simulator import TENANT

CLIENTS = pathlib.Path(__file__).parent / "clients"
QUERIES = conftest.REPOSITORY / "schema" / "queries"
RECIPES = sorted(path.stem for path in QUERIES.glob("*.sql"))

ADA, BOB, QUINN, FAY, DAN, GIL, GUS = (ACCOUNTS[name][1] for name in ("ada", "bob", "quinn", "fay", "dan", "gil", "gus"))


def sql_of(recipe):
    return (QUERIES / f"{recipe}.sql").read_text(encoding="utf-8")


def parameters_of(recipe):
    """The names of a recipe's parameters, in the order of its comment."""
    return re.findall(r"^-- :(\w+) ", sql_of(recipe), re.MULTILINE)


@pytest.fixture(scope="session", name="shell")
def fixture_shell():
    program = shutil.which("sqlite3")
    assert program, "the sqlite3 shell is not installed"
    return program


@pytest.fixture(scope="session", name="incident_db")
def fixture_incident_db(build, tmp_path_factory):
    folder = tmp_path_factory.mktemp("incident")
    clock = f"{incident.LONG_AGO}@0@{incident.LONG_AGO}"
    simulator = conftest.start_simulator(["--sign-ins", "0", "--directory-audits", "0", "--users", "0"], clock)
    try:
        return incident.collect(conftest.runner(build, folder), simulator, folder)
    finally:
        simulator.stop()


def in_shell(value):
    """As one types it: a value with blanks needs quotes, and one that could be a calculation needs two pairs."""
    if re.fullmatch(r"[\d-]+-[\d:TZ-]+", str(value)):
        return f"\"'{value}'\""
    return f"'{value}'" if " " in str(value) else value


@pytest.fixture(name="ask")
def fixture_ask(shell, incident_db):
    """ask(RECIPE, NAME=VALUE ...): the rows of a recipe, as the sqlite3 shell gives them when a file is read into it."""

    def run(recipe, db=incident_db, **parameters):
        settings = [word for name, value in parameters.items() for word in ("-cmd", f".parameter set :{name} {in_shell(value)}")]
        result = subprocess.run([shell, "-batch", "-bail", "-readonly", "-json", *settings, db], capture_output=True, timeout=120,
                                check=False, input=sql_of(recipe).encode())
        assert result.returncode == 0 and not result.stderr, result.stderr
        return json.loads(result.stdout.decode("utf-8", "surrogatepass") or "[]")

    return run


# --- known answers ----------------------------------------------------------------------------------------------------

# recipe: (parameters, columns, rows in order)
ANSWERS = {
    "accounts-that-came-and-went": ({}, "timestamp known_from what by_whom account", [
        (iso(NOW), "users", "disabled", None, DAN),
        (iso(NOW), "users", "removed (changed)", None, GIL),
        (stored(NOW - HOUR + 60), "audit", "Delete user", ADA, GIL),
        (stored(NOW - HOUR), "audit", "Disable account", ADA, DAN),
        (stored(NOW - 3 * DAY), "audit", "Add user", ADA, FAY),
        (stored(NOW - 3 * DAY), "users", "created", None, FAY),
        (stored(NOW - 3 * DAY), "users", "created", None, GUS)]),
    "application-credentials": ({}, "timestamp by_whom application credentials_before credentials_after", [
        (stored(NOW - 3 * HOUR + 180), BOB, "backup robot", None, None),
        (stored(NOW - 3 * HOUR + 120), BOB, "backup robot", "[]", json.dumps([incident.KEYS]))]),
    "conditional-access-changes": ({}, "timestamp operation by_whom policy differences", [
        (stored(NOW - 2 * HOUR + 60), "Delete policy", BOB, "Block legacy", None),
        (stored(NOW - 2 * HOUR), "Update conditional access policy", BOB, "Require MFA",
         "ConditionalAccessPolicy $.conditions.users.excludeUsers[0]: nothing -> bob; ConditionalAccessPolicy $.state: enabled -> disabled"),
        (stored(NOW - 2 * HOUR - 60), "Update policy", BOB, "Require MFA",
         "Enforced $: false -> true; Note $: by hand -> \"by hand; PolicyDetail $.State: Enabled -> Disabled")]),
    "consent-grants": ({}, "timestamp by_whom target_displays permissions admin_consent", [
        (stored(NOW - 3 * HOUR + 60), BOB, '["Microsoft Graph"]', '"Mail.ReadWrite"', None),
        (stored(NOW - 3 * HOUR), BOB, '["mail sweeper"]', '"[] => [[Scope: Mail.Read offline_access]]; "', "True")]),
    "customers-overview": ({}, "tenant_id sources records newest oldest_success failing scanned_at in_trouble open_issues holes", [
        (TENANT, 5, len(incident.USERS) + len(incident.SIGN_INS) + len(incident.AUDITS) + len(incident.INTUNE_AUDITS) + 7,
         stored(NOW - HOUR + 60), iso(NOW), None, iso(NOW), "Intune", 2, 3)]),
    "data-lateness": ({}, "source events half_within 95_percent_within 99_percent_within latest", [
        ("directory-audits", 4, HOUR - 60, 2 * HOUR - 60, 2 * HOUR - 60, 2 * HOUR - 60),
        ("intune-audits", 1, 2 * HOUR - 300, 2 * HOUR - 300, 2 * HOUR - 300, 2 * HOUR - 300)]),
    "failed-sign-ins": ({}, "country error failure_reason failures accounts addresses", [
        ("RU", 50126, "Invalid username or password.", 12, 12, 1), ("US", 50053, "Account is locked.", 1, 1, 1)]),
    "guests-added": ({}, "timestamp what by_whom guest id state", [
        (stored(NOW - 3 * DAY), "Invite external user", BOB, "gus@fabrikam.example", ACCOUNTS["gus"][0], None),
        (stored(NOW - 3 * DAY), "guest account", None, "gus@fabrikam.example", ACCOUNTS["gus"][0], "PendingAcceptance")]),
    "health-gaps": ({}, "from to minutes failed_scans", [
        (iso(BEFORE), iso(NOW - 1200), 100, 0), (iso(MORNING + 4500), iso(BEFORE), 405, 1)]),
    "holes-in-coverage": ({}, "source part from to hole", [
        (source, part, iso(incident.LONG_AGO), "2025-10-21T10:05:00Z", "lost")
        for source, part in (("directory-audits", ""), ("sign-ins", ""), ("sign-ins", "servicePrincipal"))]),
    "impossible-travel": ({}, "user timestamp_before country_before timestamp country ip hours", [
        (FORMER, stored(NOW - 10 * HOUR), "CZ", stored(NOW - 8 * HOUR), "BR", "192.0.2.44", 2.0)]),
    "inactive-accounts": ({}, "user_principal_name last_sign_in licensed", [
        (ACCOUNTS["ned"][1], None, 0), (ACCOUNTS["ivy"][1], stored(NOW - 200 * DAY), 1)]),
    "intune-changes": ({}, "timestamp by_whom operation result kind what differences", [
        (iso(NOW - 2 * HOUR + 300)[:-1] + ".7023255Z", BOB, "Delete DeviceConfiguration", "success", "Delete",
         "Disk encryption, id of <null>", None),
        (iso(NOW - 3 * HOUR)[:-1] + ".7023255Z", BOB, "Patch DeviceCompliancePolicy", "success", "Patch", "Phones",
         "PasswordRequired: True -> False; PasswordMinimumLength: 6 -> nothing")]),
    "issue-history": ({}, "id received_at replaced_at last_modified status resolved end posts last_post raw", [
        ("EX900001", iso(received), replaced and iso(replaced), iso(modified), status, resolved, end, posts, last,
         announcements.as_sent(incident.LATE_MAIL[posts - 1]).decode())
        for received, replaced, modified, status, resolved, end, posts, last in (
            (MORNING + 900, MORNING + 1800, MORNING + 800, "ServiceDegradation", 0, None, 1, "We look into it."),
            (MORNING + 1800, MORNING + 4500, MORNING + 1500, "serviceDegradation", 0, None, 2, "A queue is <b>stuck</b>."),
            (MORNING + 4500, None, MORNING + 4200, "serviceRestored", 1, iso(MORNING + 4100), 3, "Mail is delivered again."))]),
    "legacy-protocols": ({}, "user client_app successes failures countries", [(QUINN, "IMAP4", 1, 0, "CZ")]),
    "mails-not-sent": ({}, "created_at kind from to address state attempts next_attempt_at code why sent_by mail_id", [
        (iso(NOW + 4), "report", iso(NOW - DAY), iso(NOW), "desk@contoso.example", "unknown", 1, None, None, incident.MAILS[3][4], None, 4),
        (iso(NOW - DAY + 3), "report", iso(NOW - 2 * DAY), iso(NOW - DAY), "desk@contoso.example", "queued", 2, iso(NOW + 300), None,
         "421 4.3.2 try again later", None, 3),
        (iso(NOW - 2 * DAY + 2), "report", iso(NOW - 3 * DAY), iso(NOW - 2 * DAY), "boss@contoso.example", "failed", 1, None, 552, None,
         None, 2),
        (iso(NOW - 2 * DAY + 1), "report", iso(NOW - 3 * DAY), iso(NOW - 2 * DAY), "desk@contoso.example", "failed", 1, None, 550,
         "5.1.1 no such user", 2, 1)]),
    "messages-with-action": ({}, "action_required_by days_left id services category severity is_major_change", [
        ("2025-12-01T00:00:00.0000000Z", 10, "MC900002", "SharePoint Online", "stayInformed", "normal", 0),
        ("2025-12-15T00:00:00.0000000Z", 24, "MC900001", "Exchange Online, Microsoft Intune", "planForChange", "High", 1)]),
    "mfa-changes": ({}, "timestamp by_whom whose reason properties", [
        (stored(NOW - 4 * HOUR + 30), BOB, BOB, "", "StrongAuthenticationPhoneAppDetail"),
        (stored(NOW - 4 * HOUR), BOB, BOB, "User registered Authenticator App", None)]),
    "new-admins": ({}, "timestamp role member by_whom ip taken_away", [
        (stored(NOW - 4 * HOUR + 60), "Security Administrator", QUINN, BOB, OFFICE, None),
        (stored(NOW - 4 * HOUR), "Global Administrator", BOB, ADA, OFFICE, stored(NOW - 3 * HOUR))]),
    "new-countries": ({}, "timestamp user country sign_ins addresses countries_before", [
        (stored(NOW - 5 * HOUR), BOB, "RU", 2, ATTACKER, "CZ"), (stored(NOW - 8 * HOUR), FORMER, "BR", 1, "192.0.2.44", "CZ")]),
    "newest-by-source": ({}, "source records newest last_success_at last_error", [
        ("users", len(incident.USERS), None, iso(NOW), None),
        ("sign-ins", len(incident.SIGN_INS) + 1, stored(NOW - 3 * HOUR), iso(NOW), None),
        ("health", 7, stored(BEFORE - 60), iso(NOW), None),
        ("intune-audits", len(incident.INTUNE_AUDITS), iso(NOW - 2 * HOUR + 300)[:-1] + ".7023255Z", iso(NOW), None),
        ("directory-audits", len(incident.AUDITS) - 1, stored(NOW - HOUR + 60), iso(NOW), None)]),
    "open-issues": ({}, "id classification service status title start last_modified impact last_post", [
        ("IT900002", "incident", "Microsoft Intune", "serviceInterruption", "Enrolment fails", "2025-11-19T08:00:00.0000000Z",
         stored(BEFORE - 60), "Users may notice: Enrolment fails", "We restart it."),
        ("SP900003", "advisory", "SharePoint Online", "investigating", "The search box is slow", "2025-11-19T08:00:00.0000000Z",
         stored(NOW - 3 * DAY), "Users may notice: The search box is slow", None)]),
    "password-resets": ({}, "timestamp operation by_whom whose own", [
        (stored(NOW - 5 * HOUR), "Reset user password", ADA, BOB, 0),
        (stored(NOW - 6 * HOUR), "Change password (self-service)", QUINN, QUINN, 1)]),
    "password-spray": ({}, "ip country customers accounts_tried failures passwords_known known_of first last", [
        (ATTACKER, "RU", "contoso", len(SPRAYED), len(SPRAYED), 1, BOB, stored(NOW - 6 * HOUR), stored(NOW - 6 * HOUR + 11 * 60))]),
    "renamed-accounts": ({}, "seen_at field before after now id", [
        (iso(NOW), field, FORMER, ADA, ADA, ACCOUNTS["ada"][0]) for field in ("userPrincipalName", "mail")]),
    "risky-sign-ins": ({}, "timestamp account status risk risk_state why country ip", [
        (stored(NOW - 3 * HOUR), BOB, "interrupted", "high", "atRisk", '["passwordSpray"]', "RU", ATTACKER)]),
    "role-changes": ({}, "timestamp by_whom operation role account", [
        (stored(NOW - 3 * HOUR), ADA, "Remove member from role", "Global Administrator", BOB),
        (stored(NOW - 4 * HOUR + 120), ADA, "Add member to role", "Reports Reader", FAY),
        (stored(NOW - 4 * HOUR + 60), BOB, "Add member to role in PIM completed (permanent)", "Security Administrator", QUINN),
        (stored(NOW - 4 * HOUR), ADA, "Add member to role", "Global Administrator", BOB),
        (stored(NOW - 4 * HOUR - 60), BOB, "Add member to role in PIM requested (permanent)", "Security Administrator", QUINN)]),
    "search-messages": ({"words": "retire oauth"}, "last_modified id title found", [
        (stored(NOW - 2 * DAY), "MC900001", "Basic authentication retires",
         " ... planForChange\nHigh\nAdmin impact\nExchange Online\nMicrosoft Intune\nhtml\n"
         "Basic authentication will >retire<: move to >OAuth<.")]),
    "search-text": ({"words": "reset bob@contoso.example"}, "timestamp operation actor_display found", [
        (stored(NOW - 5 * HOUR), "Reset user password", ADA,
         "ada@contoso.example >reset< the password of >bob@contoso.example<\nDirectory_000006\n>Reset< user password\n"
         "UserManagement ... ")]),
    "service-health-now": ({}, "id service status seen_since scanned_at open_issues last_error", [
        ("Intune", "Microsoft Intune", "serviceInterruption", iso(NOW - 1200), iso(NOW), 1, None),
        ("Exchange", "Exchange Online", "serviceOperational", iso(NOW - 1200), iso(NOW), 0, None)]),
    "service-outages": ({}, "service status first_seen last_seen minutes at_most scans next_seen next_status", [
        ("Intune", "serviceInterruption", iso(NOW - 1200), iso(NOW), 20, None, 2, None, None),
        ("Intune", "serviceInterruption", iso(BEFORE), iso(BEFORE), 0, 505, 1, iso(NOW - 1200), "serviceInterruption"),
        ("Exchange", "restoringService", iso(MORNING + 3600), iso(MORNING + 3600), 0, 45, 1, iso(MORNING + 4500), "serviceRestored"),
        ("Exchange", "ServiceDegradation", iso(MORNING + 900), iso(MORNING + 1800), 15, 60, 2, iso(MORNING + 3600), "restoringService")]),
    "service-principal-sign-ins": ({}, "service_principal ip country credential successes failures", [
        ("backup robot", ATTACKER, "RU", "clientSecret", 1, 0)]),
    "versions-of-an-event": ({}, "replaced_at actor_display place before after", [
        (iso(NOW), BOB, '$."riskEventTypes_v2"[0]', None, "passwordSpray"), (iso(NOW), BOB, "$.riskLevelDuringSignIn", "none", "high"),
        (iso(NOW), BOB, "$.riskState", "none", "atRisk")]),
    "what-did-this-account-do": ({"account": "Ada@CONTOSO.example"}, "timestamp source operation called", [
        (stored(NOW - HOUR + 60), "directory-audits", "Delete user", ADA),
        (stored(NOW - HOUR), "directory-audits", "Disable account", ADA),
        (stored(NOW - 3 * HOUR), "directory-audits", "Remove member from role", ADA),
        (stored(NOW - 4 * HOUR + 120), "directory-audits", "Add member to role", ADA),
        (stored(NOW - 4 * HOUR), "directory-audits", "Add member to role", ADA),
        (stored(NOW - 5 * HOUR), "directory-audits", "Reset user password", ADA),
        (stored(NOW - 8 * HOUR), "sign-ins", incident.PORTAL, FORMER),
        (stored(NOW - 10 * HOUR), "sign-ins", incident.PORTAL, FORMER),
        (stored(NOW - 2 * DAY), "sign-ins", incident.PORTAL, FORMER),
        (stored(NOW - 3 * DAY), "directory-audits", "Add user", ADA),
        (stored(NOW - 12 * DAY), "sign-ins", incident.PORTAL, "countess@contoso.example")]),
    "what-was-pruned": ({}, "source before pruned_at deleted kept", [
        ("directory-audits", None, None, 0, len(incident.AUDITS) - 1), ("health", None, None, 0, 7),
        ("intune-audits", None, None, 0, len(incident.INTUNE_AUDITS)), ("sign-ins", None, None, 0, len(incident.SIGN_INS) + 1),
        ("users", None, None, 0, len(incident.USERS))]),
    "who-changed-this-account": ({"account": "ada@contoso.example"}, "timestamp known_from by_whom what before after", [
        (iso(NOW), "users", None, "userPrincipalName", json.dumps(FORMER), json.dumps(ADA)),
        (iso(NOW), "users", None, "mail", json.dumps(FORMER), json.dumps(ADA)),
        (stored(NOW - 7 * HOUR), "audit", QUINN, "Update user", None, None)]),
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_gives_the_known_answer(ask, recipe):
    parameters, columns, rows = ANSWERS[recipe]
    assert rows
    found = ask(recipe, **parameters)
    assert [tuple(row[column] for column in columns.split()) for row in found] == rows
    assert all("customer" not in row or row["customer"] == "contoso" for row in found)


def test_every_recipe_has_a_known_answer():
    assert set(ANSWERS) == set(RECIPES) and len(RECIPES) >= 15


@pytest.mark.parametrize("name", ["account", "former", "id", "unknown to the list of users"])
def test_an_account_is_found_by_any_of_its_names(ask, name):
    value = {"account": ADA.upper(), "former": FORMER, "id": ACCOUNTS["ada"][0], "unknown to the list of users": None}[name]
    for recipe in ("what-did-this-account-do", "who-changed-this-account"):
        whole = ask(recipe, account=ADA)
        if value:
            assert ask(recipe, account=value) == whole
    if not value:  # what happened under that name, and no more: nothing tells whose it was
        assert [row["called"] for row in ask("what-did-this-account-do", account="countess@contoso.example")] == ["countess@contoso.example"]


def test_without_an_account_there_is_no_answer_and_no_error(ask):
    assert not ask("what-did-this-account-do") and not ask("who-changed-this-account")


# --- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES)
def test_customer_and_since_narrow_every_recipe(ask, recipe):
    parameters, _, rows = ANSWERS[recipe]
    assert "customer" in parameters_of(recipe)
    assert not ask(recipe, customer="fabrikam", **parameters)
    assert len(ask(recipe, customer="CON%", **parameters)) == len(rows)
    if "since" in parameters_of(recipe):
        assert not ask(recipe, since="2026-01-01", **parameters)
        assert len(ask(recipe, since=iso(NOW - 30 * DAY), **parameters)) >= len(rows)


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if "since" in parameters_of(recipe)])
def test_a_date_without_its_quotes_hides_nothing(ask, recipe):
    """The shell takes 2026-11-20 for a subtraction."""
    parameters, _, rows = ANSWERS[recipe]
    assert len(ask(recipe, since=2026 - 11 - 20, **parameters)) >= len(rows)


def test_the_numbers_of_recipes_can_be_set(ask):
    assert len(ask("password-spray", accounts=len(SPRAYED))) == 1 and not ask("password-spray", accounts=len(SPRAYED) + 1)
    assert len(ask("impossible-travel", hours=2)) == 1 and not ask("impossible-travel", hours=1.9)
    assert not ask("inactive-accounts", days=100000)
    assert {row["user_principal_name"] for row in ask("inactive-accounts", days=3)} > {QUINN.replace("quinn", "ivy")}
    assert {row["role"] for row in ask("new-admins", role="%")} == {"Reports Reader", "Security Administrator", "Global Administrator"}
    assert len(ask("health-gaps", minutes=101)) == 1 and len(ask("health-gaps", minutes=14)) == 7 and not ask("health-gaps", minutes=405)
    event = ask("versions-of-an-event")[0]["event_id"]
    assert len(ask("versions-of-an-event", event=event, since="2026-01-01")) == 3
    assert not ask("versions-of-an-event", event=event + 1)


def test_a_service_narrows_what_is_about_services(ask):
    assert {row["service"] for row in ask("service-outages", service="exchange")} == {"Exchange"}
    assert [row["id"] for row in ask("open-issues", service="sharepoint%")] == ["SP900003"]
    assert [row["id"] for row in ask("messages-with-action", service="microsoft intune")] == ["MC900001"]
    for recipe in ("service-outages", "open-issues", "messages-with-action"):
        assert not ask(recipe, service="Yammer")


def test_the_history_of_an_issue_is_told_of_any_issue(ask):
    assert [(row["id"], row["replaced_at"]) for row in ask("issue-history", issue="sp900003")] == [("SP900003", None)]
    assert len(ask("issue-history", issue="ex900001")) == 3 and not ask("issue-history", issue="EX1")


def test_announcements_whose_day_is_over_are_told_when_asked_for(ask):
    assert [row["id"] for row in ask("messages-with-action", since=iso(NOW - 2 * DAY))] == ["MC900003", "MC900002", "MC900001"]


@pytest.mark.parametrize("recipe", ["search-text", "search-messages"])
@pytest.mark.parametrize("words", ["", "'", '""', '"a', "*", "(", "\\", "a\\", "[1]", "{}", ":", "NEAR", "AND", "ada*", '"reset password"',
                                   "ada@contoso.example", "\u65e5\u672c", "-x", "a:b", "%", "\t"])
def test_words_of_any_kind_are_searched_for_or_refused_by_fts5(shell, incident_db, recipe, words):
    """Only what is said to be FTS5's own syntax can be wrong in it."""
    with sqlite3.connect(f"file:{incident_db}?mode=ro", uri=True) as connection:
        try:
            connection.execute(sql_of(recipe), {"words": words, "customer": None}).fetchall()
        except sqlite3.OperationalError as error:
            assert str(error).startswith(("fts5: syntax error", "unterminated string")) and set(words) & set('"*()')
    assert shell


@pytest.mark.parametrize("recipe", RECIPES)
def test_hostile_parameters_are_only_values(incident_db, recipe):
    with sqlite3.connect(f"file:{incident_db}?mode=ro", uri=True) as connection:
        for value in ("", "x' OR 1=1 --", "%", '"', "2026-13-45", "nan", "-1", 10**30, None):
            if "words" in parameters_of(recipe) and isinstance(value, str) and '"' in value:
                continue
            if isinstance(value, int):
                value = float(value)
            connection.execute(sql_of(recipe), {name: value for name in parameters_of(recipe)}).fetchall()


# --- what a recipe is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_begins_with_its_question_and_tells_its_parameters(recipe):
    text = sql_of(recipe)
    comment = re.match(r"(?:--[^\n]*\n)+", text)[0]
    assert "?" in comment.split("-- :")[0]
    told = re.findall(r"^-- :(\w+) ", comment, re.MULTILINE)
    code = re.sub(r"--[^\n]*", "", text[len(comment):])
    used = set(re.findall(r"(?<![\w'])[:](\w+)", re.sub(r"'[^']*'", "''", code)))
    assert used == set(told) and len(told) == len(set(told))
    assert text.endswith(";\n")
    assert max(len(line) for line in text.splitlines()) <= 132


def test_the_list_of_recipes_is_complete_and_every_line_of_it_true(repository):
    page = (repository / "docs" / "queries.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| \[([\w-]+)\]\(\.\./schema/queries/\1\.sql\) \|", page, re.MULTILINE)) == RECIPES
    assert set(re.findall(r"schema/queries/([\w-]+)\.sql", page)) == set(RECIPES)
    for recipe in RECIPES:
        line = re.search(rf"^\| \[{recipe}\].*$", page, re.MULTILINE)[0]
        assert set(re.findall(r"`:(\w+)`", line)) == set(parameters_of(recipe)) - {"customer", "since"}, recipe
    assert "docs/queries.md" in (repository / "README.md").read_text(encoding="utf-8")


def test_recipes_name_operations_as_the_program_knows_them(repository):
    known = {name.strip(" .") for name in re.findall(
        r'\b(?:SAID|SELF|LISTED|BY_USER)\("([^"]+)"', (repository / "src" / "sources" / "activities.c").read_text(encoding="utf-8"))}
    named = 0
    for recipe in RECIPES:
        for group in re.findall(r"operation IN \(\s*('.*?')\)\s", sql_of(recipe), re.DOTALL):
            for name in re.findall(r"'([^']+)'", group):
                assert name.lower().replace("\u2013", "-").strip(" .") in known, f"{recipe}: {name}"
                named += 1
    assert named > 80


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_recipe_walks_through_every_event(incident_db, recipe):
    with sqlite3.connect(f"file:{incident_db}?mode=ro", uri=True) as connection:
        values = {name: None for name in parameters_of(recipe)}
        plan = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + sql_of(recipe), values)]
    walked = [step for step in plan if re.match(r"SCAN (e|event)\b", step)]
    assert not walked, plan
    by_operation = "operation IN" in sql_of(recipe)
    assert not by_operation or any("event_operation (operation=? AND rowid>?)" in step for step in plan), plan


# --- hostile and odd records ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_runs_on_hostile_records(ask, filled_db, recipe):
    parameters = {name: value for name, value in {"account": "ada", "words": hostile.MARKER}.items() if name in parameters_of(recipe)}
    ask(recipe, db=filled_db, **parameters)


ODD_SIGN_INS = [
    {"location": "Brno"}, {"location": ["CZ"]}, {"location": None}, {"status": None}, {"status": "50126"}, {"status": {"errorCode": {}}},
    {"userPrincipalName": {"a": 1}}, {"userPrincipalName": None, "userId": None}, {"ipAddress": ["::1"]}, {"createdDateTime": None},
    {"createdDateTime": "yesterday"}, {"riskEventTypes_v2": "none"}, {"clientAppUsed": 7}, {"servicePrincipalName": {}, "userPrincipalName": ""},
]
ODD_AUDITS = [
    {"targetResources": odd} for odd in (None, "x", 7, [], ["x", 7, None, [[]]], {"type": "User"}, [{"type": "User"}], [{"type": ["User"]}],
                                         [{"modifiedProperties": {"a \"b": {"displayName": "x", "newValue": "1"}}}],
                                         [{"modifiedProperties": "x"}], [{"modifiedProperties": ["x", None]}],
                                         [{"modifiedProperties": [{"displayName": "Role.DisplayName", "newValue": "{"}]}],
                                         [{"modifiedProperties": [{"displayName": "Role.DisplayName", "newValue": {"a": ['"']}}]}],
                                         [{"a \"b\" 'c' . [0]": {"displayName": "Role.DisplayName", "type": "User", "key": "x"}}],
                                         [{"modifiedProperties": [{"oldValue": "{\"a\":1", "newValue": "[1,{\"b\":null}]"}]}])
] + [{"initiatedBy": odd} for odd in (None, "x", [], {"user": "x"}, {"user": None, "app": None})] + [
    {"additionalDetails": odd} for odd in (None, "x", ["x"], [{"key": "InvitedUserEmailAddress"}], {"key": "invitedUserEmailAddress"})]

ODD_INTUNE_AUDITS = [{"resources": odd} for odd in (
    None, "x", 7, [], {}, ["x", 7, None, [[]]], [{"modifiedProperties": "x"}], [{"modifiedProperties": ["x", None, {}]}],
    [{"modifiedProperties": {"a \"b": {"displayName": "x", "newValue": "1"}}}],
    [{"a \"b\" 'c' . [0]": 1, "modifiedProperties": [{"displayName": {"a": 1}, "oldValue": [1], "newValue": {"b": None}}]}])
] + [{"actor": odd} for odd in (None, "x", [], {"applicationDisplayName": {"a": 1}})] + [{"category": {}}, {"activityOperationType": ["x"]}]
ODD_ISSUES = [
    {"posts": odd} for odd in (None, "x", 7, {}, ["x", 7, None, [[]]], [{}], [{"description": "x"}],
                               [{"description": {"content": {"a": 1}}}], [{"createdDateTime": 7, "description": {"content": "x"}}, {"createdDateTime": {"a \"b": 1}}])
] + [{"isResolved": "perhaps"}, {"status": None}, {"status": {"a": 1}}, {"service": ["x"]}, {"title": {}}, {"lastModifiedDateTime": None},
     {"classification": 7}, {"impactDescription": ["x"]}, {"endDateTime": "soon"}]
ODD_MESSAGES = [{"services": odd} for odd in (None, "x", [None], [7, {}], {})] + [
    {"actionRequiredByDateTime": odd} for odd in ("soon", 7, "2025-12-01", "2025-12-01T00:00:00+14:00")] + [
    {"body": odd} for odd in (None, "x", [], {"content": {"a": "oauth"}})] + [{"isMajorChange": "yes"}, {"severity": 1}, {"title": None}]


@pytest.fixture(scope="session", name="odd_db")
def fixture_odd_db(build, tmp_path_factory):
    """Every kind of operation that a recipe names, in every odd shape."""
    folder = tmp_path_factory.mktemp("odd")
    names = {name for recipe in RECIPES for group in re.findall(r"operation IN \(\s*('.*?')\)\s", sql_of(recipe), re.DOTALL)
             for name in re.findall(r"'([^']+)'", group)}
    simulator = conftest.start_simulator(["--sign-ins", "0", "--directory-audits", "0", "--users", "3"])
    number = 0
    try:
        for odd in ODD_SIGN_INS:
            for error in (0, 50126):
                number += 1
                record = incident.sign_in(number, "bob", 60 * number, error=error)
                simulator.add_record("sign-ins", {**record, **odd})
        for name in sorted(names):
            for odd in ODD_AUDITS:
                number += 1
                record = incident.audit(number, name, "bob", 10 * number, incident.target("ada"))
                simulator.add_record("directory-audits", {**record, **odd})
        for number, odd in enumerate(ODD_INTUNE_AUDITS, 1):
            record = incident.intune_audit(number, "Patch Odd", "Patch", "bob", 10 * number, incident.resource("x"))
            simulator.add_record("intune-audits", {**record, **odd})
        announcements.serve(
            simulator, [announcements.overview("Exchange", "odd"), {**announcements.overview("Intune"), "service": {"a": 1}, "status": 7}],
            [{**announcements.issue(f"EX{number}", "x", "y", iso(NOW - number)), **odd} for number, odd in enumerate(ODD_ISSUES)],
            [{**announcements.message(f"MC{number}", ["x"], "y", iso(NOW - number), "z", act_by="2025-12-01T00:00:00Z"), **odd}
             for number, odd in enumerate(ODD_MESSAGES)])
        result = conftest.runner(build, folder)(["collect", "--db", "odd.db"], sim=simulator)
        assert result.returncode == 0, result.stderr
        announcements.serve(simulator, [], [announcements.issue(f"EX{number}", "x", "y", iso(NOW)) for number in range(len(ODD_ISSUES))])
        conftest.runner(build, folder)(["scan", "--db", "odd.db"], sim=simulator)  # so that there are earlier bodies
    finally:
        simulator.stop()
    return folder / "odd.db"


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_runs_on_odd_records(ask, odd_db, recipe):
    values = {"account": BOB, "words": "ada", "role": "%", "issue": "EX3", "minutes": 0}
    ask(recipe, db=odd_db, **{name: value for name, value in values.items() if name in parameters_of(recipe)})


def test_the_odd_records_of_service_health_are_there(odd_db):
    with sqlite3.connect(f"file:{odd_db}?mode=ro", uri=True) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {view}").fetchone()[0] for view in (
            "service_issues", "issue_versions", "service_messages", "service_overviews")]
        assert counts == [len(ODD_ISSUES), len(ODD_ISSUES), len(ODD_MESSAGES), 2]
        intune = connection.execute("SELECT count(*) FROM events WHERE source = 'intune-audits'").fetchone()[0]
        assert intune == len(ODD_INTUNE_AUDITS)


# --- clients that nobody here wrote -----------------------------------------------------------------------------------


def values_of(recipe):
    return {**{name: "" for name in parameters_of(recipe)}, **ANSWERS[recipe][0]}


@pytest.fixture(name="client")
def fixture_client(venv, tmp_path):
    """client(SCRIPT, ORDER): what a script of clients/ answers."""

    def run(script, order):
        result = subprocess.run([venv, CLIENTS / script], input=json.dumps(order), capture_output=True, text=True, timeout=300, check=False,
                                env=conftest.clean_environment(tmp_path), cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run


@pytest.mark.slow
@pytest.mark.plain_only
@pytest.mark.parametrize("immutable", [False, True])
def test_datasette_browses_every_view_and_table(client, incident_db, filled_db, immutable):
    for db in (incident_db, filled_db):
        with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as connection:
            names = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE '%\\_fts\\_%' ESCAPE '\\'")}
        assert {"events", "sign_ins", "users", "user_changes", "coverage", "event_fts", "user_fts"} <= set(names)
        paths = [path for name in names for path in (f"/{db.stem}/{name}", f"/{db.stem}/{name}.json?_shape=array&_size=max")]
        paths += [f"/{db.stem}", f"/{db.stem}/event_fts.json?_search=password&_shape=array", f"/{db.stem}/events?timestamp__gte=2025-11-20"]
        answers = dict(zip(paths, client("datasette_answers.py", {"database": str(db), "immutable": immutable, "queries": {}, "paths": paths})))
        assert [(path, body) for path, (status, body) in answers.items() if status != 200] == []
        for name, count in names.items():
            assert len(answers[f"/{db.stem}/{name}.json?_shape=array&_size=max"][1]) == min(count, 1000), name
        found = answers[f"/{db.stem}/event_fts.json?_search=password&_shape=array"][1]
        assert found and all("password" in row["text"].lower() for row in found)


@pytest.mark.slow
@pytest.mark.plain_only
def test_datasette_answers_every_recipe_as_the_shell_does(client, ask, incident_db):
    paths = []
    for recipe in RECIPES:
        arguments = "&".join(f"{name}={value.replace('@', '%40')}" for name, value in values_of(recipe).items())
        paths += [f"/incident/{recipe}.json?_shape=array&{arguments}", f"/incident/{recipe}?{arguments}"]
    queries = {recipe: sql_of(recipe) for recipe in RECIPES}
    answers = client("datasette_answers.py", {"database": str(incident_db), "immutable": False, "queries": queries, "paths": paths})
    for recipe, (status, rows), (page_status, page) in zip(RECIPES, answers[::2], answers[1::2]):
        assert status == page_status == 200, (recipe, rows)
        assert rows == ask(recipe, **ANSWERS[recipe][0]), recipe
        assert all(f'name="{name}"' in page for name in parameters_of(recipe)), f"{recipe}: each parameter is a field to fill in"


@pytest.mark.slow
@pytest.mark.plain_only
def test_sqlite_utils_reads_every_view_and_answers_every_recipe(client, ask, incident_db):
    queries = {recipe: [sql_of(recipe), values_of(recipe)] for recipe in RECIPES}
    answers = client("sqlite_utils_answers.py", {"database": str(incident_db), "queries": queries})
    assert answers["views"]["events"] == answers["tables"]["event"] == (
        len(incident.SIGN_INS) + len(incident.AUDITS) + len(incident.INTUNE_AUDITS))
    assert answers["views"]["service_issues"] == 3 and answers["views"]["service_messages"] == len(incident.MESSAGES)
    assert answers["views"]["users"] == len(incident.USERS)
    assert {"event_fts", "user_fts", "issue_fts", "message_fts"} == set(answers["fts"])
    for recipe in RECIPES:
        assert answers["queries"][recipe] == ask(recipe, **ANSWERS[recipe][0]), recipe


@pytest.mark.slow
@pytest.mark.plain_only
def test_sqlite_utils_reads_hostile_records(client, filled_db):
    answers = client("sqlite_utils_answers.py", {"database": str(filled_db), "queries": {}})
    assert answers["views"]["events"] == answers["tables"]["event"] > 1000


@pytest.mark.slow
@pytest.mark.plain_only
def test_sqlite_utils_runs_a_recipe_from_its_command_line(venv, incident_db, tmp_path):
    given = [word for name, value in values_of("password-spray").items() for word in ("-p", name, value)]
    result = subprocess.run([venv, "-m", "sqlite_utils", "query", *given, "--", incident_db, sql_of("password-spray")], capture_output=True,
                            text=True, timeout=120, check=False, env=conftest.clean_environment(tmp_path), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert [row["ip"] for row in json.loads(result.stdout)] == [ATTACKER]
