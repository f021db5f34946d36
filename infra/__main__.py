"""The entry of `pulumi up` in this directory: the program that `majlis site up` runs inline.

Its configuration: `majlis:site`, a site file or the name of a shipped one; `majlis:rotate`, the secrets to draw anew
({"turn_secret": "2026-11-24"}: once for each mark); `majlis:board_password`, a secret, for bare machines.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Pulumi puts this directory first on the path, where our secrets.py and site.py would stand before Python's own.
sys.path[:] = [str(HERE.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]

import os  # noqa: E402

import pulumi  # noqa: E402

from infra.cluster import Order, declare  # noqa: E402
from infra.guard import examine  # noqa: E402
from infra.site import Site, load_site, shipped  # noqa: E402
from infra.state import private_directory, state_of, utc_now  # noqa: E402


def main() -> None:
    """Declare the site that the configuration names (raises SiteInvalid, RunError)."""
    config = pulumi.Config("majlis")
    site = _site(config.require("site"))
    state = state_of(site.name, os.environ)
    private_directory(state.directory)
    declare(
        site,
        Order(
            now=utc_now(),
            zone_file=state.directory / f"{site.domain}.zone",
            rotate=config.get_object("rotate") or {},
            board_password=config.get("board_password") or "",
        ),
    )


def _site(where: str) -> Site:
    """Return a site that the guard has nothing against: not even Pulumi's own command builds another."""
    path = shipped(where) if "/" not in where and "." not in where else HERE / where
    site = load_site(path)
    if objections := examine(site):
        said = "\n".join(f"{one.where}: {one.reason} [{one.rule}]" for one in objections)
        raise pulumi.RunError(f"{path}: the site is not built\n{said}")
    return site


if __name__ == "__main__":
    main()
