"""Reports that go out by Microsoft Graph: what the simulator accepted against what the outbox holds, and what m365keep report says and
does where the service refuses, throttles, or says nothing."""

import email
import email.policy
import json
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

import timelines
from conftest import clean_environment, simulated_environment
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT
from timelines import DAY_S, Timeline

ZONE, DAY = "Europe/Warsaw", "2025-11-19"
BEGIN = timelines.day(ZONE, DAY)
NOW = BEGIN + DAY_S + 7 * 3600
OTHER_TENANT = "22222222-3333-4444-8555-666666666666"
TENANTS = {"contoso": TENANT, "fabrikam": OTHER_TENANT}
SENDER = "desk@contoso.example"
ADA, BEA = "ada@example.org", "bea@example.org"
NOTHING = ["--sign-ins", 0, "--directory-audits", 0, "--users", 230, "--tenant", TENANT, "--tenant", OTHER_TENANT]
OPEN = [*NOTHING, "--grant-role", "Mail.Send", "--mailbox", SENDER]


@pytest.fixture(scope="session", name="kept")
def fixture_kept(tmp_path_factory):
    """A database with a day of two customers. Read only."""
    path = tmp_path_factory.mktemp("graph") / "kept.db"
    connection = timelines.create(path)
    for name, tenant in TENANTS.items():
        scans = timelines.scans(BEGIN - 3600, NOW, {"Exchange": [("serviceOperational", BEGIN - 3600)]})
        Timeline(name, tenant, scans, {"Exchange": "Exchange Online"}).store(connection)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return path


class Desk:
    """A folder with an installation whose reports go out by Graph, and the simulator that takes them."""

    def __init__(self, keep, build, folder, kept, simulator):
        self.keep, self.build, self.folder, self.simulator = keep, build, folder, simulator
        self.secret = CLIENT_SECRET
        shutil.copy(kept, folder / "keep.db")
        self.configure()

    def configure(self, smtp="", report="", sender=f"Health desk <{SENDER}>"):
        lines = ["database: keep.db", f"smtp: {{transport: graph, from: {json.dumps(sender)}{smtp}}}", report, "customers:"]
        for name in TENANTS:
            lines += [f"  - {{name: {name}, variable: {name.upper()}, timezone: {ZONE}, mail_to: [{ADA}], mail_cc: [{BEA}]}}"]
        (self.folder / "m365keep.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def environment(self, more=None):
        credentials = {name.upper(): f"{tenant};{CLIENT_ID};{self.secret}" for name, tenant in TENANTS.items()}
        return {**dict.fromkeys(["GRAPH_TENANT_ID", "GRAPH_CLIENT_ID", "GRAPH_CLIENT_SECRET"]), **credentials, **(more or {})}

    def report(self, *arguments, exits=0, customer="contoso", env=None):
        """The told report of the customer."""
        result = self.keep(["report", "--json", "--customer", customer, *arguments], sim=self.simulator, env=self.environment(env))
        assert CLIENT_SECRET not in result.stdout + result.stderr
        assert result.returncode == exits, result.stdout + result.stderr
        return json.loads(result.stdout)["reports"][0]

    def mail(self, *arguments, state, **options):
        """The same; its mail, which is in this state."""
        told = self.report(*arguments, **options)["mail"]
        assert told["state"] == state, told
        assert [recipient["state"] for recipient in told["recipients"]] == [state] * 2
        assert [recipient["address"] for recipient in told["recipients"]] == [ADA, BEA]
        return told

    def start(self, *arguments, env=None):
        environment = clean_environment(self.folder, simulated_environment(self.simulator)) | self.environment(env)
        return subprocess.Popen([self.build / "m365keep", "report", "--json", "--customer", "contoso", *arguments], cwd=self.folder,
                                env={name: value for name, value in environment.items() if value is not None}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def stored(self):
        """The messages in the outbox, oldest first."""
        connection = sqlite3.connect(self.folder / "keep.db")
        try:
            return [row[0] for row in connection.execute("SELECT message FROM mail ORDER BY mail_id")]
        finally:
            connection.close()

    def change(self, sql):
        """Changes the outbox, as other runs would have left it."""
        connection = sqlite3.connect(self.folder / "keep.db")
        try:
            with connection:
                connection.execute(sql)
        finally:
            connection.close()

    def asked(self):
        """How often sendMail was asked for."""
        return self.simulator.stats()["requests"]["sendMail"]


@pytest.fixture(name="desk")
def fixture_desk(keep, build, tmp_path, kept, sim):
    """desk(OPTIONS, authority=None): an installation, with a simulator of these options; authority: over https."""
    return lambda options=tuple(OPEN), authority=None: Desk(keep, build, tmp_path, kept,
                                                            sim(options, clock=f"{NOW}@0@{NOW}", authority=authority))


def refused(here, words, hint, **options):
    """A run whose mail nobody takes: why, and what to do, is in the report."""
    told = here.report(exits=1, **options)
    assert told["mail"]["state"] == "failed" and [one["state"] for one in told["mail"]["recipients"]] == ["failed"] * 2
    assert words in told["error"]["message"] and hint in told["error"]["hint"], told["error"]
    assert not here.simulator.mails()
    return told


# --- sent -------------------------------------------------------------------------------------------------------------


def test_what_arrives_is_the_message_of_the_outbox_byte_for_byte_q127(desk):
    here = desk()
    told = here.mail(state="sent")
    arrived, = here.simulator.mails()
    assert here.stored() == [arrived["message"]] and arrived["mailbox"] == SENDER and arrived["app"] == CLIENT_ID
    assert (arrived["from"], arrived["to"], arrived["cc"]) == ([SENDER], [ADA], [BEA])
    assert arrived["message_id"] == f"<{told['message_id']}>" and arrived["request_id"] in told["answer"]
    assert "accepted the mail for delivery from desk@contoso.example" in told["answer"]
    assert [recipient["code"] for recipient in told["recipients"]] == [202, 202]
    message = email.message_from_bytes(arrived["message"], policy=email.policy.SMTP)
    assert message["Subject"] == told["subject"] and not message.defects


def test_a_window_is_mailed_once_and_again_under_a_new_name_only_when_asked(desk):
    here = desk()
    first = here.mail(state="sent")
    assert here.mail(state="sent")["message_id"] == first["message_id"] and here.asked() == 1
    again = here.mail("--resend", state="sent")
    assert again["message_id"] != first["message_id"]
    assert [mail["message_id"] for mail in here.simulator.mails()] == [f"<{first['message_id']}>", f"<{again['message_id']}>"]


def test_the_application_of_one_customer_sends_for_the_others(desk):
    here = desk([*NOTHING, "--mailbox", SENDER])
    here.simulator.control("tenants", {"tenant": TENANT, "granted_roles": ["Mail.Send"]})
    here.configure(smtp=", customer: contoso")
    here.mail(state="sent", customer="fabrikam")
    assert [mail["tenant"] for mail in here.simulator.mails()] == [TENANT]


def test_over_https_it_goes_to_who_bears_the_right_certificate_alone(desk, ca):
    here = desk(authority=ca)
    refused(here, "certificate", "SSL_CERT_FILE", env={"SSL_CERT_FILE": None})
    assert here.asked() == 0
    here.mail(state="sent")
    assert [mail["message"] for mail in here.simulator.mails()] == here.stored()[1:]


def test_a_subject_of_two_lines_begins_no_header_and_reaches_nobody_else_q131(desk):
    here = desk()
    here.configure(report='report: {subject: "Health of {customer}\\r\\nBcc: eve@example.org\\r\\n\\r\\nbody"}')
    result = here.keep(["report", "--customer", "contoso"], sim=here.simulator, env=here.environment())
    for arrived in here.simulator.mails():
        message = email.message_from_bytes(arrived["message"], policy=email.policy.SMTP)
        assert message["Bcc"] is None and (arrived["to"], arrived["cc"]) == ([ADA], [BEA]) and len(message.get_all("Subject")) == 1
    assert result.returncode == (0 if here.simulator.mails() else 2), result.stderr


# --- refused ----------------------------------------------------------------------------------------------------------


def test_without_the_permission_to_send_it_is_named_and_granted_it_is_sent_q130(desk):
    here = desk([*NOTHING, "--mailbox", SENDER])
    refused(here, SENDER, "application permission Mail.Send")
    here.simulator.control("tenants", {"granted_roles": ["Mail.Send"]})
    here.mail(state="sent")
    assert len(here.simulator.mails()) == 1


def test_a_token_without_any_permission_is_told_q130(desk):
    here = desk()
    roles = ["Application.Read.All", "AuditLog.Read.All", "DeviceManagementApps.Read.All", "Directory.Read.All", "Mail.Send",
             "ServiceHealth.Read.All", "ServiceMessage.Read.All", "User.Read.All"]
    here.simulator.control("tenants", {"withheld_roles": roles})
    refused(here, "no permissions", "application permission Mail.Send")


def test_a_policy_that_keeps_the_app_from_the_mailbox_is_told_q130(desk):
    here = desk()
    here.simulator.control("tenants", {"mail_policy": ["other@contoso.example"]})
    refused(here, "Access to OData is disabled.", f"keeps the application of contoso from the mailbox {SENDER}")
    assert here.asked() == 1


def test_a_mailbox_that_is_none_is_told_q130(desk):
    here = desk()
    guest = next(user for _, user in here.simulator.users_at(NOW).values() if user and user["userType"] == "Guest")
    here.configure(sender=guest["mail"])
    refused(here, "inactive, soft-deleted", "is no mailbox of Exchange Online")
    here.configure(sender="nobody@contoso.example")
    refused(here, "'nobody@contoso.example' is invalid", "Let smtp.from name a mailbox of the tenant of contoso")


def test_a_secret_that_is_refused_sends_nothing(desk):
    here = desk()
    here.secret = "wrong"
    told = refused(here, "AADSTS7000215", "client secret")
    assert here.asked() == 0 and told["mail"]["attempts"] == 1


def test_a_message_above_four_megabytes_is_refused_before_it_is_sent_q129(desk):
    here = desk()
    (here.folder / "signature.html").write_text("<p>" + "Our house. " * 20_000 + "</p>", encoding="utf-8")
    (here.folder / "looks").mkdir()
    (here.folder / "looks" / "report.html.mustache").write_text("<p>x</p>{{#signature}}" + "{{{html}}}" * 20 + "{{/signature}}", encoding="utf-8")
    here.configure(report="report: {signature: signature.html, templates: looks}")
    told = here.report(exits=1)
    assert "4 MB" in told["error"]["message"] and "services" in told["error"]["message"] + (told["error"]["hint"] or "")
    assert here.asked() == 0 and told["mail"] is None


def test_a_message_that_the_service_finds_too_large_is_not_tried_again_q129(desk):
    here = desk()
    here.simulator.fault({"status": 413, "code": "ErrorMessageSizeExceeded"}, endpoint="sendMail", times=1)
    refused(here, "HTTP 413", "fewer services")
    assert here.asked() == 1


# --- put off ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [{"status": 429, "headers": {"Retry-After": "41"}}, {"status": 503, "headers": {"Retry-After": "41"}}],
                         ids=["429", "503"])
def test_what_is_put_off_stays_in_the_outbox_and_goes_out_with_the_next_run(desk, fault):
    here = desk()
    here.simulator.fault(fault, endpoint="sendMail", times=1)
    told = here.mail(state="queued", exits=3)
    assert told["attempts"] == 1 and told["next_attempt"] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(NOW + 41))
    assert not here.simulator.mails() and here.asked() == 1
    assert here.mail(state="sent")["attempts"] == 2 and len(here.simulator.mails()) == 1


def test_a_run_that_may_wait_goes_on_trying(desk):
    here = desk()
    here.simulator.fault({"status": 429, "headers": {"Retry-After": "41"}}, endpoint="sendMail", times=2)
    assert here.mail("--wait", "30m", state="sent")["attempts"] == 3
    assert len(here.simulator.mails()) == 1


def test_a_service_that_cannot_be_reached_leaves_it_in_the_outbox(desk):
    here = desk()
    url = here.simulator.url
    here.simulator.stop()
    result = here.keep(["report", "--json", "--customer", "contoso"], env=here.environment({
        "LOGIN_URL": url, "GRAPH_URL": url, "M365KEEP_CLOCK": here.simulator.keep_clock}))
    assert result.returncode == 3, result.stderr
    told = json.loads(result.stdout)["reports"][0]["mail"]
    assert told["state"] == "queued" and "The mail was not sent from desk@contoso.example" in told["answer"]


def half_sent(here, state):
    """A mail that waits for one recipient, begun with a mail server: what became of the other there."""
    here.simulator.fault({"status": 503}, endpoint="sendMail", times=1)
    here.mail(state="queued", exits=3)
    here.change(f"UPDATE mail_recipient SET state = '{state}', may_have = {state == 'unknown'} WHERE address = '{ADA}'")


@pytest.mark.parametrize("state", ["sent", "unknown"])
def test_what_some_have_by_a_mail_server_is_left_as_it_is(desk, state):
    here = desk()
    half_sent(here, state)
    told = here.report(exits=3)["mail"]
    assert told["state"] == "queued" and [one["state"] for one in told["recipients"]] == [state, "queued"]
    assert "which sends to all recipients at once: 1 of the 2 have it already, or may" in told["answer"]
    assert here.asked() == 1 and not here.simulator.mails()


def test_what_a_mail_server_refused_for_some_is_composed_anew_where_nobody_has_it(desk):
    here = desk()
    half_sent(here, "failed")
    refused(here, "for 1 of the 2 it was refused", "composed anew")
    here.mail(state="sent")
    assert here.asked() == 2 and len(here.simulator.mails()) == 1 and len(here.stored()) == 2


def test_what_may_have_been_taken_stays_unknown_where_sending_it_again_is_refused(desk):
    here = desk()
    here.simulator.fault({"reset": True}, endpoint="sendMail", times=1)
    here.mail(state="unknown", exits=3)
    here.simulator.control("tenants", {"granted_roles": []})
    here.mail("--resend", state="unknown", exits=3)
    here.simulator.control("tenants", {"granted_roles": ["Mail.Send"]})
    here.mail(state="unknown", exits=3)
    assert len(here.simulator.mails()) == 1 and len(here.stored()) == 1


def test_an_acceptance_counts_even_where_nothing_comes_after_its_first_line_q127(desk):
    here = desk()
    here.simulator.fault({"stall_after": 0, "body": "x"}, endpoint="sendMail", times=1)
    here.mail(state="sent", env={"REQUEST_TIMEOUT_SECONDS": "1"})
    assert here.asked() == 1


def test_a_token_that_dies_on_the_way_is_renewed(desk):
    here = desk()
    here.simulator.fault({"expire_token": True}, endpoint="sendMail", times=1)
    assert here.mail(state="sent")["attempts"] == 1
    assert here.asked() == 2 and len(here.simulator.mails()) == 1


# --- unknown ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault, accepted", [({"reset": True}, 1), ({"delay_ms": 3_600_000}, 1), ({"status": 504}, 0),
                                             ({"status": 200, "html": True}, 0)], ids=["reset", "silence", "gateway", "portal"])
def test_what_may_have_been_taken_is_unknown_and_only_resend_sends_it_again_q128(desk, fault, accepted):
    here = desk()
    here.simulator.fault(fault, endpoint="sendMail", times=1)
    told = here.mail(state="unknown", exits=3, env={"REQUEST_TIMEOUT_SECONDS": "1"})
    assert "nobody knows whether it was taken" in told["answer"]
    assert here.mail(state="unknown", exits=3)["attempts"] == 1 and here.asked() == 1
    again = here.mail("--resend", state="sent")
    assert again["message_id"] == told["message_id"] and again["attempts"] == 2
    assert [mail["message"] for mail in here.simulator.mails()] == here.stored() * (accepted + 1)


def test_a_program_that_is_killed_while_it_sends_leaves_it_unknown_q128(desk):
    here = desk()
    here.simulator.fault({"delay_ms": 3_600_000}, endpoint="sendMail", times=1)
    with here.start() as process:
        while not here.simulator.fired():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.kill()
    assert here.mail(state="unknown", exits=3)["attempts"] == 1
    assert here.asked() == 1 and len(here.simulator.mails()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_answer_to_what_was_handed_over_come(desk, number):
    here = desk()
    here.simulator.fault({"delay_ms": 500}, endpoint="sendMail", times=1)
    with here.start() as process:
        while not here.simulator.fired():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(number)
        out, words = process.communicate(timeout=60)
    assert process.returncode in (0, 128 + number), words  # 0: nothing else was left to be done
    assert json.loads(out)["reports"][0]["mail"]["state"] == "sent"
    here.mail(state="sent")
    assert here.asked() == 1
