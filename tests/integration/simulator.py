"""m365keep-sim for tests: starts it, talks to its control interface, and is a small Graph client of its own."""

import base64
import hashlib
import http.client
import json
import os
import pathlib
import select
import signal
import ssl
import subprocess
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
CLIENT_SECRET = "simulated~Secret.1+/="
START_TIMEOUT_S = 60


def build_folder():
    return pathlib.Path(os.environ.get("M365KEEP_BUILD", ROOT / "build" / "debug"))


def binary():
    return build_folder() / "m365keep-sim"


class Answer:
    """Status, headers (a case-insensitive mapping) and body of one HTTP answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def exchange(url, method="GET", headers=None, body=None, timeout=60, ca=None):
    """One request on a connection of its own; nothing of the URL is touched on the way. ca: the file that https trusts."""
    parts = urllib.parse.urlsplit(url)
    target = url[len(f"{parts.scheme}://{parts.netloc}"):] or "/"
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout,
                                                 context=ssl.create_default_context(cafile=ca))
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def elements(body):
    """The elements of "value" as the exact bytes in which they were sent."""
    text = body.decode()
    at = text.index('"value":[') + len('"value":[')
    decoder, found = json.JSONDecoder(), []
    while text[at] != "]":
        end = decoder.raw_decode(text, at)[1]
        found.append(text[at:end].encode())
        at = end + 1 if text[end] == "," else end
    return found


class Simulator:
    """One running simulator. Use it as a context manager, or call start() and stop()."""

    def __init__(self):
        self.process = None
        self.folder = None
        self.ready = None
        self.args = []
        self.ca = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, *args, clock=None, authority=None):
        """Starts it with these options, given one by one or as a list, and returns once it listens. clock: a SPEC; None: real
        time. authority: it serves https with that authority's certificate of localhost."""
        if len(args) == 1 and isinstance(args[0], (list, tuple)):
            args = args[0]
        self.folder = tempfile.TemporaryDirectory(prefix="m365keep-sim-")
        ready_file = pathlib.Path(self.folder.name) / "ready.json"
        self.args = [str(a) for a in args] + (["--clock", clock] if clock else [])
        # What a test is not about shall not be in its way: audits of Intune are there for those who ask for them.
        if "--intune-audits" not in self.args and not any(a.startswith("intune-audits=") for a in self.args):
            self.args += ["--intune-audits", "0"]
        # The same for announcements; a scan of no services at all would be a failure.
        for option in ("--issues", "--messages"):
            self.args += [] if option in self.args else [option, "0"]
        if authority:
            self.ca = authority.file
            self.args += ["--tls", str(authority.server)]
        environment = {k: v for k, v in os.environ.items() if k != "M365KEEP_CLOCK"}
        self.process = subprocess.Popen(
            [binary(), "--ready-file", ready_file, "--exit-with-parent", *self.args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment)
        # The ready file is complete before the line is printed.
        readable = select.select([self.process.stdout], [], [], START_TIMEOUT_S)[0]
        line = self.process.stdout.readline() if readable else b""
        if not line:
            self.stop()
            raise RuntimeError(f"m365keep-sim {' '.join(self.args)} did not start")
        self.ready = json.loads(ready_file.read_text())
        return self

    def stop(self):
        """Ends it and returns its exit status."""
        status = None
        if self.process:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(START_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                status = self.process.wait()
            self.process.stdout.close()
            self.process = None
        if self.folder:
            self.folder.cleanup()
            self.folder = None
        return status

    @property
    def url(self):
        return self.ready["url"]

    @property
    def decoy_url(self):
        return self.ready["decoy_url"]

    # control

    def control(self, path, value=None):
        """GET /control/PATH, or POST of value as JSON; the answer's JSON. A refusal is a ValueError with its words."""
        answer = exchange(f"{self.url}/control/{path}", "GET" if value is None else "POST",
                          body=None if value is None else json.dumps(value), ca=self.ca)
        if answer.status != 200:
            raise ValueError(answer.json()["error"])
        return answer.json()

    def stats(self):
        return self.control("stats")

    def reset_stats(self):
        return self.control("reset-stats", {})

    def requests(self):
        return self.control("requests")

    def faults(self, faults):
        return self.control("faults", faults)

    def fault(self, action, path="", **rest):
        """One fault in place of all others: fault({"status": 503}, "signIns", times=2, page=1)."""
        match = {"path": path, **{k: rest.pop(k) for k in ("page", "tenant", "endpoint", "query") if k in rest}}
        return self.faults([{"match": match, "action": action, **rest}])

    def fired(self):
        """How often the faults fired so far."""
        return sum(f["fired"] for f in self.control("faults"))

    def clock(self, spec):
        return self.control("clock", {"clock": spec})

    def lines(self, path):
        """GET /control/PATH where it answers NDJSON. A refusal is a ValueError with its words."""
        answer = exchange(f"{self.url}/control/{path}", ca=self.ca)
        if answer.status != 200:
            raise ValueError(answer.json()["error"])
        return [json.loads(line) for line in answer.body.splitlines()]

    def truth(self):
        """What a complete collector of events holds now: the set of (tenant, source, id, sha256)."""
        rows = [row for row in self.lines("truth") if row["source"] != "health"]
        found = {(r["tenant"], r["source"], r["id"], r["sha256"]) for r in rows}
        assert len(found) == len(rows), "a record is listed twice"
        return found

    def add_record(self, source, record, tenant=None, replace=False):
        """Adds a record: bytes go as they are, anything else as JSON. replace: it takes the place of those of its id."""
        if not isinstance(record, bytes):
            record = json.dumps(record, ensure_ascii=False).encode()
        value = {"source": source, "record_base64": base64.b64encode(record).decode(), "replace": replace}
        return self.control("records", {**value, "tenant": tenant} if tenant else value)

    # users

    def users_at(self, at=None, tenant=TENANT, **options):
        """Every account at a moment (seconds since the epoch; None: now): {id: (removed, user)}, removed None, "changed" or
        "deleted". Options: select="id,mail", gone_days=90."""
        query = {"tenant": tenant, **({} if at is None else {"at": f"{at:.6f}"}), **options}
        rows = self.lines(f"users?{urllib.parse.urlencode(query)}")
        found = {row["id"]: (row["removed"], row["user"]) for row in rows}
        assert len(found) == len(rows), "an account is listed twice"
        return found

    def edit_user(self, user=None, tenant=TENANT, **edit):
        """Edits an account by hand, now: edit_user(ID, patch={"mail": None}), set={...} (no ID: a new one), remove="changed" or
        "deleted", restore=True. Bytes as set or patch go as they are. Returns the id."""
        for key in ("set", "patch"):
            if isinstance(edit.get(key), bytes):
                edit[f"{key}_base64"] = base64.b64encode(edit.pop(key)).decode()
        return self.control("users", {"tenant": tenant, **({"id": user} if user else {}), **edit})["ids"][0]

    def edit_users(self, edits):
        """Many at once, each as POST /control/users takes it; returns their ids."""
        return self.control("users", edits)["ids"]

    def users_link(self, path="users", version="v1.0", **options):
        """The URL of the listing or of a delta round: users_link("users/delta", select="id,mail", deltatoken="latest")."""
        query = "&".join(f"${k}={urllib.parse.quote(str(v))}" for k, v in options.items())
        return f"{self.url}/{version}/{path}" + (f"?{query}" if query else "")

    def walk_users(self, token=None, headers=None, **options):
        """The users of a whole listing, in the order of its pages."""
        return [user for answer in self.walk(self.users_link(**options), token, headers) for user in answer.json()["value"]]

    def delta_round(self, link, token=None, headers=None):
        """A whole delta round from a link on: its items, and the link that begins the next one."""
        items, last = [], None
        for answer in self.walk(link, token, headers):
            last = answer.json()
            items += last["value"]
        return items, last["@odata.deltaLink"]

    # service announcements

    def announcements_truth(self):
        """What the lists of announcements hold now: the set of (tenant, kind, id, sha256), kind "overview", "issue" or "message"."""
        rows = [row for row in self.lines("truth") if row["source"] == "health"]
        found = {(r["tenant"], r["kind"], r["id"], r["sha256"]) for r in rows}
        assert len(found) == len(rows), "a record is listed twice"
        return found

    def edit_announcement(self, kind, record=None, tenant=TENANT, **edit):
        """Edits by hand, now: a record in place of that of its id (bytes go as they are, anything else as JSON), or id="EX1" with
        remove=True or restore=True. An id besides the record is what the record is known by here."""
        if record is not None:
            record = record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode()
            edit["record_base64"] = base64.b64encode(record).decode()
        return self.control("health", {"tenant": tenant, "kind": kind, **edit})

    def timeline(self, begin, end, tenant=TENANT, step=None):
        """What each service was at, exactly, or as who looks every `step` seconds sees it: {service: [(status, from, to)]}."""
        query = {"tenant": tenant, "from": begin, "to": end, **({"step": step} if step else {})}
        found = {}
        for row in self.lines(f"health?{urllib.parse.urlencode(query)}"):
            assert row["tenant"] == tenant
            found.setdefault(row["service"], []).append((row["status"], row["from"], row["to"]))
        return found

    def announcements_link(self, collection, version="v1.0", **options):
        """The URL of a list, or of one record: announcements_link("issues", top=5), announcements_link("issues/EX1")."""
        query = "&".join(f"${k}={urllib.parse.quote(str(v))}" for k, v in options.items())
        return f"{self.url}/{version}/admin/serviceAnnouncement/{collection}" + (f"?{query}" if query else "")

    def announcements(self, collection, tenant=TENANT, page_size=None, **options):
        """What walking a list's pages gives, each record as the bytes sent, in the order of the pages."""
        prefer = "include-unknown-enum-members" + (f", odata.maxpagesize={page_size}" if page_size else "")
        walk = self.walk(self.announcements_link(collection, **options), self.token(tenant), {"Prefer": prefer})
        return [record for answer in walk for record in elements(answer.body)]

    # mail

    def mails(self):
        """The mails that were accepted, oldest first; "message" holds the bytes."""
        return [{**mail, "message": base64.b64decode(mail["message_base64"])} for mail in self.control("mails")]

    def send_mail(self, mailbox, message, token=None, version="v1.0", headers=None, body=None, method="POST"):
        """sendMail in MIME format; body: what is posted in place of the message's base64."""
        return exchange(f"{self.url}/{version}/users/{urllib.parse.quote(mailbox, safe='@')}/sendMail", method,
                        {"Authorization": f"Bearer {token or self.token()}", "Content-Type": "text/plain", **(headers or {})},
                        base64.b64encode(message) if body is None else body, ca=self.ca)

    # a client

    def ask_token(self, tenant=TENANT, headers=None, **fields):
        """The token endpoint's answer; fields replace the usual ones, None leaves one out."""
        form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
                "scope": f"{self.url}/.default", **fields}
        body = urllib.parse.urlencode({k: v for k, v in form.items() if v is not None})
        return exchange(f"{self.url}/{tenant}/oauth2/v2.0/token", "POST",
                        {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}, body, ca=self.ca)

    def token(self, tenant=TENANT):
        answer = self.ask_token(tenant)
        assert answer.status == 200, answer.body
        return answer.json()["access_token"]

    def link(self, collection, version="v1.0", **options):
        """The URL of a list: link("signIns", filter="...", top=5)."""
        query = "&".join(f"${k}={urllib.parse.quote(str(v))}" for k, v in options.items())
        folder = "deviceManagement" if collection == "auditEvents" else "auditLogs"
        return f"{self.url}/{version}/{folder}/{collection}" + (f"?{query}" if query else "")

    def get(self, link, token=None, timeout=60, headers=None):
        """GET of a link with a token, a fresh one unless given."""
        return exchange(link, headers={"Authorization": f"Bearer {token or self.token()}", **(headers or {})}, timeout=timeout,
                        ca=self.ca)

    def walk(self, link, token=None, headers=None):
        """The answers of a whole chain of pages."""
        token = token or self.token()
        while link:
            answer = self.get(link, token, headers=headers)
            assert answer.status == 200, answer.body
            yield answer
            link = answer.json().get("@odata.nextLink")

    def rows(self, source, tenant=TENANT, **options):
        """What walking a source's pages gives, in the form of truth()."""
        collection = {"sign-ins": "signIns", "directory-audits": "directoryAudits", "intune-audits": "auditEvents"}[source]
        found = set()
        for answer in self.walk(self.link(collection, **options), self.token(tenant)):
            found |= {(tenant, source, json.loads(r)["id"], hashlib.sha256(r).hexdigest()) for r in elements(answer.body)}
        return found
