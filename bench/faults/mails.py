"""The mail server silent or down: nobody waits for it, and each mail arrives, once it is back."""

import contextlib
import re
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.api import Api
from bench.faults.builds import Builder
from bench.faults.site import Site, running
from bench.faults.writers import Client, Ledger
from kernel.ids import unique_id

MAILS = 30
CREATED = 201
#: Promised: so long after the server is back each mail has left, and jobs wait so long beside it.
MAIL_SECONDS = 120.0
JOB_SECONDS = 60.0
POLL_SECONDS = 0.05
FAULTS = ("silent", "down")
_MESSAGE_ID = re.compile(rb"^Message-ID: *(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class MailFault:
    """What came of mails asked for during one fault; `lost` never arrived."""

    name: str
    seconds: float
    asked: int
    slowest_seconds: float
    job_seconds: float
    mail_seconds: float
    lost: int
    repeated: int
    broken: list[str]

    @property
    def is_clean(self) -> bool:
        in_time = self.job_seconds <= JOB_SECONDS and self.mail_seconds <= MAIL_SECONDS
        return in_time and not (self.lost or self.repeated or self.broken)


@dataclass
class MailServer:
    """An SMTP server of this run's own: it counts mails by their Message-ID, or says nothing."""

    arrived: Counter[bytes] = field(default_factory=Counter)
    is_silent: bool = False
    port: int = 0
    _server: Any = None

    def start(self) -> None:
        outer = self

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    outer.converse(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Conversation)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def converse(self, heard: Any, said: Any) -> None:
        """Speak as much of RFC 5321 as a client needs that sends one mail."""
        if self.is_silent:
            heard.read()
            return
        said.write(b"220 mail\r\n")
        while line := heard.readline():
            command = line[:4].upper()
            if command == b"QUIT":
                said.write(b"221 bye\r\n")
                return
            said.write(b"354 go on\r\n" if command == b"DATA" else b"250 fine\r\n")
            if command == b"DATA":
                self._take(heard)
                said.write(b"250 taken\r\n")

    def _take(self, heard: Any) -> None:
        lines = iter(heard.readline, b".\r\n")
        found = _MESSAGE_ID.search(b"".join(lines))
        if found:
            self.arrived[found.group(1)] += 1


@contextmanager
def site_with_mails() -> Iterator[tuple[Site, MailServer]]:
    """Start a mail server, and an installation whose mails it takes."""
    server = MailServer()
    server.start()
    try:
        with running(SMTP_HOST="127.0.0.1", SMTP_PORT=str(server.port), SMTP_SECURE="none") as site:
            yield site, server
    finally:
        server.stop()


def run(site: Site, server: MailServer, name: str, *, seconds: float) -> MailFault:
    """Have users ask for mails during one fault of `FAULTS`, and a job be done beside them."""
    ledger = Ledger()
    people = _sign_up(site)
    server.arrived.clear()
    builder = Builder(site, ledger)
    with _fault(server, name):
        ends_at = time.monotonic() + seconds
        for person in people:
            _ask(person)
        asked_at = time.monotonic()
        job_seconds = builder.seconds_until_built(builder.attribute(), asked_at)
        time.sleep(max(ends_at - time.monotonic(), 0))
    back_at = time.monotonic()
    while len(server.arrived) < MAILS and time.monotonic() - back_at < MAIL_SECONDS:
        time.sleep(POLL_SECONDS)
    builder.close()
    for person in people:
        person.close()
    return MailFault(
        name=name,
        seconds=seconds,
        asked=MAILS,
        slowest_seconds=max(person.ledger.slowest_seconds for person in people),
        job_seconds=job_seconds,
        mail_seconds=time.monotonic() - back_at,
        lost=MAILS - len(server.arrived),
        repeated=sum(count > 1 for count in server.arrived.values()),
        broken=[*ledger.broken, *people[0].ledger.broken][:20],
    )


def _sign_up(site: Site) -> list[Client]:
    """Make users, each with a session and an address that is not verified."""
    ledger, clients = Ledger(), []
    project = {name: value for name, value in site.key.items() if name == "X-Appwrite-Project"}
    with Api(site.url, site.key) as api:
        for _ in range(MAILS):
            uid = unique_id()
            api.post("/users", {"userId": uid, "email": f"{uid}@example.com"})
            secret = api.post(f"/users/{uid}/sessions", {})["secret"]
            clients.append(Client(site, ledger, project | {"X-Appwrite-Session": secret}))
    return clients


def _ask(person: Client) -> None:
    body = {"url": "http://localhost/verified"}
    answer = person.send("POST", "/account/verifications/email", body)
    if answer is None or answer.status_code != CREATED:
        person.ledger.accuse(f"verification: {answer and answer.text[:200]}")


@contextmanager
def _fault(server: MailServer, name: str) -> Iterator[None]:
    if name == "silent":
        server.is_silent = True
        try:
            yield
        finally:
            server.is_silent = False
    else:
        server.stop()
        try:
            yield
        finally:
            server.start()
