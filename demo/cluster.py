"""The morning against a cluster of a site: through its edge, by TLS, as visitors see it."""

import secrets
import ssl
from pathlib import Path

import httpx
from rich.console import Console

from demo.loading import load
from demo.morning import Morning
from demo.people import Refused, Visitor
from demo.players import players
from demo.showing import accounts, played, show, telling


class ClusterAway(Exception):
    """The cluster doesn't answer, its certificate isn't believed, or it doesn't let the administrator in."""


def cluster_morning(console: Console, url: str, authority: Path | None, address: str, password: str) -> bool:
    """Load the sample parliament as the administrator, play the morning, and say whether it went as planned.

    `authority` is the file of the authority that must have signed the edge's certificates, where the
    machine's own list doesn't hold it. Raises ClusterAway, PlayersMissing.
    """
    trust = ssl.create_default_context(cafile=str(authority)) if authority else None
    theirs = f"sample-{secrets.token_hex(6)}"
    administrator = Visitor("administrator", url.rstrip("/"), "en", trust)
    try:
        with console.status("loading the sample parliament") as status:
            administrator.sign_in(address, password)
            parliament = load(
                administrator, theirs, lambda what: status.update(f"loading the sample: {what}")
            )
    except httpx.TransportError as error:
        raise ClusterAway(f"{url} does not answer as it should: {error}") from error
    except Refused as refused:
        raise ClusterAway(f"{url} does not let {address} load the sample: {refused}") from refused
    finally:
        administrator.close()
    with players("", "", authority) as stage, telling(console) as say:
        morning = Morning(administrator.url, stage, parliament, theirs, say, among_others=True, trust=trust)
        failure = played(morning)
    show(console, morning, failure)
    if not failure:
        console.print(
            "Which policy decided is in the log, on the control plane's host: majlis audit verify",
            highlight=False,
        )
        console.print(accounts(theirs))
    return not failure
