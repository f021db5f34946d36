"""Double of jicofo: signs in as focus, opens the room that a conference request names, sees the bridges."""

import asyncio
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

from .rest import Answer, Handler, Routes, as_json, as_metrics, serve
from .settings import NotReadable, SettingMissing, Settings, client_context, properties, read_settings
from .xmpp import CLIENT, Account, Client, answer_ping, muc_join, stay_signed_in

VERSION = "double"
FOCUS = "{http://jitsi.org/protocol/focus}conference"
NEEDED = (
    "jicofo.xmpp.client.hostname", "jicofo.xmpp.client.domain", "jicofo.xmpp.client.username",
    "jicofo.xmpp.client.password", "jicofo.bridge.brewery-jid",
)  # fmt: skip


@dataclass
class Focus:
    """What the double knows: who is in the brewery and which rooms it opened."""

    settings: Settings
    connected: bool = False
    bridges: dict[str, str] = field(default_factory=dict)  # nick → region
    rooms: set[str] = field(default_factory=set)

    async def on_ready(self, client: Client) -> None:
        self.connected = True
        client.send("<presence/>")
        client.send(muc_join(self.settings.need("jicofo.bridge.brewery-jid"), "focus"))
        say("signed in and in the brewery")

    async def on_stanza(self, client: Client, stanza: ET.Element) -> None:
        conference = stanza.find(FOCUS)
        if stanza.tag == f"{CLIENT}iq" and conference is not None:
            self._open_conference(client, stanza, conference)
        elif stanza.tag == f"{CLIENT}presence":
            self._see(stanza)
        else:
            await answer_ping(client, stanza)

    def _open_conference(self, client: Client, stanza: ET.Element, conference: ET.Element) -> None:
        room = conference.get("room", "")
        client.send(muc_join(room, "focus"))
        self.rooms.add(room)
        client.send(
            f"<iq type='result' to={quoteattr(stanza.get('from', ''))} id={quoteattr(stanza.get('id', ''))}>"
            f"<conference xmlns='http://jitsi.org/protocol/focus' room={quoteattr(room)} ready='true' "
            f"focusjid={quoteattr(f'{client.account.username}@{client.account.domain}')}/></iq>"
        )

    def _see(self, presence: ET.Element) -> None:
        room, _, nick = presence.get("from", "").partition("/")
        gone = presence.get("type") in {"unavailable", "error"}
        if room in self.rooms and nick == "focus" and gone:
            self.rooms.discard(room)
        if room != self.settings.need("jicofo.bridge.brewery-jid") or nick == "focus":
            return
        if gone:
            self.bridges.pop(nick, None)
            return
        stats = {stat.get("name"): stat.get("value", "") for stat in presence.iter() if stat.get("name")}
        self.bridges[nick] = stats.get("region", "")

    def health(self, _path: str, _body: str) -> Answer:
        if self.connected and self.bridges:
            return Answer()
        return as_json({"error": "not signed in" if not self.connected else "no bridge"}, 500)

    def stats(self, _path: str, _body: str) -> Answer:
        return as_json(
            {
                "conferences": len(self.rooms),
                "bridge_selector": {
                    "bridge_count": len(self.bridges),
                    "operational_bridge_count": len(self.bridges),
                },
                "xmpp": {"connected": self.connected},
                "double": True,
            }
        )

    def metrics(self, _path: str, _body: str) -> Answer:
        return as_metrics(
            {
                "jitsi_jicofo_conferences": len(self.rooms),
                "jitsi_jicofo_bridge_selector_bridge_count": len(self.bridges),
                "jitsi_jicofo_xmpp_connected": int(self.connected),
            }
        )

    def request_conference(self, _path: str, _body: str) -> Answer:
        """As upstream does unless it is told otherwise: it opens a room for whoever asks."""
        return as_json({"ready": True})

    def routes(self) -> Routes:
        routes: dict[tuple[str, str], Handler] = {
            ("GET", "/about/health"): self.health,
            ("GET", "/about/version"): lambda _path, _body: as_json(
                {"name": "Jicofo (double)", "version": VERSION}
            ),
            ("GET", "/stats"): self.stats,
            ("GET", "/metrics"): self.metrics,
        }
        if self.settings.get("jicofo.rest.conference-request.enabled", True):
            routes["POST", "/conference-request/v1"] = self.request_conference
        return routes


def say(text: str) -> None:
    print(f"jicofo double: {text}", flush=True)


async def run(settings: Settings, given: dict[str, str]) -> None:
    focus = Focus(settings)
    account = Account(
        settings.need("jicofo.xmpp.client.hostname"),
        int(settings.get("jicofo.xmpp.client.port", 5222)),
        settings.need("jicofo.xmpp.client.domain"),
        settings.need("jicofo.xmpp.client.username"),
        settings.need("jicofo.xmpp.client.password"),
        "focus",
    )

    async def attempt() -> None:
        try:
            await Client(account, client_context(given)).run(focus.on_ready, focus.on_stanza)
        finally:
            focus.connected = False
            focus.bridges.clear()

    host, port = settings.get("jicofo.rest.host", "127.0.0.1"), settings.get("jicofo.rest.port", 8888)
    async with await serve(focus.routes(), host, int(port)):
        await stay_signed_in(attempt, say)


def main(arguments: list[str]) -> int:
    """-Dconfig.file=FILE runs; --check FILE says whether it would (0) or why not (1)."""
    checking = arguments[:1] == ["--check"]
    given = properties(arguments)
    path = arguments[1] if checking else given.get("config.file", "/etc/jitsi/jicofo/jicofo.conf")
    try:
        settings = read_settings(Path(path))
        for key in NEEDED:
            settings.need(key)
        if not checking:
            asyncio.run(run(settings, given))
    except (NotReadable, SettingMissing, OSError) as problem:
        say(f"{type(problem).__name__}: {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
