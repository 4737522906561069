"""Mail servers for tests: a scripted one that does, at any step, what it is told; aiosmtpd, which does all as it should; and
OpenSMTPD as an ordinary process."""

import base64
import contextlib
import email
import email.policy
import fcntl
import hashlib
import hmac
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "desk", "Corr3ct-horse/battery+staple"

# What a scripted server may do instead of answering.
CLOSE, RESET, SILENT = "(close)", "(reset)", "(silent)"


def tls_context(pem, minimum=ssl.TLSVersion.TLSv1_2, maximum=None):
    """A server's TLS with the certificate and key of a file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    context.load_cert_chain(str(pem))
    return context


def parsed(message):
    return email.message_from_bytes(message, policy=email.policy.default)


class Gone(Exception):
    """The session is over."""


class Session:
    """One connection to a scripted server, and what came over it."""

    def __init__(self, server, connection):
        self.server, self.connection = server, connection
        self.received, self.lines, self.recipients = b"", [], []
        self.sender = self.hello = self.server_name = self.signed_in = None
        self.encrypted = self.complete = False
        self.raw = b""  # of the latest message, as it came over the line
        self.messages = []  # all of them, as they were meant

    @property
    def message(self):
        """The latest message as it was meant: without the dots that stuff it, and without its end."""
        assert self.raw.endswith(b"\r\n.\r\n")
        return b"".join(line[1:] if line.startswith(b".") else line for line in self.raw[:-3].splitlines(keepends=True))

    # --- bytes

    def fill(self):
        data = self.connection.recv(65536)
        if not data:
            raise Gone
        self.received += data

    def line(self):
        while b"\r\n" not in self.received:
            self.fill()
        line, _, self.received = self.received.partition(b"\r\n")
        return line.decode("latin-1")

    def say(self, words):
        self.connection.sendall(words if isinstance(words, bytes) else (words + "\r\n").encode())

    def act(self, step, otherwise):
        """What the script wants at this step, else the usual. True when the answer was one of success."""
        action = self.server.action(step, otherwise)
        if callable(action):
            action = action(self)
        if action == RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if action in (CLOSE, RESET):
            raise Gone
        if action == SILENT:
            self.server.silent.set()
            while True:
                self.fill()
        if action:
            self.say(action)
        return (action if isinstance(action, bytes) else action.encode())[:1] in b"23"

    # --- the dialogue

    def encrypt(self):
        context = self.server.tls

        def note(_socket, name, _context):
            self.server_name = name

        context.sni_callback = note
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.encrypted = True

    def offer(self):
        words = ["mail.example.test greets you", *self.server.offers]
        if self.server.tls and not self.encrypted:
            words.append("STARTTLS")
        if self.server.mechanisms and (self.encrypted or not self.server.tls):
            words.append("AUTH " + self.server.mechanisms)
        return "\r\n".join(f"250{'-' if word is not words[-1] else ' '}{word}" for word in words)

    def exchange(self, challenge):
        self.say("334 " + base64.b64encode(challenge.encode()).decode())
        return self.line()

    def credentials(self, mechanism, initial):
        """(user, True when the password was right), or None when the client called it off."""
        if mechanism == "CRAM-MD5":
            answer = self.exchange("<1.2@mail.example.test>")
            if answer == "*":
                return None
            user, _, digest = base64.b64decode(answer).decode().partition(" ")
            return user, digest == hmac.new(PASSWORD.encode(), b"<1.2@mail.example.test>", hashlib.md5).hexdigest()
        if mechanism == "LOGIN":
            user = initial or self.exchange("Username:")
            password = user if user == "*" else self.exchange("Password:")
            return None if "*" in (user, password) else (base64.b64decode(user).decode(),
                                                         base64.b64decode(password).decode() == PASSWORD)
        answer = initial or self.exchange("")
        if answer == "*":
            return None
        _, user, password = base64.b64decode(answer).decode().split("\0")
        return user, password == PASSWORD

    def sign_in(self, words):
        mechanism, _, initial = words.partition(" ")
        self.server.tried.append(mechanism)
        if mechanism not in ("PLAIN", "LOGIN", "CRAM-MD5"):
            self.say("504 5.5.4 unknown mechanism" if self.exchange("?") != "*" else "501 5.0.0 called off")
            return
        told = self.credentials(mechanism, initial)
        if told is None:
            self.say("501 5.0.0 called off")
        elif self.act("auth", "235 2.7.0 welcome" if told == (USER, True) else "535 5.7.8 wrong user or password"):
            self.signed_in = (mechanism, told[0])

    def take_message(self):
        anyone = self.recipients or "PIPELINING" in self.server.offers
        if not self.act("data", "354 go on" if anyone else "503 5.5.1 for whom?"):
            return
        self.server.action("before-message", lambda _session: None)(self)
        while not self.received.endswith(b"\r\n.\r\n") and self.received != b".\r\n":
            self.fill()
        self.raw, self.received, self.complete = self.received, b"", True
        self.messages += [self.message] if self.raw.endswith(b"\r\n.\r\n") else []
        self.act("message", "250 2.0.0 queued as 4711")

    def command(self, line):
        verb, _, rest = line.partition(" ")
        verb = verb.upper()
        if verb in ("EHLO", "HELO"):
            self.hello = rest
            self.act("ehlo-tls" if self.encrypted else verb.lower(), self.offer() if verb == "EHLO" else "250 hello")
        elif verb == "STARTTLS":
            if self.act("starttls", "220 2.0.0 begin"):
                self.act("handshake", "")
                self.encrypt()
        elif verb == "AUTH":
            self.sign_in(rest)
        elif verb == "MAIL":
            if self.act("mail", "250 2.1.0 sender ok"):
                self.sender = rest
        elif verb == "RCPT":
            if self.act("rcpt", "250 2.1.5 recipient ok"):
                self.recipients.append(rest.partition("<")[2].partition(">")[0])
        elif verb == "DATA":
            self.take_message()
        elif verb == "QUIT":
            self.act("quit", "221 2.0.0 bye")
            raise Gone
        else:
            self.say("250 2.0.0 ok")

    def hold(self):
        self.act("greeting", "220 mail.example.test ESMTP")
        while True:
            self.lines.append(self.line())
            self.command(self.lines[-1])


class ScriptedServer:
    """script: step -> what to do there instead of the usual: a line, CLOSE, RESET, SILENT, a function of the session that gives one of
    these, or a list of them, one each time. Steps: greeting, ehlo, helo, starttls, handshake, ehlo-tls, auth, mail, rcpt, data,
    before-message (a function only), message, quit."""

    def __init__(self, script=None, tls=None, mechanisms=None, offers=("8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 30000000")):
        self.script = {step: list(action) if isinstance(action, list) else action for step, action in (script or {}).items()}
        self.tls, self.mechanisms, self.offers = tls, mechanisms, offers
        self.sessions, self.tried, self.threads = [], [], []
        self.silent = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads.append(threading.Thread(target=self.accept, daemon=True))
        self.threads[0].start()

    def action(self, step, otherwise):
        action = self.script.get(step, otherwise)
        if isinstance(action, list):
            action = action.pop(0) if action else otherwise
        return otherwise if action is None else action

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                session = Session(self, connection)
                self.sessions.append(session)
                self.threads.append(threading.Thread(target=self.serve, args=(session,), daemon=True))
                self.threads[-1].start()

    @staticmethod
    def serve(session):
        with contextlib.suppress(OSError, Gone):
            session.hold()
        with contextlib.suppress(OSError):
            session.connection.close()

    @property
    def session(self):
        """The one session there was."""
        assert len(self.sessions) == 1, f"{len(self.sessions)} sessions"
        return self.sessions[0]

    @property
    def taken(self):
        """The sessions whose message came whole."""
        return [session for session in self.sessions if session.complete]

    def stop(self):
        """Each thread closes its own socket: a number that another thread closes may be another file's a moment later."""
        for connection in (self.listener, *(session.connection for session in self.sessions)):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(30)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_what):
        self.stop()


class GoodHandler:
    """Keeps what arrives."""

    def __init__(self):
        self.envelopes = []

    async def handle_DATA(self, _server, _session, envelope):  # pylint: disable=invalid-name
        self.envelopes.append(envelope)
        return "250 2.0.0 kept"


class GoodServer(Controller):
    """aiosmtpd with STARTTLS and AUTH, as a provider would run it: nothing is taken from who has not signed in."""

    def __init__(self, pem, users=None):
        self.users = users or {USER: PASSWORD}
        self.context = tls_context(pem)
        super().__init__(GoodHandler(), hostname="127.0.0.1", port=free_port())

    def check(self, _server, _session, _envelope, _mechanism, credentials):
        good = isinstance(credentials, LoginPassword) and self.users.get(credentials.login.decode()) == credentials.password.decode()
        return AuthResult(success=good, handled=good)

    def factory(self):
        return SMTP(self.handler, hostname="mail.example.test", tls_context=self.context, require_starttls=True, auth_required=True,
                    authenticator=self.check, data_size_limit=2**25)

    @property
    def envelopes(self):
        return self.handler.envelopes


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class OpenSmtpd:
    """OpenSMTPD from Debian on a free port; what it takes it hands on to another server of this machine. Without TLS, and so without
    AUTH, which it ties to it: the one of Debian 12 cannot use a private key with OpenSSL 3 (its issues 1171 and 1239). It has its queue
    at one fixed place, so that it gets file systems of its own where that is allowed, and else waits until it is alone there."""

    PROGRAM = "/usr/sbin/smtpd"
    APART = "mount -t tmpfs -o mode=0711 tmpfs /var/spool && mount -t tmpfs tmpfs /run && exec \"$@\""

    def __init__(self, folder, next_port):
        self.port, self.process, self.alone = free_port(), None, None
        self.log, self.conf = folder / "smtpd.log", folder / "smtpd.conf"
        self.conf.write_text(f"""listen on 127.0.0.1 port {self.port} hostname mail.example.test
action "onward" relay host smtp://127.0.0.1:{next_port}
match from any for any action "onward"
""", encoding="ascii")

    @classmethod
    def missing(cls):
        """Why it cannot be started here; None: it can."""
        if not pathlib.Path(cls.PROGRAM).exists():
            return "OpenSMTPD is not installed (package opensmtpd)"
        return None if os.geteuid() == 0 else "OpenSMTPD must be started by root"

    def start(self):
        apart = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
        command = [self.PROGRAM, "-d", "-f", str(self.conf)]
        if apart:
            command = ["unshare", "--mount", "sh", "-c", self.APART, "sh", *command]
        else:
            self.alone = os.open(self.PROGRAM, os.O_RDONLY)  # a file that every process of the tests has, and that nobody writes
            fcntl.flock(self.alone, fcntl.LOCK_EX)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
                return self
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("OpenSMTPD does not start: " + self.log.read_text(encoding="utf-8", errors="replace"))
            time.sleep(0.02)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
        if self.alone is not None:
            os.close(self.alone)  # which unlocks it
            self.alone = None
