"""The operator's site file, parsed once into types that cannot be wrong."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from infra import site_file, site_rules
from infra.site_file import Contents, Plain, Problem, spelled
from infra.site_problems import BROKEN, problems_of, shown
from infra.site_types import (
    DebianSource,
    Host,
    Identity,
    JitsiSource,
    Mail,
    Network,
    Outside,
    Packages,
    Part,
    Pool,
    PublicCertificate,
    Retention,
    Time,
)
from infra.site_words import (
    CLASSIFICATIONS,
    ROLES,
    USES,
    Address,
    Cidr,
    Classification,
    Domain,
    Ip,
    Kind,
    Label,
    Net,
    Role,
    SiteName,
    State,
    Use,
    Zone,
)

__all__ = [
    "CLASSIFICATIONS",
    "NO_OVERRIDES",
    "ROLES",
    "USES",
    "Address",
    "Classification",
    "DebianSource",
    "Host",
    "Identity",
    "JitsiSource",
    "Kind",
    "Mail",
    "Net",
    "Network",
    "Outside",
    "Overrides",
    "Packages",
    "Pool",
    "Problem",
    "PublicCertificate",
    "Retention",
    "Role",
    "Site",
    "SiteInvalid",
    "Time",
    "Use",
    "Zone",
    "json_schema",
    "load_site",
    "parse_site",
    "shipped",
    "write_schema",
]

PATHS = (
    ("packages", "jitsi", "directory"),
    ("packages", "jitsi", "key"),
    ("certificate", "certificate"),
    ("certificate", "key"),
    ("people_authority",),
    ("state",),
)
SITES = Path(__file__).parent / "sites"


@dataclass(frozen=True)
class Overrides:
    """What the command line says instead of the file."""

    jitsi_packages: Path | None = None
    state: str | None = None


NO_OVERRIDES = Overrides()


class SiteInvalid(Exception):
    """The file describes no site that can work; the text has a line for each problem."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problem.sentence(file) for problem in problems))


class Site(Part):
    """A whole site; what stands in its parts fits together, or it would not exist."""

    name: SiteName = Field(description="prefixes interfaces, containers and state")
    domain: Domain = Field(description="people find the pages at https://DOMAIN/")
    networks: Annotated[dict[Label, Network], Field(min_length=1)]
    controller: Ip = Field(description="where SSH comes from, in the management network")
    zones: dict[Zone, tuple[Cidr, ...]] = Field({}, description="where people of which zone sit")
    visitors: tuple[Cidr, ...] = Field(
        (), description="who may reach the edges beside the users' network and the zones"
    )
    pools: Annotated[dict[Label, Pool], Field(min_length=1)]
    not_served: tuple[Classification, ...] = Field(
        (), description="classifications that this site carries no meeting of"
    )
    hosts: Annotated[dict[Label, Host], Field(min_length=1)]
    virtual_address: Ip | None = Field(None, description="the users' address that two edges share")
    one_box: bool = Field(False, description="roles that must be apart share one host, knowingly")
    name_servers: tuple[Domain, ...] = Field((), description="the state's name servers that load the zone")
    identity: Identity = Identity()
    mail: Mail
    time: Time
    packages: Packages
    retention: Retention = Retention()
    certificate: PublicCertificate | None = Field(None, description="none: the site's own authority")
    people_authority: Path | None = Field(
        None, description="PEM of the authority of people's certificates, for pools that ask for them"
    )
    outside: dict[Label, Outside] = Field({}, description="the state's own places beyond the networks")
    state: State | None = Field(
        None, description="directory or s3:// address of what was built; none: default"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if problems := tuple(site_rules.broken(self)):
            texts = "; ".join(f"{spelled(where)}: {says}" for where, says in problems)
            raise PydanticCustomError(BROKEN, "{texts}", {"texts": texts, "problems": problems})
        carriers: dict[str, str] = {
            use: name for name, network in self.networks.items() for use in network.carries
        }
        for name, host in self.hosts.items():
            host.placed(name, dict(carriers))
        return self

    def network(self, use: Use) -> Net:
        """Return the network that carries this use."""
        return next(network.cidr for network in self.networks.values() if use in network.carries)

    def hosts_with(self, role: Role) -> tuple[Host, ...]:
        """Return the hosts that carry a role, as the file orders them."""
        return tuple(host for host in self.hosts.values() if role in host.roles)

    def pool_domain(self, pool: str) -> str:
        """Return the name at which browsers find a pool."""
        return f"{self.pools[pool].name}.{self.domain}"

    @property
    def turn_domain(self) -> str:
        """Return the name at which browsers find the relays."""
        return f"turn.{self.domain}"


def load_site(path: Path, overrides: Overrides = NO_OVERRIDES) -> Site:
    """Return the site of a file; its relative paths start at the file (raises SiteInvalid, OSError)."""
    return _checked(str(path), site_file.read(path), path.parent, overrides)


def parse_site(text: str, file: str = "site.yaml", overrides: Overrides = NO_OVERRIDES) -> Site:
    """Return the site of a text as if it stood in that file (raises SiteInvalid with every problem in it)."""
    return _checked(file, site_file.parse(text), Path(file).parent, overrides)


def shipped(name: str) -> Path:
    """Return the file of a site that comes with the product; it may not exist."""
    return SITES / f"{name}.yaml"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) by which an editor helps to write a site file."""
    schema = Site.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def write_schema(file: Path = SITES / "site.schema.json") -> None:
    """Write the JSON Schema beside the shipped sites, where their first lines send the editor."""
    file.write_text(json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def _checked(file: str, contents: Contents, place: Path, overrides: Overrides) -> Site:
    value = contents.value
    if not isinstance(value, dict):
        found = contents.problems or [Problem(1, "", f"holds {shown(value)}, may hold the keys of a site")]
        raise SiteInvalid(file, tuple(found))
    _override(value, overrides)
    for where in PATHS:
        _anchor(value, where, place)
    try:
        site = Site.model_validate_json(json.dumps(value))
    except ValidationError as wrong:
        raise SiteInvalid(file, problems_of(wrong, value, contents)) from None
    if contents.problems:
        raise SiteInvalid(file, tuple(sorted(contents.problems)))
    return site


def _override(value: dict[str, Plain], overrides: Overrides) -> None:
    packages = value.get("packages")
    if overrides.jitsi_packages is not None and isinstance(packages, dict):
        packages["jitsi"] = {"directory": str(overrides.jitsi_packages.absolute())}
    if overrides.state is not None:
        local = "://" not in overrides.state
        value["state"] = str(Path(overrides.state).absolute()) if local else overrides.state


def _anchor(value: dict[str, Plain], where: tuple[str, ...], place: Path) -> None:
    """Make a relative path start at the site file, whatever directory the command runs in."""
    part: Plain = value
    for step in where[:-1]:
        part = part.get(step) if isinstance(part, dict) else None
    if isinstance(part, dict) and isinstance(path := part.get(where[-1]), str) and path and "://" not in path:
        part[where[-1]] = str(place.absolute() / Path(path).expanduser())
