"""What a site is made of: the types of the operator's file. They hold no rule about two things at once."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

Address = IPv4Address | IPv6Address
Net = IPv4Network | IPv6Network

Role = Literal["edge", "signalling", "bridge", "turn", "database", "control", "monitoring", "witness"]
Kind = Literal["lab", "existing", "libvirt", "redfish"]
Use = Literal["users", "cluster", "management"]
Classification = Literal["public", "restricted", "confidential", "secret"]
Zone = Literal["government", "parliament"]
ClientCertificates = Literal["none", "optional", "required"]

ROLES: tuple[Role, ...] = get_args(Role)
USES: tuple[Use, ...] = get_args(Use)
CLASSIFICATIONS: tuple[Classification, ...] = get_args(Classification)

LABEL = r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?"
DOMAIN = r"(?=.{4,200}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"


def _address(value: object) -> Address:
    if isinstance(value, IPv4Address | IPv6Address):
        return value
    if not isinstance(value, str):
        raise ValueError("may hold an address such as 10.77.1.11")  # noqa: TRY004  pydantic wants ValueError
    try:
        return ip_address(value)
    except ValueError:
        raise ValueError("may hold an address such as 10.77.1.11") from None


def _network(value: object) -> Net:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if not isinstance(value, str) or "/" not in value:
        raise ValueError("may hold a network such as 10.77.1.0/24")
    try:
        return ip_network(value)
    except ValueError as wrong:
        raise ValueError(f"may hold a network such as 10.77.1.0/24 ({wrong})") from None


def _matches(pattern: str, example: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"may hold {example}")
        return value

    return AfterValidator(check)


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if twice := sorted({v for v in values if values.count(v) > 1}):
        raise ValueError(f"may hold each word once ({', '.join(twice)} stands there again)")
    return values


Ip = Annotated[
    Address,
    PlainValidator(_address),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "format": "ip"}),
]
Cidr = Annotated[
    Net, PlainValidator(_network), PlainSerializer(str), WithJsonSchema({"type": "string", "format": "cidr"})
]


def _text(pattern: str, example: str) -> object:
    return Annotated[
        str,
        _matches(pattern, example),
        WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "description": example}),
    ]


SiteName = Annotated[
    str,
    _matches(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", "1 to 10 of a-z, 0-9 and -, a letter first, no - at the end"),
    WithJsonSchema({"type": "string", "pattern": "^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$"}),
]
Label = Annotated[
    str,
    _matches(LABEL, "1 to 30 of a-z, 0-9 and -, a letter first, no - at the end"),
    WithJsonSchema({"type": "string", "pattern": f"^{LABEL}$"}),
]
Domain = Annotated[
    str,
    _matches(DOMAIN, "a domain in lower case with a dot, such as meet.parliament.example"),
    WithJsonSchema({"type": "string", "pattern": f"^{DOMAIN}$"}),
]
Endpoint = Annotated[  # a host by name or address
    str,
    _matches(rf"{DOMAIN}|[0-9a-f.:]{{3,39}}", "an address or a full name in lower case"),
    WithJsonSchema({"type": "string"}),
]
Url = Annotated[
    str,
    _matches(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", "an http:// or https:// address without account and query"),
    WithJsonSchema({"type": "string", "pattern": "^https?://"}),
]
Days = Annotated[int, Field(ge=1, le=36_500)]


class Part(BaseModel):
    """A part of the site file: nothing unknown, nothing guessed, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Network(Part):
    """A network of the site and what runs over it."""

    cidr: Cidr
    carries: Annotated[tuple[Use, ...], Field(min_length=1), AfterValidator(_each_once)]


class Pool(Part):
    """Signalling and bridges that serve some classifications and no others."""

    classifications: Annotated[tuple[Classification, ...], Field(min_length=1), AfterValidator(_each_once)]
    name: Label = Field(description="browsers find the pool at NAME.DOMAIN")
    client_certificates: ClientCertificates = "none"


class Host(Part):
    """A machine; `address` and `name` answer once the host is part of a Site."""

    kind: Kind
    roles: Annotated[tuple[Role, ...], Field(min_length=1), AfterValidator(_each_once)]
    pool: Label | None = None
    addresses: Annotated[dict[Label, Ip], Field(min_length=1)]
    cores: Annotated[int, Field(ge=1, le=1024)] = 2
    memory_mib: Annotated[int, Field(ge=256, le=16_777_216)] = 2048
    disk_gib: Annotated[int, Field(ge=1, le=1_048_576)] = 20
    disk_encrypted: bool = False
    options: dict[str, str | int | bool] = Field({}, description="what this kind of machine wants to know")

    _name: str = PrivateAttr("")
    _networks: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the host's name."""
        return self._name

    def address(self, use: Use) -> Address | None:
        """Return the host's address in the network that carries this use; None when it has none there."""
        return self.addresses.get(self._networks.get(use, ""))

    def placed(self, name: str, networks: dict[str, str]) -> Self:
        """Tell the host its name and which network carries which use; Site does it, nobody else."""
        self._name, self._networks = name, networks
        return self


class Identity(Part):
    """Where people prove who they are: here with a password, or at the state's own OpenID provider."""

    provider: Literal["local", "oidc"] = "local"
    issuer: Url | None = None
    client_id: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.provider == "oidc") != (self.issuer is not None and self.client_id is not None):
            raise ValueError("may hold issuer and client_id with provider: oidc, and neither with local")
        return self


class Mail(Part):
    """The relay for convocations; an empty host sends none."""

    host: Literal[""] | Endpoint = ""
    port: Annotated[int, Field(ge=1, le=65_535)] = 25
    sender: Annotated[
        str, _matches(rf"[^\s@]{{1,64}}@{DOMAIN}", "an address such as majlis@meet.example.org")
    ]


class Time(Part):
    """Whose clock the hosts follow."""

    servers: Annotated[tuple[Endpoint, ...], Field(min_length=1), AfterValidator(_each_once)]
    nts: bool = Field(False, description="authenticated time (RFC 8915)")


class DebianSource(Part):
    """Debian's packages: through an apt proxy, or from a mirror of the state's own."""

    proxy: Url | None = None
    mirror: Url | None = None
    security: Url | None = Field(None, description="mirror of security updates; none: MIRROR-security")
    suites: tuple[str, ...] = ("bookworm", "bookworm-updates")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.proxy is None) == (self.mirror is None):
            raise ValueError("may hold proxy or mirror, one of the two")
        if self.security is not None and self.mirror is None:
            raise ValueError("may hold security only beside mirror")
        return self


class JitsiSource(Part):
    """Jitsi's packages: a directory of .deb files on the controller, or a repository with its key."""

    directory: Path | None = None
    repository: Url | None = None
    key: Path | None = Field(None, description="file with the repository's public key")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.directory is None) == (self.repository is None):
            raise ValueError("may hold directory or repository, one of the two")
        if (self.repository is None) != (self.key is None):
            raise ValueError("may hold key together with repository only")
        return self


class Packages(Part):
    """Where software comes from."""

    debian: DebianSource
    jitsi: JitsiSource | None = None


class Retention(Part):
    """How long things are kept, in days."""

    log_readable_days: Days = Field(3650, description="readable part of the audit log, in days")
    journal_days: Days = Field(90, description="the hosts' journals, in days")
    backups_days: Days = Field(35, description="backups of the database, in days")


class PublicCertificate(Part):
    """The operator's own certificate for the edge instead of one of the site's authority."""

    certificate: Path
    key: Path


class Outside(Part):
    """A place of the state's own beyond the declared networks that the site may speak to."""

    cidr: Cidr
    names: tuple[Endpoint, ...] = Field((), description="how the site file calls what is there")
    why: Annotated[str, Field(min_length=10, max_length=200)]
