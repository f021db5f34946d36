"""What a double is told as the real program is: by -D properties and by the file that config.file names."""

import json
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

JKS_MAGIC = 0xFEEDFEED
TRUSTED_CERTIFICATE = 2


class SettingMissing(Exception):
    """A key that the double needs isn't in its file."""


class NotReadable(Exception):
    """The file isn't what the double can read: of HOCON it knows the part that is JSON."""


@dataclass(frozen=True)
class Settings:
    """A HOCON file; keys are dotted paths."""

    tree: Mapping[str, Any]

    def get(self, path: str, default: Any = None) -> Any:
        """What stands at `path`; `default` if nothing does."""
        here: Any = self.tree
        for key in path.split("."):
            if not isinstance(here, Mapping) or key not in here:
                return default
            here = here[key]
        return here

    def need(self, path: str) -> Any:
        """The same, but raises SettingMissing."""
        value = self.get(path)
        if value is None:
            raise SettingMissing(path)
        return value


def read_settings(path: Path) -> Settings:
    """Read a configuration (raises NotReadable)."""
    try:
        tree = json.loads(path.read_text())
    except ValueError as problem:
        raise NotReadable(f"{path}: {problem}") from problem
    return Settings(tree)


def properties(arguments: list[str]) -> dict[str, str]:
    """-Dname=value as Java takes them."""
    pairs = (argument[2:].partition("=") for argument in arguments if argument.startswith("-D"))
    return {name: value for name, _, value in pairs}


def client_context(given: Mapping[str, str]) -> ssl.SSLContext:
    """TLS as Java would do it: with the trust store that javax.net.ssl.trustStore names."""
    context = ssl.create_default_context()
    if store := given.get("javax.net.ssl.trustStore"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for certificate in trusted_certificates(Path(store).read_bytes()):
            context.load_verify_locations(cadata=certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def trusted_certificates(store: bytes) -> list[bytes]:
    """DER certificates of a Java key store of the JKS kind (raises NotReadable)."""
    magic, _, count = struct.unpack_from(">III", store)
    if magic != JKS_MAGIC:
        raise NotReadable("the trust store isn't a JKS file")
    position, found = 12, []
    for _ in range(count):
        (tag,) = struct.unpack_from(">I", store, position)
        if tag != TRUSTED_CERTIFICATE:
            raise NotReadable("the trust store holds more than trusted certificates")
        position = _skip_text(store, position + 4) + 8  # the alias, and when it was put in
        position = _skip_text(store, position)  # "X.509"
        (length,) = struct.unpack_from(">I", store, position)
        found.append(store[position + 4 : position + 4 + length])
        position += 4 + length
    return found


def _skip_text(store: bytes, position: int) -> int:
    (length,) = struct.unpack_from(">H", store, position)
    return position + 2 + int(length)
