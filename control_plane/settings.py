"""What the operator may set, parsed once; a wrong value stops the start with a sentence."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len
from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

PREFIX = "MAJLIS_"
Zone = Literal["government", "parliament", "internet"]
Classification = Literal["public", "restricted", "confidential", "secret"]


def _shipped_policies() -> Path:
    """Return the policies that come with the package, or those of the checkout it runs from."""
    packaged = Path(__file__).parent / "policies"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "policies"


class PoolSetting(BaseModel):
    """Signalling hosts that serve some classifications and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    classifications: Annotated[frozenset[Classification], Len(1)]
    signalling: Annotated[frozenset[str], Len(1)]
    websocket: str = Field(pattern=r"^wss?://[^\s]+$")


class SettingsInvalid(Exception):
    """One or more settings can't be used; the text has a line for each."""


class Settings(BaseSettings):
    """Each field is read from the environment variable MAJLIS_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)

    database_url: SecretStr = Field(
        SecretStr("sqlite:///majlis.db"), description="postgresql+psycopg://user@host/name or sqlite:///file"
    )
    domain: str = Field(
        "meet.majlis.test",
        pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$",
        description="XMPP domain, lower case",
    )
    base_url: AnyHttpUrl = Field(
        AnyHttpUrl("http://127.0.0.1:8000"), description="address of the pages as people type it"
    )
    policies: Path = Field(
        default_factory=_shipped_policies,
        description="directory of schema.cedarschema and the .cedar files",
    )
    keys: Path = Field(
        Path("keys"), description="directory of the signing keys, readable by the service only"
    )
    log_origin: str = Field(
        "log.majlis.test",
        pattern=r"^[^\s+]{1,120}$",
        description="name of the log, without blanks and plus signs",
    )
    gate_secret: SecretStr = Field(
        description="at least 32 characters that Prosody shows to the control plane"
    )
    control_secret: SecretStr = Field(
        description="at least 32 characters that the control plane shows to Prosody"
    )
    signalling: dict[str, AnyHttpUrl] = Field(
        default_factory=dict, description='JSON object of signalling nodes, {"name": "http://address:port"}'
    )
    pools: dict[str, PoolSetting] = Field(
        default_factory=dict,
        description='JSON object {"open": {"classifications": ["public"], "signalling": ["name"], '
        '"websocket": "wss://…"}}, each classification in one pool; none: every host carries every meeting, '
        "and the pages know no address for media",
    )
    authority: Path | None = Field(
        None, description="file of the authority that signalling hosts' certificates must come from"
    )
    tls_certificate: Path | None = Field(
        None, description="file of the certificate and its chain, to serve HTTPS; goes with its key"
    )
    tls_key: Path | None = Field(None, validate_default=True, description="file of that certificate's key")
    token_seconds: Annotated[int, Ge(10), Le(600)] = Field(
        120, description="10 to 600 seconds that a join token is good for"
    )
    zones: dict[Zone, tuple[IPv4Network | IPv6Network, ...]] = Field(
        default_factory=dict,
        description='JSON object {"government": ["10.1.0.0/16"], "parliament": […]}; the rest is internet',
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="addresses of the edge whose X-Forwarded-For is believed"
    )
    mail_host: str = Field("", description="the state's mail relay; empty: mail stays in the outbox")
    mail_port: Annotated[int, Ge(1), Le(65535)] = Field(25, description="1 to 65535")
    mail_from: str = Field(
        "majlis@majlis.test", pattern=r"^[^@\s]+@[^@\s]+$", description="sender of convocations"
    )
    secure_cookies: bool = Field(
        True, description="false only for a first look over plain HTTP on this machine"
    )

    @field_validator("authority", "tls_certificate", "tls_key")
    @classmethod
    def _readable(cls, file: Path | None) -> Path | None:
        if file is not None:
            try:
                file.open("rb").close()
            except OSError as error:
                raise ValueError(f"can't be read: {error.strerror}") from None
        return file

    @field_validator("tls_key")
    @classmethod
    def _with_its_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if (key is None) != (info.data.get("tls_certificate") is None):
            raise ValueError("a certificate and its key go together")
        return key

    @field_validator("pools")
    @classmethod
    def _apart(cls, pools: dict[str, PoolSetting], info: ValidationInfo) -> dict[str, PoolSetting]:
        served: set[str] = set()
        for name, pool in pools.items():
            if again := served & pool.classifications:
                raise ValueError(f"{name} serves {', '.join(sorted(again))}, which another pool serves")
            served |= pool.classifications
            if unknown := pool.signalling - info.data.get("signalling", {}).keys():
                raise ValueError(f"{name} names {', '.join(sorted(unknown))}, which MAJLIS_SIGNALLING lacks")
        return pools

    @field_validator("gate_secret", "control_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if len(secret.get_secret_value()) < 32:
            raise ValueError("has fewer than 32 characters")
        return secret


def load_settings() -> Settings:
    """Parse the environment (raises SettingsInvalid: name, value unless secret, and what is allowed)."""
    try:
        return Settings()
    except SettingsError as error:
        raise SettingsInvalid(f"{error}: not readable as JSON; {_allowed_for(str(error))}") from None
    except ValidationError as error:
        raise SettingsInvalid("\n".join(_sentence(detail) for detail in error.errors())) from None


def _allowed_for(message: str) -> str:
    named = [name for name in Settings.model_fields if f'"{name}"' in message]
    return "; ".join(
        f"{PREFIX}{name.upper()}, allowed: {Settings.model_fields[name].description}" for name in named
    )


def _sentence(detail: ErrorDetails) -> str:
    name = str(detail["loc"][0])
    field = Settings.model_fields.get(name)
    if field is None:
        return f"{PREFIX}{name.upper()} is not a setting; `majlis settings` lists them"
    allowed = f"allowed: {field.description}"
    if detail["type"] == "missing":
        return f"{PREFIX}{name.upper()} is not set; {allowed}"
    secret = field.annotation is SecretStr
    value = "(secret)" if secret else repr(detail["input"])
    return f"{PREFIX}{name.upper()} = {value}: {detail['msg']}; {allowed}"
