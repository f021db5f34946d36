"""The words of a site file: names, addresses, domains and closed vocabularies, each with what it may hold."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Literal, get_args
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

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


def matches(pattern: str, example: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"may hold {example}")
        return value

    return AfterValidator(check)


def each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if twice := sorted({v for v in values if values.count(v) > 1}):
        raise ValueError(f"may hold each word once ({', '.join(twice)} stands there again)")
    return values


def well_placed(url: str) -> str:
    """Return a URL whose host and port can be (raises ValueError)."""
    try:
        parts = urlsplit(url)
        if parts.port != 0 and (not parts.hostname or _endpoint(parts.hostname)):
            return url
    except ValueError:
        pass  # said below, the same for each way to be wrong
    raise ValueError("may hold an address of a host that can be, with a port of 1 to 65535")


def endpoint_of(state: str) -> str:
    """Return the URL of the store in which s3://BUCKET?endpoint=HOST is; without endpoint it is Amazon's."""
    said = parse_qs(urlsplit(state).query).get("endpoint", ["https://s3.amazonaws.com"])[0]
    return said if "://" in said else f"https://{said}"


def _endpoint(value: str) -> str:
    if re.fullmatch(DOMAIN, value):
        return value
    try:
        return str(ip_address(value))
    except ValueError:
        raise ValueError("may hold an address, or a full name in lower case") from None


Ip = Annotated[
    Address,
    PlainValidator(_address),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "format": "ip"}),
]
Cidr = Annotated[
    Net, PlainValidator(_network), PlainSerializer(str), WithJsonSchema({"type": "string", "format": "cidr"})
]


SiteName = Annotated[
    str,
    matches(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", "1 to 10 of a-z, 0-9 and -, a letter first, no - at the end"),
    WithJsonSchema({"type": "string", "pattern": "^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$"}),
]
Label = Annotated[
    str,
    matches(LABEL, "1 to 30 of a-z, 0-9 and -, a letter first, no - at the end"),
    WithJsonSchema({"type": "string", "pattern": f"^{LABEL}$"}),
]
Domain = Annotated[
    str,
    matches(DOMAIN, "a domain in lower case with a dot, such as meet.parliament.example"),
    WithJsonSchema({"type": "string", "pattern": f"^{DOMAIN}$"}),
]
Endpoint = Annotated[  # a host by name or address
    str,
    AfterValidator(_endpoint),
    WithJsonSchema({"type": "string"}),
]
Url = Annotated[
    str,
    matches(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", "an http:// or https:// address without account and query"),
    AfterValidator(well_placed),
    WithJsonSchema({"type": "string", "pattern": "^https?://"}),
]
State = Annotated[
    str,
    matches(
        r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\?[^\s#]+)?|[~/.][^\s:]*",
        "a directory or s3://BUCKET?endpoint=HOST",
    ),
    AfterValidator(lambda state: well_placed(endpoint_of(state)) and state),
    WithJsonSchema({"type": "string"}),
]
Days = Annotated[int, Field(ge=1, le=36_500)]
