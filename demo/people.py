"""Somebody at a browser and an XMPP client: signs in, asks, connects, joins."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from demo.players import ConnectionRefused, JoinOutcome, Player, Stage


class Refused(Exception):
    """The control plane said no: `sentence` for the person, `decided_by` names what it was, if no policy."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.sentence = str(body.get("sentence", body))
        error = str(body.get("error", ""))
        self.decided_by = "" if error in {"NotPermitted", "LinkWorthNothing"} else f"({error})"
        super().__init__(f"{status}: {self.sentence}")


@dataclass
class Visitor:
    """A person or guest at the appliance's address `url`, reading `language`; `trust` is their browser's."""

    key: str
    url: str
    language: str = "fr"
    trust: ssl.SSLContext | None = field(default=None, repr=False)
    client: httpx.Client = field(init=False, repr=False)
    player: Player | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        headers = {"Origin": self.url, "Accept-Language": self.language}
        self.client = httpx.Client(
            base_url=self.url, headers=headers, verify=self.trust or True, trust_env=False, timeout=15
        )

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the API and return what it answers (raises Refused)."""
        answer = self.client.request(method, path, json=body if method != "GET" else None)
        if answer.is_error:
            content_type = answer.headers.get("content-type", "")
            raise Refused(
                answer.status_code, answer.json() if "json" in content_type else {"sentence": answer.text}
            )
        return answer.json() if answer.content else None

    def sign_in(self, email: str, password: str) -> "Visitor":
        """Sign in with a local account (raises Refused)."""
        self.ask("POST", "/api/sign-in", {"email": email, "password": password})
        return self

    def use_link(self, link: str) -> "Visitor":
        """Use a guest's link (raises Refused)."""
        self.ask("POST", "/api/guest-links/use", {"token": link.partition("#")[2]})
        return self

    def ticket(self, meeting: str) -> dict[str, Any]:
        """Ask for a join token (raises Refused)."""
        return dict(self.ask("POST", f"/api/meetings/{meeting}/join-token", {}))

    def begin_connect(self, stage: Stage, ticket: Mapping[str, Any]) -> Callable[[float], Player]:
        """Begin to connect with a token; call what comes back, with seconds, for the player."""
        pending = stage.begin_connect(
            self.key,
            token=ticket["token"],
            room=ticket["room"],
            url=ticket["websocket_url"],
            domain=ticket["domain"],
        )

        def finish(timeout: float) -> Player:
            self.player = pending(timeout)
            return self.player

        return finish

    def enter(self, stage: Stage, meeting: str) -> JoinOutcome:
        """Do all that a click on the big button does (raises Refused, ConnectionRefused)."""
        ticket = self.ticket(meeting)
        return self.begin_connect(stage, ticket)(15).join(ticket["room"])

    def close(self) -> None:
        """Close the browser."""
        self.client.close()


__all__ = ["ConnectionRefused", "Refused", "Visitor"]
