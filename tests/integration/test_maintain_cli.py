"""m365keep maintain as people and programs meet it: what it teaches, asks, refuses and prints.

What people read is in golden/maintain/NAME.txt, after the test's name, written anew by M365KEEP_UPDATE_GOLDEN=1."""

import contextlib
import hashlib
import json
import os
import pty
import re
import select
import sqlite3
import subprocess

import pytest

from conftest import NOON, clean_environment
from desk import GOLDEN, UPDATE_GOLDEN, golden_name
from simulator import TENANT
from terminal import DEADLINE_S, Terminal
from test_search_cli import width
from test_maintain import OTHER, fixture_house, fixture_stock  # pylint: disable=unused-import

SUBCOMMANDS = ["prune", "verify", "backup", "restore", "optimize", "renormalize", "dedupe", "forget"]
SIZE = r"[\d.]+ (?:B|KiB|MiB|GiB)"


@pytest.fixture(name="golden")
def fixture_golden(request):
    """golden(RESULT, **WORDS): compares; sizes and the words given, as text -> what stands for it, are left out."""

    def check(result, **words):
        text = f"exit {result.returncode}\n--- stdout\n{result.stdout}--- stderr\n{result.stderr}"
        for stand_in, actual in words.items():
            text = text.replace(str(actual), f"<{stand_in}>")
        text = re.sub(SIZE, "<size>", re.sub(r"^The database (?:took|takes) .*", "The database <sizes>", text, flags=re.MULTILINE))
        text = re.sub(r"\d+ other rows", "<n> other rows", text)
        path = GOLDEN / "maintain" / f"{golden_name(request.node.name)}.txt"
        if UPDATE_GOLDEN:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing; M365KEEP_UPDATE_GOLDEN=1 writes it:\n{text}"
        assert text == path.read_text(encoding="utf-8")

    return check


# --- what it teaches


def test_help_teaches_every_subcommand_with_examples(keep):
    text = keep(["maintain", "--help"]).stdout
    for name in SUBCOMMANDS:
        assert re.search(rf"^  {name} +\w", text, re.MULTILINE) and f"m365keep maintain {name}" in text.split("Examples:")[1]
    assert keep(["help", "maintain"]).stdout == text
    for name in SUBCOMMANDS:
        own = keep(["maintain", name, "--help"])
        assert own.returncode == 0 and own.stderr == ""
        assert own.stdout.startswith(f"Usage:\n  m365keep maintain {name} [OPTION")
        assert f"  m365keep maintain {name}" in own.stdout.split("Examples:")[1] and "--json" in own.stdout and "Exit status:" in own.stdout
        assert all(width(line) <= 110 for line in own.stdout.splitlines() if not line.startswith("  --"))


@pytest.mark.parametrize("arguments, words", [
    ([], "what is to be done? prune, verify"), (["prun"], 'there is no maintain prun; did you mean "prune"?'),
    (["verfy"], 'did you mean "verify"?'), (["xyzzy"], "There are: prune, verify, backup"), (["--db", "x", "prune"], "options follow the subcommand"),
    (["prune", "now"], "takes no argument 'now'"), (["verify", "x.db"], "takes no argument 'x.db'"), (["backup"], "maintain backup FILE"),
    (["backup", "a", "b"], "takes no argument 'b'"), (["restore"], "maintain restore FILE"), (["forget"], "maintain forget CUSTOMER"),
    (["forget", "a", "b"], "takes no argument 'b'"), (["renormalize", "--limit", "0"], "--limit: '0' is no number"),
    (["renormalize", "--limit", "many"], "--limit: 'many' is no number"), (["prune", "--days", "7"], "Unknown option --days"),
    (["optimize", "-q", "-v"], "contradict"), (["prune", "--config", "nowhere.yaml"], "nowhere.yaml")])
def test_a_wrong_command_line_is_refused_with_the_mend(keep, tmp_path, arguments, words):
    result = keep(["maintain", *arguments])
    assert result.returncode == 2 and result.stdout == "" and words in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_without_a_database_there_is_nothing_to_maintain_and_nothing_is_made(keep, tmp_path, name):
    arguments = {"backup": ["copy.db"], "restore": ["copy.db"], "forget": ["contoso", "--yes"]}.get(name, [])
    result = keep(["maintain", name, *arguments, "--db", "keep.db"], env={"DB_DAYS_SCOPE": "7"})
    assert result.returncode == 1 and result.stdout == "" and len(result.stderr.splitlines()) == 1
    assert ("copy.db" if name == "restore" else "there is no database at") in result.stderr
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".lock"} == set()


# --- prune


def test_where_retention_keeps_everything_prune_says_so(house, golden):
    golden(house.run("maintain", "prune"))
    assert house.run("maintain", "prune", "--quiet").stdout == ""
    told = house.told("prune")
    assert told["outcome"] == "done" and told["result"] is None and "keeps everything" in told["message"]


def test_prune_shows_a_table_of_what_went(house, golden):
    house.configure("days: 7, per_source: {health: 0, users: 0}")
    golden(house.run("maintain", "prune"))


def test_a_dry_run_shows_the_same_table(house, golden):
    house.configure("days: 7, per_source: {health: 0, users: 0}")
    golden(house.run("maintain", "prune", "--dry-run"))


def test_a_second_prune_finds_nothing(house, golden):
    house.configure("days: 7")
    house.run("maintain", "prune", "--quiet")
    golden(house.run("maintain", "prune"))


def test_a_size_that_reads_the_same_is_told_once(house):
    """A page or two come and go with each run, and with them now and then the last digit."""
    told = [house.run("maintain", "optimize").stdout for _ in range(4)]
    for words in told:
        sizes = re.fullmatch(rf"The database (?:takes {SIZE}|took ({SIZE}), and takes ({SIZE}) now)\.\n", words)
        assert sizes and (sizes[1] is None or sizes[1] != sizes[2]), words


def test_prune_says_what_is_held_for_the_mirror(house, golden):
    house.configure("days: 7, per_source: {health: 0, users: 0}")
    golden(house.run("maintain", "prune", exits=3, env={"MONGO_URI": "mongodb://db.example"}))


def test_with_quiet_only_what_is_wrong_is_said(house):
    house.configure("days: 7")
    held = house.run("maintain", "prune", "--quiet", exits=3, env={"MONGO_URI": "mongodb://db.example"})
    assert held.stdout == "" and len(held.stderr.splitlines()) == 1 and "held" in held.stderr
    for arguments in (["prune"], ["verify"], ["optimize"], ["renormalize"], ["dedupe"], ["backup", "copy.db"], ["forget", "contoso", "--yes"]):
        result = house.run("maintain", *arguments, "--quiet")
        assert result.stdout == result.stderr == "", arguments


# --- the others


def test_verify_says_what_it_compared(house, golden):
    golden(house.run("maintain", "verify"))


def test_optimize_says_the_sizes(house, golden):
    golden(house.run("maintain", "optimize"))


def test_backup_and_restore_say_what_they_copied(house, golden, tmp_path):
    golden(house.run("maintain", "backup", "copy.db"), database=house.path)
    result = house.run("maintain", "restore", "copy.db", "--db", tmp_path / "other.db")
    assert result.stdout.startswith("Restored: copy.db to ") and "found undamaged" in result.stdout


def test_renormalize_of_what_is_understood_already_changes_nothing(house, golden):
    before = house.query("SELECT * FROM event ORDER BY 1")
    golden(house.run("maintain", "renormalize"))
    assert house.query("SELECT * FROM event ORDER BY 1") == before


def test_renormalize_goes_on_where_its_limit_was(house):
    whole = house.told("renormalize")["result"]["of"]
    first = house.told("renormalize", "--limit", "100")["result"]
    assert not first["complete"] and 0 < first["looked_at"] < whole
    looked_at, last = first["looked_at"], first
    while not last["complete"]:
        last = house.told("renormalize", "--limit", "300")["result"]
        looked_at += last["looked_at"]
    assert looked_at == whole


def test_dedupe_finds_nothing_twice(house, golden):
    golden(house.run("maintain", "dedupe"))


def doubles(house, count):
    """Copies of a row under keys that no version gives any more, as an older one would have left them. Returned: the row's id."""
    number, source = house.query("SELECT max(event_id), source FROM event")[0]
    with contextlib.closing(sqlite3.connect(house.path)) as connection, connection:
        for more in range(1, count + 1):
            parts = [part.encode() for part in (TENANT, source, f"an older key {more}")]
            key = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()[:16]
            connection.execute("UPDATE counter SET value = value + 1 WHERE name = 'seq'")
            connection.execute("""INSERT INTO event (event_id, customer_id, source, id, dedupe_key, timestamp, service, operation, result,
                                  actor_display, target_displays, display_summary, first_seen, first_seq, seq, raw)
                                  SELECT event_id + ?1, customer_id, source, id, 'an older key ' || ?1, timestamp, service, operation, result,
                                  actor_display, target_displays, display_summary, first_seen, c.value, c.value, raw
                                  FROM event CROSS JOIN counter AS c ON c.name = 'seq' WHERE event_id = ?2""", (more, number))
            connection.execute("INSERT INTO event_key SELECT ?, event_id + ?, content_hash FROM event_key WHERE event_id = ?",
                               (key, more, number))
            connection.execute("INSERT INTO event_fts (rowid, text, facets) SELECT rowid + ?, text, facets FROM event_fts WHERE rowid = ?",
                               (more, number))
        connection.execute("UPDATE collection SET records = records + ? WHERE source = ?", (count, source))
    return number


def test_dedupe_tells_each_pair(house, golden):
    number = doubles(house, 1)
    golden(house.run("maintain", "dedupe", "--dry-run"), kept=number, dropped=number + 1)
    told = house.told("dedupe")["result"]
    assert told["merged"] == told["by_key"] == 1 and told["pairs_omitted"] == 0
    assert [(pair["kept"], pair["dropped"], pair["kind"]) for pair in told["pairs"]] == [(number, number + 1, "key")]
    house.check()


def test_dedupe_lists_a_thousand_pairs_and_counts_the_others(house):
    number = doubles(house, 1002)
    listed = house.run("maintain", "dedupe", "--dry-run").stdout
    assert len(re.findall(rf"^.*\b{number}\b.*$", listed, re.MULTILINE)) == 1000
    assert "1,002 doubles would be merged.\n2 more pairs are not listed.\n" in listed
    told = house.told("dedupe")["result"]
    assert (told["merged"], told["pairs_omitted"], len(told["pairs"])) == (1002, 2, 1000)
    house.check()


# --- forget


def test_forget_needs_yes_where_nobody_can_be_asked(house, golden):
    before = house.rows()
    golden(house.run("maintain", "forget", "contoso", exits=2))
    assert house.rows() == before


def test_forget_of_nobody_says_who_is_meant(house, golden):
    golden(house.run("maintain", "forget", "contos", "--yes", exits=2))


def test_forget_says_that_the_customer_is_still_configured(house, golden):
    golden(house.run("maintain", "forget", "contoso", "--yes"))
    assert house.rows() == set()


def ask(house, answer, *arguments):
    """What is shown on a terminal where `answer` is typed once the question stands there, and the exit status."""
    master, slave = pty.openpty()
    environment = clean_environment(house.folder, {**house.variables, "TERM": "dumb"})
    with subprocess.Popen([house.build / "m365keep", "maintain", "forget", *arguments], stdin=slave, stdout=slave, stderr=slave,
                          cwd=house.folder, env=environment, start_new_session=True) as process:
        os.close(slave)
        seen, typed = b"", False
        while select.select([master], [], [], DEADLINE_S)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            seen += piece
            if not typed and b"type the customer's name" in seen:
                os.write(master, answer)
                typed = True
            if not piece:
                break
        status = process.wait(DEADLINE_S)
    os.close(master)
    return status, seen.decode("utf-8")


def test_on_a_terminal_the_name_is_to_be_typed(house):
    before = house.rows()
    status, seen = ask(house, b"fabrikam\n", "contoso")
    assert status == 1 and "nothing was deleted" in seen and house.rows() == before
    assert "Of contoso (1 tenant) all there is will be deleted" in seen and "Not touched are backups, MongoDB, logs" in seen
    assert ask(house, b"\x04", "contoso")[0] == 1 and house.rows() == before  # Ctrl-D
    status, seen = ask(house, b"contoso\n", "contoso")
    assert status == 0 and "contoso is forgotten" in seen and house.rows() == set()


# --- JSON and terminals


def test_every_subcommand_prints_one_json_value(house, tmp_path):
    house.configure("days: 7")
    (tmp_path / "back.db").unlink(missing_ok=True)
    results = {name: house.told(name, *more)["result"] for name, more in [
        ("prune", ["--dry-run"]), ("verify", []), ("optimize", []), ("renormalize", []), ("dedupe", []), ("backup", ["copy.db"]),
        ("restore", ["copy.db", "--force"]), ("forget", ["contoso", "--yes"])]}
    assert {name: list(result) for name, result in results.items()} == {
        "prune": ["dry_run", "force", "records", "others", "held", "estimated", "bytes_before", "bytes_after", "bytes_needed", "over_size",
                  "unreachable", "log_held", "reserve_used", "rewritten", "transactions", "longest_ms", "sources"],
        "verify": ["ok", "events", "versions", "accounts", "health", "mails", "unreadable", "bytes", "text_checked",
                   "pages_checked"],
        "optimize": ["rebuilt", "bytes_before", "bytes_after", "log_held"],
        "renormalize": ["complete", "looked_at", "of", "changed", "moved", "rekeyed", "kept_apart", "undecodable", "recovered", "unreadable"],
        "dedupe": ["dry_run", "looked_at", "merged", "by_key", "by_source", "versioned", "pairs_omitted", "pairs"],
        "backup": ["database", "file", "bytes", "records", "seq", "schema"], "restore": ["database", "file", "bytes", "records", "seq", "schema"],
        "forget": ["customer", "tenants", "records", "others", "waiting", "log_held"]}
    assert all(list(source) == ["customer", "tenant_id", "source", "records", "others", "held", "oldest", "newest"]
               for source in results["prune"]["sources"])


def test_a_failure_is_told_in_json_too(house):
    told = house.told("backup", "nowhere/copy.db", exits=1)
    assert told["outcome"] == "failed" and "nowhere" in told["message"] and told["result"] is None
    assert told["started"] == told["finished"] == "2025-11-20T12:00:00Z"


@pytest.mark.parametrize("columns", [40, 100])
def test_on_a_terminal_progress_is_shown_and_cleared(house, columns):
    house.configure("days: 7")
    environment = clean_environment(house.folder, {**house.variables, "TERM": "xterm"})
    with contextlib.closing(sqlite3.connect(house.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with Terminal([house.build / "m365keep", "maintain", "prune"], columns=columns, cwd=house.folder, env=environment) as screen:
            screen.wait_for("waiting for the lock")
            writer.execute("ROLLBACK")
            assert screen.finish() == 0
    shown = [line for line in re.sub(r"\x1b\[\d*[FJ]", "", screen.text).splitlines() if "level=info" not in line]
    assert shown and all(width(line) < columns for line in shown)
    assert not [line for line in screen.screen() if "level=info" not in line]  # a long wait is told in the log


def test_names_of_customers_do_no_harm_to_a_terminal(house):
    house.execute("UPDATE customer SET name = ?", "con\x1b[2Jtoso\u202e")
    house.configure("days: 7")
    out = house.run("maintain", "prune").stdout
    assert "\x1b" not in out and "\u202e" not in out and r"con\x1b[2Jtoso\u202e" in out
    assert house.told("prune")["outcome"] == "done"


def test_of_two_customers_each_has_its_lines(house, golden):
    """The second customer has a copy of what the first one has."""
    house.execute("INSERT INTO customer (customer_id, name, tenant_id) VALUES (2, 'fabrikam', ?)", OTHER)
    house.execute("UPDATE event SET customer_id = 2 WHERE event_id % 2 = 1 OR source = 'directory-audits'")
    house.execute("""INSERT INTO collection (customer_id, source, records) SELECT 2, source, count(*) FROM event WHERE customer_id = 2
                     GROUP BY source""")
    house.execute("""UPDATE collection SET records = (SELECT count(*) FROM event AS e WHERE e.customer_id = collection.customer_id
                     AND e.source = collection.source) WHERE source IN ('sign-ins', 'directory-audits', 'intune-audits')""")
    house.configure("days: 7, per_source: {health: 0, users: 0}")
    golden(house.run("maintain", "prune", "--dry-run"))
    sources = house.told("prune", "--dry-run")["result"]["sources"]
    assert [(source["customer"], source["source"]) for source in sources] == sorted((source["customer"], source["source"]) for source in sources)
    assert {source["tenant_id"] for source in sources} == {TENANT, OTHER}


def test_times_follow_the_clock(house):
    house.configure("days: 7")
    later = {"M365KEEP_CLOCK": f"{NOON + 30 * 86400}@0@{NOON}"}
    told = house.told("prune", "--dry-run", "--force", env=later)  # by then all are too old
    assert told["started"] == "2025-12-20T12:00:00Z"
    assert told["result"]["records"] >= len(house.rows())
    assert json.loads(house.run("maintain", "prune", "--force", "--json", env=later).stdout)["result"]["records"] == told["result"]["records"]
    assert house.rows() == set()


def test_what_cannot_be_looked_at_before_forgetting_is_told_in_json_too(house):
    told = house.told("forget", "contoso", "--yes", "--db", "nowhere.db", exits=1)
    assert told["outcome"] == "failed" and "nowhere.db" in told["message"] and told["result"] is None and told["started"]
