"""The simulator's sendMail, seen as a client sees it."""

import base64
import concurrent.futures
import threading

import pytest

from simulator import CLIENT_ID, TENANT, exchange

NOON = 1_763_640_000  # 2025-11-20T12:00:00Z
STILL = f"{NOON}@0@{NOON}"
OTHER_TENANT = "22222222-3333-4444-8555-666666666666"
DESK = "desk@contoso.example"
FEW = ["--sign-ins", 0, "--directory-audits", 0, "--users", 230]
OPEN = [*FEW, "--grant-role", "Mail.Send", "--mailbox", DESK]
MESSAGE = (b"From: \"Health desk\" <desk@contoso.example>\r\nTo: Ada <ada@example.org>,\r\n \"Lovelace, B.\" <bea@example.org>\r\n"
           b"Cc: carl@example.org\r\nSubject: Service\r\n\thealth\r\nMessage-ID: <1@contoso.example>\r\n\r\nAll is well.\r\n")


@pytest.fixture(name="post")
def fixture_post(sim):
    """A simulator that takes mail from the desk."""
    return sim(OPEN, clock=STILL)


def refused(answer, status, code):
    assert answer.status == status and answer.json()["error"]["code"] == code, answer.body
    return answer.json()["error"]["message"]


def test_a_mail_is_accepted_with_an_empty_body_and_kept_byte_for_byte_q127(post):
    answer = post.send_mail(DESK, MESSAGE)
    assert (answer.status, answer.body) == (202, b"")
    assert post.mails()[0] == {
        "time": "2025-11-20T12:00:00.0000000Z", "tenant": TENANT, "app": CLIENT_ID, "mailbox": DESK,
        "request_id": answer.headers["request-id"], "from": [DESK], "to": ["ada@example.org", "bea@example.org"],
        "cc": ["carl@example.org"], "subject": "Service\thealth", "message_id": "<1@contoso.example>", "bytes": len(MESSAGE),
        "message": MESSAGE, "message_base64": post.mails()[0]["message_base64"]}
    assert post.stats()["requests"]["sendMail"] == 1 and post.stats()["families"]["mail"]["requests"] == 1


def test_mails_are_kept_in_their_order_and_each_as_often_as_it_came(post):
    for body in (b"one", b"two", b"two"):
        assert post.send_mail(DESK, MESSAGE + body).status == 202
    assert [mail["message"][-3:] for mail in post.mails()] == [b"one", b"two", b"two"]


@pytest.mark.parametrize("mailbox", ["userPrincipalName", "id"])
def test_an_account_is_a_mailbox_by_its_name_and_by_its_id(post, mailbox):
    user = next(user for _, user in post.users_at(NOON).values() if user and user["userType"] == "Member")
    assert post.send_mail(user[mailbox].upper(), MESSAGE, version="beta").status == 202
    assert post.mails()[0]["mailbox"] == user[mailbox].lower()


def test_a_mailbox_with_signs_is_found_by_its_escaped_name(post):
    post.control("tenants", {"mailboxes": ["o'hara+news#1@contoso.example"]})
    assert post.send_mail("o'hara+news#1@contoso.example", MESSAGE).status == 202
    refused(post.send_mail(DESK, MESSAGE), 404, "ErrorInvalidUser")


def test_no_account_no_mailbox(post):
    assert "nobody@contoso.example" in refused(post.send_mail("nobody@contoso.example", MESSAGE), 404, "ErrorInvalidUser")
    gone = next(user for user, (removed, _) in post.users_at(NOON).items() if removed)
    refused(post.send_mail(gone, MESSAGE), 404, "ErrorInvalidUser")


def test_a_guest_has_no_mailbox_q130(post):
    guest = next(user for _, user in post.users_at(NOON).values() if user and user["userType"] == "Guest")
    refused(post.send_mail(guest["userPrincipalName"], MESSAGE), 404, "MailboxNotEnabledForRESTAPI")


def test_a_policy_keeps_apps_from_the_mailboxes_that_it_does_not_name_q130(post):
    post.control("tenants", {"mail_policy": ["other@contoso.example"]})
    assert refused(post.send_mail(DESK, MESSAGE), 403, "ErrorAccessDenied") == "Access to OData is disabled."
    post.control("tenants", {"mail_policy": [DESK.upper()]})
    assert post.send_mail(DESK, MESSAGE).status == 202
    post.control("tenants", {"mail_policy": None})
    assert post.send_mail(DESK, MESSAGE).status == 202


def test_mail_send_is_not_granted_unless_it_is_said_q130(sim):
    simulator = sim([*FEW, "--mailbox", DESK], clock=STILL)
    refused(simulator.send_mail(DESK, MESSAGE), 403, "ErrorAccessDenied")
    simulator.control("tenants", {"granted_roles": ["Mail.Send"]})
    assert simulator.send_mail(DESK, MESSAGE).status == 202
    simulator.control("tenants", {"withheld_roles": ["Mail.Send"]})
    refused(simulator.send_mail(DESK, MESSAGE), 403, "ErrorAccessDenied")
    assert len(simulator.mails()) == 1


def test_a_token_without_any_role_says_so_q130(post):
    roles = ["Application.Read.All", "AuditLog.Read.All", "DeviceManagementApps.Read.All", "Directory.Read.All", "Mail.Send",
             "ServiceHealth.Read.All", "ServiceMessage.Read.All", "User.Read.All"]
    post.control("tenants", {"withheld_roles": roles})
    refused(post.send_mail(DESK, MESSAGE), 403, "NoPermissionsInAccessToken")


def test_a_grant_is_a_matter_of_each_tenant(sim):
    simulator = sim([*FEW, "--tenant", TENANT, "--tenant", OTHER_TENANT, "--mailbox", DESK], clock=STILL)
    simulator.control("tenants", {"tenant": OTHER_TENANT, "granted_roles": ["Mail.Send"]})
    refused(simulator.send_mail(DESK, MESSAGE, simulator.token(TENANT)), 403, "ErrorAccessDenied")
    assert simulator.send_mail(DESK, MESSAGE, simulator.token(OTHER_TENANT)).status == 202
    assert simulator.mails()[0]["tenant"] == OTHER_TENANT


@pytest.mark.parametrize("body", [b"", b"no base64!", b"QUJD=", b"QQ", b"QQ==QQ==", b"=AAA"])
def test_what_is_no_base64_is_refused(post, body):
    refused(post.send_mail(DESK, MESSAGE, body=body), 400, "ErrorMimeContentInvalidBase64String")
    assert not post.mails()


def test_base64_may_come_in_lines(post):
    assert post.send_mail(DESK, MESSAGE, body=base64.encodebytes(MESSAGE).replace(b"\n", b"\r\n")).status == 202
    assert post.mails()[0]["message"] == MESSAGE


@pytest.mark.parametrize("content_type", ["application/json", "text/plainer", "message/rfc822"])
def test_only_mime_as_plain_text_is_taken(post, content_type):
    refused(post.send_mail(DESK, MESSAGE, headers={"Content-Type": content_type}), 415, "UnsupportedMediaType")
    assert post.send_mail(DESK, MESSAGE, headers={"Content-Type": "text/plain; charset=us-ascii"}).status == 202


def test_a_message_to_nobody_is_refused(post):
    refused(post.send_mail(DESK, b"From: desk@contoso.example\r\nSubject: x\r\n\r\nTo: nobody\r\n"), 400, "ErrorInvalidRecipients")


def test_four_megabytes_are_the_most_q129(post):
    whole = MESSAGE + b"x" * (3 * (1 << 20) - len(MESSAGE))
    assert post.send_mail(DESK, whole).status == 202
    refused(post.send_mail(DESK, whole + b"x"), 413, "ErrorMessageSizeExceeded")
    assert [mail["bytes"] for mail in post.mails()] == [3 << 20]


def test_a_mail_without_a_good_token_is_refused(post):
    link = f"{post.url}/v1.0/users/{DESK}/sendMail"
    assert exchange(link, "POST", {"Content-Type": "text/plain"}, "eA==").status == 401
    assert post.send_mail(DESK, MESSAGE, token="forged").status == 401
    assert post.send_mail(DESK, MESSAGE, method="GET").status == 405
    assert not post.mails()


def test_a_mail_whose_answer_a_fault_replaces_was_not_accepted_and_one_that_is_not_answered_was(post):
    post.fault({"status": 503}, endpoint="sendMail", times=1)
    assert post.send_mail(DESK, MESSAGE).status == 503 and not post.mails()
    post.fault({"reset": True}, endpoint="sendMail", times=1)
    with pytest.raises(OSError):
        post.send_mail(DESK, MESSAGE)
    assert len(post.mails()) == 1


def test_more_than_four_at_a_time_are_refused_where_budgets_are_kept(sim):
    simulator = sim([*OPEN, "--budgets", "documented"], clock=STILL)
    simulator.fault({"delay_ms": 3_600_000}, endpoint="sendMail", times=4)
    token, held = simulator.token(), threading.Semaphore(0)

    def send():
        held.release()
        try:
            return simulator.send_mail(DESK, MESSAGE, token)
        except OSError:
            return None

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(send)
        while simulator.fired() < 4:
            held.acquire(timeout=0.01)
        refused(simulator.send_mail(DESK, MESSAGE, token), 429, "ApplicationThrottled")
        simulator.control("tenants", {"mailboxes": [DESK, "other@contoso.example"]})
        assert simulator.send_mail("other@contoso.example", MESSAGE, token).status == 202
        simulator.stop()


def test_what_is_uploaded_counts_for_the_mailbox(sim):
    simulator = sim([*OPEN, "--mailbox", "other@contoso.example", "--budgets", "documented"], clock=STILL)
    token, large = simulator.token(), MESSAGE + b"x" * (2_999_900 - len(MESSAGE))
    assert [simulator.send_mail(DESK, large, token).status for _ in range(37)] == [202] * 37
    refusal = simulator.send_mail(DESK, large, token)
    assert (refusal.status, refusal.headers["Retry-After"]) == (429, "300")
    assert simulator.send_mail("other@contoso.example", large, token).status == 202
    simulator.clock(f"{NOON + 300}@0@{NOON}")
    assert simulator.send_mail(DESK, large, simulator.token()).status == 202


@pytest.mark.parametrize("change, told", [
    ({"mailboxes": "desk"}, '"mailboxes" is an array of addresses'), ({"mail_policy": [1]}, '"mail_policy" is an array of addresses, or null'),
    ({"granted_roles": ["Mail.Read"]}, '"granted_roles" is an array of permissions')])
def test_what_cannot_be_is_refused_with_what_was_expected(post, change, told):
    with pytest.raises(ValueError, match=told):
        post.control("tenants", change)
