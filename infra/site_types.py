"""What a site is made of: the types of the operator's file. They hold no rule about two things at once."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from infra.site_words import (
    DOMAIN,
    Address,
    Cidr,
    Classification,
    ClientCertificates,
    Days,
    Domain,
    Endpoint,
    Ip,
    Kind,
    Label,
    Role,
    Url,
    Use,
    each_once,
    matches,
)


class Part(BaseModel):
    """A part of the site file: nothing unknown, nothing guessed, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Network(Part):
    """A network of the site and what runs over it."""

    cidr: Cidr
    carries: Annotated[tuple[Use, ...], Field(min_length=1), AfterValidator(each_once)]


class Pool(Part):
    """Signalling and bridges that serve some classifications and no others."""

    classifications: Annotated[tuple[Classification, ...], Field(min_length=1), AfterValidator(each_once)]
    name: Label = Field(description="browsers find the pool at NAME.DOMAIN")
    client_certificates: ClientCertificates = "none"


class Host(Part):
    """A machine; `address` and `name` answer once the host is part of a Site."""

    kind: Kind
    roles: Annotated[tuple[Role, ...], Field(min_length=1), AfterValidator(each_once)]
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
    sender: Annotated[str, matches(rf"[^\s@]{{1,64}}@{DOMAIN}", "an address such as majlis@meet.example.org")]


class Time(Part):
    """Whose clock the hosts follow."""

    servers: Annotated[tuple[Endpoint, ...], Field(min_length=1), AfterValidator(each_once)]
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
    names: dict[Domain, Ip] = Field({}, description="what is there by name; hosts learn it without DNS")
    why: Annotated[str, Field(min_length=10, max_length=200)]
