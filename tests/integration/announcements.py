"""Service announcements as a test wants them: records of the documented shapes, and a simulator that answers with them, byte for byte,
whatever timeline of its own it plays."""

import base64
import json

SERVICES = {"Exchange": "Exchange Online", "Intune": "Microsoft Intune", "SharePoint": "SharePoint Online"}


def overview(number, status="serviceOperational"):
    return {"id": number, "service": SERVICES[number], "status": status}


def post(created, content, kind="regular"):
    return {"createdDateTime": created, "postType": kind, "description": {"contentType": "html", "content": content}}


def issue(number, service, title, modified, *posts, classification="advisory", status="serviceDegradation", **more):
    return {"startDateTime": "2025-11-19T08:00:00Z", "endDateTime": None, "lastModifiedDateTime": modified, "title": title, "id": number,
            "impactDescription": f"Users may notice: {title}", "classification": classification, "origin": "microsoft",
            "status": status, "service": service, "feature": "Access", "featureGroup": "Portal", "isResolved": False, "highImpact": None,
            "details": [], "posts": list(posts), **more}


def message(number, services, title, modified, body, *, category="stayInformed", severity="normal", act_by=None, **more):
    return {"startDateTime": "2025-11-01T07:30:00Z", "endDateTime": "2026-05-01T07:00:00Z", "lastModifiedDateTime": modified, "title": title,
            "id": number, "category": category, "severity": severity, "tags": ["Admin impact"], "isMajorChange": False,
            "actionRequiredByDateTime": act_by, "services": services, "expiryDateTime": None, "hasAttachments": False, "viewPoint": None,
            "details": [], "body": {"contentType": "html", "content": body}, **more}


def as_sent(record):
    """Bytes go as they are, anything else as JSON."""
    return record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode()


def serve(simulator, overviews=(), issues=(), messages=()):
    """From now on, to every tenant. None instead of records: that listing is refused."""
    faults = []
    for listing, records in (("healthOverviews", overviews), ("issues", issues), ("messages", messages)):
        action = {"status": 403, "code": "Authorization_RequestDenied"}
        if records is not None:
            page = b'{"@odata.context":"announcements","value":[' + b",".join(as_sent(record) for record in records) + b"]}"
            action = {"status": 200, "body_base64": base64.b64encode(page).decode()}
        faults.append({"match": {"path": f"/serviceAnnouncement/{listing}"}, "action": action})
    simulator.faults(faults)
