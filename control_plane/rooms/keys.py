"""Signing keys of join tokens: made, published, and retired without a gap."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from sqlalchemy import ColumnElement, select, update
from sqlmodel import Session, col

from control_plane.audit.entries import KeyCreated, KeyRetired
from control_plane.database import new_id
from control_plane.rooms.models import SigningKey
from control_plane.unit import Unit

RSA_BITS = 3072  # BSI TR-02102-1 and ANSSI's guide both ask for at least 3,000


class NoSigningKey(Exception):
    """No key is there to sign with; `majlis keys rotate` makes one."""


class KeyUnknown(Exception):
    """No key of that name was ever made here."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The directory of private keys (files of mode 0600) beside the table of public ones."""

    directory: Path
    _private: dict[str, RSAPrivateKey] = field(default_factory=dict)

    def rotate(self, unit: Unit, overlap: timedelta) -> str:
        """Make a new key that signs from now on and return its kid.

        The keys before it go on verifying for `overlap`, so that tokens already given out stay good.
        """
        kid, key = new_id(), generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._write(kid, key)
        unit.session.execute(
            update(SigningKey)
            .where(col(SigningKey.retired_at).is_(None))
            .values(retired_at=unit.now + overlap)
        )
        unit.session.add(SigningKey(kid=kid, public_pem=public.decode(), created_at=unit.now))
        unit.record(KeyCreated(kid=kid, fingerprint=sha256(public).hexdigest()))
        return kid

    def retire(self, unit: Unit, kid: str) -> None:
        """Refuse everything signed with this key from now on (raises KeyUnknown)."""
        row = unit.session.get(SigningKey, kid)
        if row is None:
            raise KeyUnknown(f"no signing key is called {kid}")
        row.retired_at = unit.now
        unit.record(KeyRetired(kid=kid))

    def signing(self, session: Session) -> tuple[str, RSAPrivateKey]:
        """Return the newest key that is not to be retired, with its kid (raises NoSigningKey)."""
        kid = session.scalars(
            select(col(SigningKey.kid))
            .where(col(SigningKey.retired_at).is_(None))
            .order_by(col(SigningKey.created_at).desc(), col(SigningKey.kid))
            .limit(1)
        ).first()
        if kid is None:
            raise NoSigningKey("no signing key is in force; run `majlis keys rotate`")
        return kid, self._read(kid)

    def _write(self, kid: str, key: RSAPrivateKey) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        descriptor = os.open(self._path(kid), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())

    def _read(self, kid: str) -> RSAPrivateKey:
        if kid not in self._private:
            try:
                key = load_pem_private_key(self._path(kid).read_bytes(), None)
            except FileNotFoundError as error:
                raise NoSigningKey(f"the private half of key {kid} is not in {self.directory}") from error
            if not isinstance(key, RSAPrivateKey):
                raise NoSigningKey(f"{self._path(kid)} holds no RSA key")
            self._private[kid] = key
        return self._private[kid]

    def _path(self, kid: str) -> Path:
        return self.directory / f"token-{kid}.pem"


def verifying(session: Session, now: datetime) -> Mapping[str, RSAPublicKey]:
    """Return the public keys in force at `now`, by kid; a retired one is not among them."""
    return {kid: _public(pem) for kid, pem in public_pems(session, now).items()}


def public_pems(session: Session, now: datetime) -> dict[str, str]:
    """Return the PEM of each public key in force at `now`, by kid."""
    rows = session.execute(select(col(SigningKey.kid), col(SigningKey.public_pem)).where(_in_force(now)))
    return {kid: pem for kid, pem in rows}  # noqa: C416 — rows are not pairs to mypy


def _in_force(now: datetime) -> ColumnElement[bool]:
    return col(SigningKey.retired_at).is_(None) | (col(SigningKey.retired_at) > now)


@lru_cache(maxsize=64)
def _public(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("a signing key that is not RSA stands in the database")
    return key
