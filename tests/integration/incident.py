"""A small tenant in whose week every recipe of schema/queries finds something, and each answer is known: an intruder sprays passwords,
gets into Bob's account, and makes himself at home. Collected in two runs, with what happens in between; and six weeks before there was
one that nobody repeated in time. On the last day service health was scanned in the morning, hardly ever after, and mail was late."""

import datetime
import hashlib
import json
import sqlite3

import announcements

BEFORE, NOW = 1_763_632_800, 1_763_640_000  # 2025-11-20, 10:00 and 12:00 UTC: the two runs
LONG_AGO = NOW - 45 * 86400
HOUR, DAY = 3600, 86400

ATTACKER = "203.0.113.66"
OFFICE = "198.51.100.7"
PORTAL = "Azure Portal"

# name: (id, user principal name)
ACCOUNTS = {name: (f"{number:08d}-0000-4000-8000-00000000{number:04d}", f"{name}@contoso.example") for number, name in enumerate(
    ["ada", "bob", "quinn", "ivy", "ned", "fay", "dan", "gil", "gus"] + [f"user{n}" for n in range(12)], 1)}
ACCOUNTS["gus"] = (ACCOUNTS["gus"][0], "gus_fabrikam.example#EXT#@contoso.example")
FORMER = "ada.lovelace@contoso.example"  # Ada's name until the second run

SPRAYED = [f"user{n}@contoso.example" for n in range(12)]


def iso(epoch):
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def stored(epoch):
    """As the store writes it."""
    return iso(epoch)[:-1] + ".0000000Z"


def account(name, **more):
    number, address = ACCOUNTS[name]
    return {"id": number, "userPrincipalName": address, "displayName": name.title(), "mail": address, "accountEnabled": True,
            "userType": "Member", "createdDateTime": "2022-01-01T00:00:00Z", "assignedLicenses": [],
            "signInActivity": {"lastSignInDateTime": iso(NOW - DAY)}, **more}


def sign_in(number, name, ago, *, error=0, reason="Other.", country="CZ", ip=OFFICE, address=None, **more):
    number_of, user = ACCOUNTS[name]
    return {"id": f"10000000-0000-4000-8000-{number:012d}", "createdDateTime": iso(NOW - ago), "userId": number_of,
            "userDisplayName": name.title(), "userPrincipalName": address or user, "appId": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
            "appDisplayName": PORTAL, "ipAddress": ip, "clientAppUsed": "Browser", "isInteractive": True, "riskState": "none",
            "riskLevelDuringSignIn": "none", "riskLevelAggregated": "none", "riskEventTypes_v2": [], "resourceDisplayName": PORTAL,
            "status": {"errorCode": error, "failureReason": reason, "additionalDetails": None},
            "location": {"city": None, "state": None, "countryOrRegion": country}, **more}


def change(name, before, after):
    return {"displayName": name, "oldValue": before, "newValue": after}


def target(name, *changes, kind="User"):
    if name in ACCOUNTS:
        return {"id": ACCOUNTS[name][0], "displayName": name.title(), "type": kind, "userPrincipalName": ACCOUNTS[name][1],
                "modifiedProperties": list(changes)}
    return {"id": f"id of {name}", "displayName": name, "type": kind, "userPrincipalName": None, "modifiedProperties": list(changes)}


def audit(number, operation, who, ago, *targets, result="success", category="UserManagement", details=(), **more):
    number_of, user = ACCOUNTS[who]
    return {"id": f"Directory_{number:06d}", "activityDateTime": iso(NOW - ago), "activityDisplayName": operation, "category": category,
            "result": result, "loggedByService": "Core Directory", "operationType": "Update", "resultReason": "",
            "initiatedBy": {"app": None, "user": {"id": number_of, "displayName": None, "userPrincipalName": user, "ipAddress": OFFICE}},
            "targetResources": list(targets), "additionalDetails": [{"key": key, "value": value} for key, value in details], **more}


RISKY = sign_in(40, "bob", 3 * HOUR, country="RU", ip=ATTACKER, error=50074, reason="Strong Authentication is required.")

SIGN_INS = [
    # The spray, and what it found. One attempt is older than the week, and one of a locked account comes from elsewhere.
    *[sign_in(number, f"user{number}", 6 * HOUR - 60 * number, error=50126, reason="Invalid username or password.", country="RU",
              ip=ATTACKER) for number in range(12)],
    sign_in(20, "bob", 5 * HOUR, country="RU", ip=ATTACKER),
    sign_in(21, "user0", 20 * DAY, error=50126, country="RU", ip=ATTACKER),
    sign_in(22, "user1", 2 * DAY, error="50053", reason="Account is locked.", country="US", ip="192.0.2.5"),
    # Where accounts usually are.
    sign_in(23, "bob", 10 * DAY),
    sign_in(24, "ada", 2 * DAY, address=FORMER),
    sign_in(25, "ada", 10 * HOUR, country="CZ", address=FORMER),
    sign_in(26, "ada", 8 * HOUR, country="BR", ip="192.0.2.44", address=FORMER),
    sign_in(28, "ada", 12 * DAY, address="countess@contoso.example"),  # a name that no list of users ever told
    sign_in(27, "quinn", DAY, clientAppUsed="IMAP4", appDisplayName="Office 365 Exchange Online"),
    RISKY,
]

ROBOT = {"id": "10000000-0000-4000-8000-000000000050", "createdDateTime": iso(NOW - 4 * HOUR), "userId": "", "userDisplayName": "",
         "userPrincipalName": "", "servicePrincipalId": "5f0e0000-0000-4000-8000-000000000001", "servicePrincipalName": "backup robot",
         "appId": "5f0e0000-0000-4000-8000-000000000002", "appDisplayName": "backup robot", "ipAddress": ATTACKER,
         "clientCredentialType": "clientSecret", "signInEventTypes": ["servicePrincipal"], "resourceDisplayName": "Microsoft Graph",
         "status": {"errorCode": 0, "failureReason": "Other."}, "location": {"countryOrRegion": "RU"}}

ROLE = change("Role.DisplayName", None, '"Global Administrator"')
KEYS = "[KeyIdentifier=1,KeyType=Password,KeyUsage=Verify,DisplayName=nightly]"
POLICY = '{"id":"p","state":"%s","modifiedDateTime":"%s","conditions":{"users":{"excludeUsers":[%s]}}}'

AUDITS = [
    audit(1, "Add member to role", "ada", 4 * HOUR, target("bob", ROLE), category="RoleManagement"),
    audit(2, "Remove member from role", "ada", 3 * HOUR, target("bob", change("Role.DisplayName", '"Global Administrator"', None)),
          category="RoleManagement"),
    audit(3, "Add member to role in PIM requested (permanent)", "bob", 4 * HOUR + 60, target("Security Administrator", kind="Role"),
          target("quinn"), category="RoleManagement"),
    audit(4, "Add member to role in PIM completed (permanent)", "bob", 4 * HOUR - 60, target("Security Administrator", kind="Role"),
          target("", kind="Request"), target("quinn"), category="RoleManagement"),
    audit(5, "Add member to role", "ada", 4 * HOUR - 120, target("fay", change("Role.DisplayName", None, '"Reports Reader"')),
          category="RoleManagement"),
    audit(6, "Reset user password", "ada", 5 * HOUR, target("bob")),
    audit(7, "Change password (self-service)", "quinn", 6 * HOUR, target("quinn")),
    audit(8, "User registered security info", "bob", 4 * HOUR, target("bob"), resultReason="User registered Authenticator App"),
    audit(9, "Update user", "bob", 4 * HOUR - 30, target("bob", change("StrongAuthenticationPhoneAppDetail", "[]", '[{"DeviceName":"x"}]'))),
    audit(10, "Update user", "quinn", 7 * HOUR, target("ada", change("Department", '["Research"]', '["Sales"]'))),
    audit(11, "Invite external user", "bob", 3 * DAY, target("gus"), details=[("invitedUserEmailAddress", "gus@fabrikam.example")]),
    audit(12, "Consent to application", "bob", 3 * HOUR, target(
        "mail sweeper", change("ConsentContext.IsAdminConsent", None, '"True"'),
        change("ConsentAction.Permissions", None, '"[] => [[Scope: Mail.Read offline_access]]; "'), kind="ServicePrincipal"),
          category="ApplicationManagement"),
    audit(13, "Add app role assignment to service principal", "bob", 3 * HOUR - 60, target(
        "Microsoft Graph", change("AppRole.Value", None, '"Mail.ReadWrite"'), kind="ServicePrincipal"), category="ApplicationManagement"),
    audit(14, "Update application – Certificates and secrets management ", "bob", 3 * HOUR - 120, target(
        "backup robot", change("KeyDescription", "[]", json.dumps([KEYS])), kind="Application"), category="ApplicationManagement"),
    audit(15, "Add service principal credentials", "bob", 3 * HOUR - 180, target("backup robot", kind="ServicePrincipal"),
          category="ApplicationManagement"),
    audit(16, "Update conditional access policy", "bob", 2 * HOUR, target(
        "Require MFA", change("ConditionalAccessPolicy", POLICY % ("enabled", "a", ""), POLICY % ("disabled", "b", '"bob"')), kind="Policy"),
          category="Policy"),
    audit(23, "Update policy", "bob", 2 * HOUR + 60, target(
        "Require MFA", change("PolicyDetail", json.dumps([json.dumps({"State": "Enabled", "ModifiedDateTime": "a"})]),
                              json.dumps([json.dumps({"State": "Disabled", "ModifiedDateTime": "b"})])),
        change("Enforced", "false", "true"), change("Note", "by hand", '"by hand'),
        change("Included Updated Properties", None, '"PolicyDetail"'), kind="Policy"), category="Policy"),
    audit(17, "Delete policy", "bob", 2 * HOUR - 60, target("Block legacy", kind="Policy"), category="Policy"),
    audit(18, "Add user", "ada", 3 * DAY, target("fay")),
    audit(19, "Disable account", "ada", HOUR, target("dan")),
    audit(20, "Delete user", "ada", HOUR - 60, target("gil")),
    audit(21, "Update application", "bob", 3 * HOUR, target("backup robot", kind="Application"), category="ApplicationManagement"),
    audit(22, "Reset user password", "ada", 60 * DAY, target("bob")),  # out of every period, and of the service's reach
]



def intune_audit(number, operation, kind, who, ago, *resources, result="Success", category="DeviceConfiguration", app="Intune portal"):
    number_of, user = ACCOUNTS[who]
    return {"id": f"20000000-0000-4000-8000-{number:012d}", "displayName": operation, "componentName": category, "activity": None,
            "activityDateTime": iso(NOW - ago)[:-1] + ".7023255Z", "activityType": operation, "activityOperationType": kind,
            "activityResult": result, "correlationId": f"20000000-0000-4000-8001-{number:012d}", "category": category,
            "actor": {"auditActorType": "ItPro", "userPermissions": ["*"], "applicationId": "5926fc8e-304e-4f59-8bed-58ca97cc39a4",
                      "applicationDisplayName": app, "userPrincipalName": user, "servicePrincipalName": None, "ipAddress": None,
                      "userId": number_of}, "resources": list(resources)}


def resource(name, *changes, kind="DeviceCompliancePolicy"):
    return {"displayName": name, "auditResourceType": kind, "resourceId": f"id of {name}", "modifiedProperties": list(changes)}


INTUNE_AUDITS = [
    intune_audit(1, "Patch DeviceCompliancePolicy", "Patch", "bob", 3 * HOUR, resource(
        "Phones", change("PasswordRequired", "True", "False"), change("DisplayName", "Phones", "Phones"),
        change("PasswordMinimumLength", "6", ""))),
    intune_audit(2, "Delete DeviceConfiguration", "Delete", "bob", 2 * HOUR - 300, resource("Disk encryption"), resource("<null>")),
    intune_audit(3, "Wipe ManagedDevice", "Action", "ada", 40 * DAY, resource("phone of gil"), category="Device"),
]

# --- service health ---------------------------------------------------------------------------------------------------

MORNING = NOW - 10 * HOUR
MAIL = "Mail is late"


def mail_issue(modified, status, *posts, **more):
    return announcements.issue("EX900001", "Exchange Online", MAIL, iso(modified), *(
        announcements.post(iso(created), content) for created, content in posts), classification="Incident", status=status, **more)


LOOKING = (MORNING + 800, "We look into it.")
FOUND = (MORNING + 1500, "A queue is <b>stuck</b>.")
OVER = (MORNING + 4200, "Mail is delivered again.")
LATE_MAIL = [mail_issue(MORNING + 800, "ServiceDegradation", LOOKING),
             mail_issue(MORNING + 1500, "serviceDegradation", FOUND, LOOKING),  # the newest first: no order is promised
             mail_issue(MORNING + 4200, "serviceRestored", OVER, FOUND, LOOKING, isResolved=True, endDateTime=iso(MORNING + 4100))]
ENROLMENT = announcements.issue("IT900002", "Microsoft Intune", "Enrolment fails", iso(BEFORE - 60),
                                announcements.post(iso(BEFORE - 60), "We restart it."), classification="incident",
                                status="serviceInterruption")
SEARCH_BOX = announcements.issue("SP900003", "SharePoint Online", "The search box is slow", iso(NOW - 3 * DAY), status="investigating")
MESSAGES = [
    announcements.message("MC900001", ["Exchange Online", "Microsoft Intune"], "Basic authentication retires", iso(NOW - 2 * DAY),
                          "<p>Basic authentication will <b>retire</b>: move to OAuth.</p>", category="planForChange", severity="High",
                          act_by="2025-12-15T00:00:00Z", isMajorChange=True),
    announcements.message("MC900002", ["SharePoint Online"], "Alerts retire", iso(NOW - 4 * DAY), "<p>Use rules.</p>",
                          act_by="2025-12-01T00:00:00Z"),
    announcements.message("MC900003", ["SharePoint Online"], "Old workflows", iso(NOW - 9 * DAY), "Gone.", act_by=iso(NOW - DAY)),
    announcements.message("MC900004", ["Exchange Online"], "A new button", iso(NOW - DAY), "<p>It is blue.</p>"),
]

# moment: (status of Exchange and of Intune, issues); None: the scan fails.
SCANS = {
    MORNING: ("serviceOperational", "serviceOperational", [SEARCH_BOX]),
    MORNING + 900: ("ServiceDegradation", "serviceOperational", [SEARCH_BOX, LATE_MAIL[0]]),
    MORNING + 1800: ("serviceDegradation", "ServiceOperational", [SEARCH_BOX, LATE_MAIL[1]]),
    MORNING + 2700: None,
    MORNING + 3600: ("restoringService", "serviceOperational", [SEARCH_BOX, LATE_MAIL[1]]),
    MORNING + 4500: ("serviceRestored", "serviceOperational", [SEARCH_BOX, LATE_MAIL[2]]),
    NOW - 4 * HOUR: None,
    BEFORE: ("serviceOperational", "serviceInterruption", [SEARCH_BOX, LATE_MAIL[2], ENROLMENT]),
    NOW - 1200: ("serviceOperational", "serviceInterruption", [SEARCH_BOX, LATE_MAIL[2], ENROLMENT]),
    NOW: ("serviceOperational", "serviceInterruption", [SEARCH_BOX, LATE_MAIL[2], ENROLMENT]),
}

SIGNED_IN_LONG_AGO = {"signInActivity": {"lastSignInDateTime": iso(NOW - 200 * DAY)}}

USERS = [
    account("ada", userPrincipalName=FORMER, mail=FORMER),
    account("bob"),
    account("quinn", **SIGNED_IN_LONG_AGO),  # but see the sign-in of a day ago
    account("ivy", **SIGNED_IN_LONG_AGO, assignedLicenses=[{"skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965", "disabledPlans": []}]),
    account("ned", createdDateTime="2024-01-01T00:00:00Z", signInActivity=None),
    account("fay", createdDateTime=iso(NOW - 3 * DAY), signInActivity=None),
    account("dan", **SIGNED_IN_LONG_AGO),
    account("gil"),
    account("gus", mail="gus@fabrikam.example", userType="Guest", createdDateTime=iso(NOW - 3 * DAY), signInActivity=None,
            externalUserState="PendingAcceptance"),
    *[account(f"user{n}") for n in range(12)],
]

CONFIG = """
customers:
  - name: contoso
    variable: CONTOSO
    sources: [users, sign-ins, directory-audits, intune-audits, health]
    services: [exchange, Microsoft Intune]
    sign_in_types: [interactiveUser, servicePrincipal]
"""


def happens_before(simulator):
    for user in USERS:
        simulator.edit_user(user["id"], set=user)
    for source, records in (("sign-ins", [*SIGN_INS, ROBOT]), ("directory-audits", AUDITS), ("intune-audits", INTUNE_AUDITS)):
        for record in records:
            simulator.add_record(source, record)


def happens_between(simulator):
    simulator.edit_user(ACCOUNTS["ada"][0], patch={"userPrincipalName": ACCOUNTS["ada"][1], "mail": ACCOUNTS["ada"][1]})
    simulator.edit_user(ACCOUNTS["dan"][0], patch={"accountEnabled": False})
    simulator.edit_user(ACCOUNTS["gil"][0], remove="changed")
    simulator.add_record("sign-ins", {**RISKY, "riskLevelDuringSignIn": "high", "riskState": "atRisk",
                                      "riskEventTypes_v2": ["passwordSpray"]}, replace=True)


def announce(simulator, moment):
    """What service health says at that moment."""
    if SCANS[moment] is None:
        announcements.serve(simulator, None, None, None)
        return
    exchange, intune, issues = SCANS[moment]
    announcements.serve(simulator, [announcements.overview("Exchange", exchange), announcements.overview("Intune", intune),
                                    announcements.overview("SharePoint", "serviceDegradation")], issues, MESSAGES)


# The outbox: a window's first mail failed and its second reached one of two; one waits; of one nobody knows.
# (days before NOW, state, attempts, next attempt, answer, [(address, state, code, answer)])
MAILS = [
    (2, "failed", 1, None, "every recipient was refused", [("desk@contoso.example", "failed", 550, "5.1.1 no such user")]),
    (2, "sent", 1, None, "250 2.0.0 ok", [("desk@contoso.example", "sent", 250, "2.1.5 ok"), ("boss@contoso.example", "failed", 552, None)]),
    (1, "queued", 2, NOW + 300, "421 4.3.2 try again later", [("desk@contoso.example", "queued", None, None)]),
    (0, "unknown", 1, None, "the program ended while the message was being handed over", [("desk@contoso.example", "unknown", None, None)]),
]


def keep_mails(database):
    message = b"Subject: Service health\r\n\r\n"
    connection = sqlite3.connect(database)
    with connection:
        for number, (days, state, attempts, next_attempt, answer, recipients) in enumerate(MAILS, 1):
            created = NOW - days * DAY
            connection.execute(
                "INSERT INTO mail (mail_id, customer_id, kind, from_s, to_s, resend, subject, sender, message_id, state, attempts, created_at, "
                "queued_at, next_attempt_at, sent_at, answer, content_hash, message) VALUES (?, 1, 'report', ?, ?, 0, 'Service health', "
                "'desk@fabrikam.example', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (number, created - DAY, created, f"{number}@fabrikam.example", state, attempts, created + number, created + number,
                 next_attempt, created + number if state == "sent" else None, answer, hashlib.sha256(message).digest()[:16], message))
            connection.executemany("INSERT INTO mail_recipient (mail_id, place, address, state, code, answer) VALUES (?, ?, ?, ?, ?, ?)", (
                (number, place, *recipient) for place, recipient in enumerate(recipients)))
    connection.close()


def collect(keep, simulator, folder):
    """All runs, into incident.db of the folder. The simulator is to have no records and accounts of its own."""
    from simulator import CLIENT_ID, CLIENT_SECRET, TENANT  # pylint: disable=import-outside-toplevel
    (folder / "m365keep.yaml").write_text(CONFIG, encoding="utf-8")
    happens = {BEFORE: happens_before, NOW: happens_between}
    for moment in sorted({LONG_AGO, *SCANS}):
        clock = f"{moment}@0@{moment}"
        simulator.clock(clock)
        if moment in happens:
            happens[moment](simulator)
        only = [] if moment in happens else ["--only", "health"]
        if moment in SCANS:
            announce(simulator, moment)
        else:
            only = ["--only", "sign-ins,directory-audits"]
        result = keep(["collect", "--db", "incident.db", "--config", "m365keep.yaml", *only], sim=simulator, env={
            "CONTOSO": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}", "M365KEEP_CLOCK": clock, "GRAPH_TENANT_ID": None, "GRAPH_CLIENT_ID": None,
            "GRAPH_CLIENT_SECRET": None})
        assert (result.returncode == 0) == (SCANS.get(moment, True) is not None), result.stderr
    keep_mails(folder / "incident.db")
    return folder / "incident.db"
