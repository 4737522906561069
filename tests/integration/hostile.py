"""Records as an attacker would like them: names that drive terminals, break lines and CSV, or deceive the eye."""

import datetime
import json

# In every record below, so that one search finds them all, and how many there are.
MARKER = "hostilemarker"

NAMES = {
    "escape": "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "c1": "\x9b31mred",
    "bell": "ring\x07\x08\x7f",
    "lines": "first\nsecond\r\nthird\tcolumn",
    "overwrite": "harmless\rEVIL",
    "bidi": "invoice\u202excod.exe\u2066x\u2069",
    "invisible": "ad\u200bmin\ufeff\u2060",
    "separators": "one\u2028two\u2029three\x85four",
    "equals": '=HYPERLINK("http://evil.example","click")',
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1,1)",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "quotes": '"; DROP TABLE event; --,"',
    "html": "<script>alert(1)</script>",
    "nul": "before\0after",
    "wide": "\u65e5\u672c\u8a9e\u306e\u540d\u524d" * 5,
    "combining": "e\u0301" * 60,
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 family",
    "long": "x" * 5000,
    "percent": "%s%n%x",
    "lone": "\ud83d cut",
}


def iso(epoch):
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def sign_in(number, name, epoch):
    return {
        "id": f"00000000-aaaa-4aaa-8aaa-{number:012d}", "createdDateTime": iso(epoch), "userDisplayName": name,
        "userPrincipalName": f"{name}@evil.example", "userId": f"00000000-bbbb-4bbb-8bbb-{number:012d}", "appDisplayName": name,
        "appId": "00000000-cccc-4ccc-8ccc-000000000001", "ipAddress": "198.51.100.66", "clientAppUsed": name,
        "resourceDisplayName": MARKER, "correlationId": f"00000000-dddd-4ddd-8ddd-{number:012d}",
        "status": {"errorCode": 50126, "failureReason": name, "additionalDetails": None},
    }


def directory_audit(number, name, epoch):
    return {
        "id": f"Directory_{number:012d}_HOST_1", "category": name, "correlationId": f"00000000-eeee-4eee-8eee-{number:012d}",
        "result": "success", "resultReason": MARKER, "activityDisplayName": name, "activityDateTime": iso(epoch),
        "loggedByService": "Core Directory", "operationType": "Update",
        "initiatedBy": {"app": None, "user": {"id": f"00000000-bbbb-4bbb-8bbb-{number:012d}", "displayName": name,
                                              "userPrincipalName": f"{name}@evil.example", "ipAddress": ""}},
        "targetResources": [{"id": "t", "displayName": name, "type": "User", "userPrincipalName": name, "modifiedProperties": []}],
        "additionalDetails": [{"key": "User-Agent", "value": name}],
    }


def records(now):
    """(source, the record's bytes), all within the day before `now`; every other one is not ASCII-escaped."""
    result = []
    for number, name in enumerate(NAMES.values()):
        escaped = number % 2 == 0 or any("\ud800" <= letter <= "\udfff" for letter in name)
        for source, make in (("sign-ins", sign_in), ("directory-audits", directory_audit)):
            record = make(number, name, now - 60 * (number + 10))
            result.append((source, json.dumps(record, ensure_ascii=escaped).encode()))
    return result
