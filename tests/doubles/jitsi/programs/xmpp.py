"""A small XMPP client (RFC 6120): STARTTLS, SASL PLAIN, one resource; then stanzas as they come."""

import asyncio
import base64
import itertools
import ssl
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import cast
from xml.sax.saxutils import quoteattr

TLS = "{urn:ietf:params:xml:ns:xmpp-tls}"
SASL = "{urn:ietf:params:xml:ns:xmpp-sasl}"
CLIENT = "{jabber:client}"
MUC = "http://jabber.org/protocol/muc"
LONGEST_SILENCE = 30  # seconds without a stanza while signing in


class NotSignedIn(Exception):
    """The server refused, or isn't the one that the configuration means."""


@dataclass(frozen=True)
class Account:
    """Who signs in and where; `domain` is the XMPP host, `server` the machine."""

    server: str
    port: int
    domain: str
    username: str
    password: str
    resource: str


class Client:
    """A signed-in connection."""

    def __init__(self, account: Account, context: ssl.SSLContext) -> None:
        self.account, self.context = account, context
        self._numbers = itertools.count(1)
        self._answers: dict[str, asyncio.Future[ET.Element]] = {}

    async def run(
        self,
        on_ready: Callable[["Client"], Awaitable[None]],
        on_stanza: Callable[["Client", ET.Element], Awaitable[None]],
    ) -> None:
        """Sign in, call `on_ready`, then `on_stanza` for each stanza until the connection ends.

        Raises NotSignedIn, OSError (ssl.SSLError among them) or TimeoutError; a broken connection is an OSError too.
        """
        await self._sign_in()
        ready = asyncio.create_task(self._begin(on_ready))
        try:
            while True:
                stanza = await self._next()
                waiting = self._answers.pop(stanza.get("id", ""), None)
                if waiting and stanza.get("type") in {"result", "error"}:
                    waiting.set_result(stanza)
                else:
                    await on_stanza(self, stanza)
                if ready.done():
                    ready.result()
        finally:
            ready.cancel()
            self._writer.close()

    def send(self, text: str) -> None:
        self._writer.write(text.encode())

    async def ask(self, to: str, kind: str, payload: str) -> ET.Element:
        """Send an IQ and wait for its answer (raises TimeoutError)."""
        number = f"double-{next(self._numbers)}"
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self.send(f"<iq to={quoteattr(to)} type='{kind}' id='{number}'>{payload}</iq>")
        return await asyncio.wait_for(answer, 20)

    async def _begin(self, on_ready: Callable[["Client"], Awaitable[None]]) -> None:
        await on_ready(self)

    async def _sign_in(self) -> None:
        account = self.account
        self._reader, self._writer = await asyncio.open_connection(account.server, account.port)
        await self._open()
        self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        await self._expect(f"{TLS}proceed")
        await self._writer.start_tls(self.context, server_hostname=account.domain)
        await self._open()
        secret = base64.b64encode(f"\0{account.username}\0{account.password}".encode()).decode()
        self.send(f"<auth xmlns='{SASL[1:-1]}' mechanism='PLAIN'>{secret}</auth>")
        await self._expect(f"{SASL}success")
        await self._open()
        self.send(
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            f"<resource>{account.resource}</resource></bind></iq>"
        )
        bound = await self._expect(f"{CLIENT}iq")
        if bound.get("type") != "result":
            raise NotSignedIn(ET.tostring(bound, "unicode"))

    async def _open(self) -> None:
        self._parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
        self._depth = 0
        self.send(
            f"<?xml version='1.0'?><stream:stream to={quoteattr(self.account.domain)} version='1.0' "
            "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        await self._expect("{http://etherx.jabber.org/streams}features")

    async def _expect(self, tag: str) -> ET.Element:
        stanza = await asyncio.wait_for(self._next(), LONGEST_SILENCE)
        if stanza.tag != tag:
            raise NotSignedIn(f"{self.account.domain} said {ET.tostring(stanza, 'unicode')} instead of {tag}")
        return stanza

    async def _next(self) -> ET.Element:
        """The next child of the stream."""
        while True:
            events = cast(Iterator[tuple[str, ET.Element]], self._parser.read_events())
            for event, element in events:
                self._depth += 1 if event == "start" else -1
                if event == "end" and self._depth == 1:
                    return element
                if event == "end" and self._depth == 0:
                    raise ConnectionResetError("the server ended the stream")
            received = await self._reader.read(65536)
            if not received:
                raise ConnectionResetError("the connection ended")
            self._parser.feed(received)


def muc_join(room: str, nick: str, more: str = "") -> str:
    """Presence that enters a room."""
    return f"<presence to={quoteattr(f'{room}/{nick}')}><x xmlns='{MUC}'/>{more}</presence>"


async def answer_ping(client: Client, stanza: ET.Element) -> bool:
    """Answer XEP-0199's ping, and say of every other question that it isn't understood; True if it was an IQ."""
    if stanza.tag != f"{CLIENT}iq" or stanza.get("type") not in {"get", "set"}:
        return False
    to, number = quoteattr(stanza.get("from", "")), quoteattr(stanza.get("id", ""))
    if stanza.find("{urn:xmpp:ping}ping") is not None:
        client.send(f"<iq type='result' to={to} id={number}/>")
    else:
        client.send(
            f"<iq type='error' to={to} id={number}><error type='cancel'>"
            "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
    return True


async def stay_signed_in(attempt: Callable[[], Awaitable[None]], say: Callable[[str], None]) -> None:
    """Call `attempt` again and again, with 1, 2, 4 … 15 s between; each end is said."""
    pause = 1
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await attempt()
        except (OSError, NotSignedIn, TimeoutError, ET.ParseError) as problem:
            say(f"XMPP: {type(problem).__name__}: {problem}")
        pause = 1 if asyncio.get_running_loop().time() - began > 60 else min(15, pause * 2)
        await asyncio.sleep(pause)
