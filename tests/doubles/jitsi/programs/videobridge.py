"""Double of Videobridge: tells jicofo's brewery that it is there, and stands on the bridge's ports."""

import asyncio
import os
import ssl
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from .media import Media, listen
from .rest import Answer, Handler, Routes, as_json, as_metrics, serve
from .settings import NotReadable, SettingMissing, Settings, client_context, properties, read_settings
from .xmpp import Account, Client, answer_ping, muc_join, stay_signed_in

VERSION = "double"
PRESENCE_INTERVAL = 5  # seconds, upstream's default
NEEDED = ("videobridge.apis.xmpp-client.configs", "videobridge.websockets.server-id")


@dataclass
class Bridge:
    """What the double tells of itself."""

    settings: Settings
    media: Media
    leaving: asyncio.Event
    connected: int = 0
    draining: bool = False

    def health(self, _path: str, _body: str) -> Answer:
        if self.settings.get("videobridge.health.require-valid-address", True):
            return Answer(500, "No valid IP addresses available for harvesting.", "text/plain")
        if not self.connected:
            return Answer(500, "not signed in", "text/plain")
        return Answer(200, "", "text/plain")

    def figures(self) -> dict[str, str | int | float | bool]:
        return {
            "conferences": 0,
            "participants": 0,
            "stress_level": 0.0,
            "healthy": True,
            "drain": self.draining,
            "graceful_shutdown": self.leaving.is_set(),
            "muc_clients_connected": self.connected,
            "total_packets_received": self.media.received,
            "total_packets_sent": self.media.sent,
            "version": VERSION,
            "colibri2": True,
            **self.relay(),
        }

    def relay(self) -> dict[str, str]:
        if not self.settings.get("videobridge.relay.enabled", False):
            return {}
        keys = ("region", "relay-id")
        return {key.replace("-", "_"): self.settings.need(f"videobridge.relay.{key}") for key in keys}

    def presence(self) -> str:
        stats = "".join(
            f"<stat name='{name}' value='{str(value).lower()}'/>" for name, value in self.figures().items()
        )
        return f"<stats xmlns='http://jitsi.org/protocol/colibri'>{stats}</stats>"

    def metrics(self, _path: str, _body: str) -> Answer:
        return as_metrics(
            {
                "jitsi_jvb_conferences": 0,
                "jitsi_jvb_healthy": 1,
                "jitsi_jvb_packets_received_total": self.media.received,
                "jitsi_jvb_muc_clients_connected": self.connected,
            }
        )

    def shut_down(self, _path: str, body: str) -> Answer:
        if '"graceful-shutdown"' not in body:
            return Answer(400, "", "text/plain")
        asyncio.get_running_loop().call_later(0.2, self.leaving.set)
        return Answer()

    def drain(self, path: str, _body: str) -> Answer:
        self.draining = path.endswith("/enable")
        return Answer()

    def private_routes(self) -> Routes:
        routes: dict[tuple[str, str], Handler] = {
            ("GET", "/about/health"): self.health,
            ("GET", "/about/version"): lambda _path, _body: as_json(
                {"name": "JVB (double)", "version": VERSION}
            ),
            ("GET", "/metrics"): self.metrics,
        }
        if self.settings.get("videobridge.apis.rest.enabled", False):
            routes["GET", "/colibri/stats"] = lambda _path, _body: as_json(self.figures())
            routes["POST", "/colibri/drain/enable"] = routes["POST", "/colibri/drain/disable"] = self.drain
            if self.settings.get("videobridge.rest.shutdown.enabled", False):
                routes["POST", "/colibri/shutdown"] = self.shut_down
        return routes

    def public_routes(self) -> Routes:
        server = self.settings.need("videobridge.websockets.server-id")

        def open_websocket(_path: str, _body: str) -> Answer:
            return Answer(upgrade=True)

        return {("GET", f"/{kind}/{server}/"): open_websocket for kind in ("colibri-ws", "colibri-relay-ws")}


def say(text: str) -> None:
    print(f"videobridge double: {text}", flush=True)


async def run(settings: Settings, given: dict[str, str]) -> None:
    addresses = settings.get("ice4j.harvest.allowed-addresses", [])
    media = await listen(addresses, int(settings.get("videobridge.ice.udp.port", 10000)))
    bridge = Bridge(settings, media, asyncio.Event())
    private = settings.get("videobridge.http-servers.private", {})
    servers = [
        await serve(bridge.private_routes(), private.get("host", "127.0.0.1"), int(private.get("port", 8080)))
    ]
    public = settings.get("videobridge.http-servers.public", {})
    if int(public.get("tls-port", -1)) > 0:
        context = _server_context(public)
        servers.append(
            await serve(bridge.public_routes(), public.get("host"), int(public["tls-port"]), context)
        )
    elif int(public.get("port", -1)) > 0:
        servers.append(await serve(bridge.public_routes(), public.get("host"), int(public["port"])))
    signed_in = [
        asyncio.create_task(_stay_in_brewery(bridge, config, given))
        for config in settings.need("videobridge.apis.xmpp-client.configs").values()
    ]
    await bridge.leaving.wait()
    for task in signed_in:
        task.cancel()
    for server in servers:
        server.close()
    say("left, as it was asked to")


async def _stay_in_brewery(bridge: Bridge, config: dict[str, str], given: dict[str, str]) -> None:
    account = Account(
        config["HOSTNAME"], int(config.get("PORT", 5222)), config["DOMAIN"], config["USERNAME"],
        config["PASSWORD"], config["MUC_NICKNAME"],
    )  # fmt: skip
    rooms = [room.strip() for room in config["MUC_JIDS"].split(",")]

    async def tell(client: Client) -> None:
        say(f"signed in at {account.server}")
        while True:
            for room in rooms:
                client.send(muc_join(room, account.resource, bridge.presence()))
            await asyncio.sleep(PRESENCE_INTERVAL)

    async def on_stanza(client: Client, stanza: ET.Element) -> None:
        await answer_ping(client, stanza)

    async def on_ready(client: Client) -> None:
        bridge.connected += 1
        try:
            await tell(client)
        finally:
            bridge.connected -= 1

    async def attempt() -> None:
        await Client(account, client_context(given)).run(on_ready, on_stanza)

    await stay_signed_in(attempt, say)


def _server_context(public: dict[str, str]) -> ssl.SSLContext:
    """TLS with the PKCS 12 store that Jetty would take; Python reads none, so openssl unpacks it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    pem = subprocess.run(
        ["openssl", "pkcs12", "-in", public["key-store-path"], "-passin", "env:STORE_PASSWORD", "-nodes"],
        env={**os.environ, "STORE_PASSWORD": public.get("key-store-password", "")},
        capture_output=True,
        check=True,
    ).stdout
    with tempfile.NamedTemporaryFile() as unpacked:
        unpacked.write(pem)
        unpacked.flush()
        context.load_cert_chain(unpacked.name)
    return context


def main(arguments: list[str]) -> int:
    """-Dconfig.file=FILE runs; --check FILE says whether it would (0) or why not (1)."""
    checking = arguments[:1] == ["--check"]
    given = properties(arguments)
    path = arguments[1] if checking else given.get("config.file", "/etc/jitsi/videobridge/jvb.conf")
    try:
        settings = read_settings(Path(path))
        for key in NEEDED:
            settings.need(key)
        if not checking:
            asyncio.run(run(settings, given))
    except (NotReadable, SettingMissing, OSError, subprocess.CalledProcessError) as problem:
        say(f"{type(problem).__name__}: {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
