"""Bad join tokens, each with the word that the log must say about it; whoever forges knows the signing key or not."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

OTHER = generate_private_key(public_exponent=65537, key_size=2048)


def part(token: str, at: int) -> dict[str, Any]:
    """Return a token's header (0) or claims (1)."""
    text = token.split(".")[at]
    return dict(json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))))


def encoded(content: Any) -> str:
    """Return content as a part of a token."""
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Forge:
    """A good token, and the key that signed it under the name `kid`."""

    token: str
    kid: str
    key: RSAPrivateKey

    @property
    def claims(self) -> dict[str, Any]:
        return part(self.token, 1)

    def signed(self, key: RSAPrivateKey | None = None, **header: Any) -> str:
        """Return the claims signed with `key` (or the true one) under a changed header."""
        return jwt.encode(self.claims, key or self.key, "RS256", headers={"kid": self.kid, **header})

    def changed(self, **claims: Any) -> str:
        """Return the token with other claims, truly signed; None drops a claim."""
        kept = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        return jwt.encode(kept, self.key, "RS256", headers={"kid": self.kid})

    def as_algorithm(self, algorithm: str) -> str:
        """Return the token truly signed with another algorithm."""
        return jwt.encode(self.claims, self.key, algorithm, headers={"kid": self.kid})

    def unsigned(self, algorithm: str) -> str:
        """Return the token with a header that says it needs no signature."""
        return f"{encoded({'alg': algorithm, 'kid': self.kid})}.{self.token.split('.')[1]}."

    def hmac_with_public_key(self) -> str:
        """GHSA-45ff-37jm-xjfx: a verifier that believes the header's algorithm takes the public key for a secret."""
        body = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': self.kid})}.{self.token.split('.')[1]}"
        public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signature = hmac.new(public, body.encode(), sha256).digest()
        return f"{body}.{urlsafe_b64encode(signature).decode().rstrip('=')}"

    def altered(self) -> str:
        """Return the token with a changed claim under its old signature."""
        header, _, signature = self.token.split(".")
        return f"{header}.{encoded({**self.claims, 'room': 'x'})}.{signature}"


FORGERIES: dict[str, tuple[Callable[[Forge], str], str]] = {
    "nothing": (lambda _: "", "token_missing"),
    "noise": (lambda _: "x", "token_malformed"),
    "three dots": (lambda _: "...", "token_malformed"),
    "too long": (lambda forge: forge.token + "A" * 8_192, "token_oversized"),
    "alg none": (lambda forge: forge.unsigned("none"), "token_algorithm"),
    "alg None": (lambda forge: forge.unsigned("None"), "token_algorithm"),
    "HS256 with the public key": (Forge.hmac_with_public_key, "token_algorithm"),
    "RS512": (lambda forge: forge.as_algorithm("RS512"), "token_algorithm"),
    "PS256": (lambda forge: forge.as_algorithm("PS256"), "token_algorithm"),
    "a key in the header": (lambda forge: forge.signed(OTHER, jwk={"kty": "RSA"}), "token_algorithm"),
    "a key's address": (lambda forge: forge.signed(OTHER, jku="https://evil.test"), "token_algorithm"),
    "a certificate's address": (
        lambda forge: forge.signed(OTHER, x5u="https://evil.test"),
        "token_algorithm",
    ),
    "unknown kid": (lambda forge: forge.signed(OTHER, kid="unknown"), "token_key"),
    "no kid": (lambda forge: jwt.encode(forge.claims, forge.key, "RS256"), "token_key"),
    "a path for a kid": (lambda forge: forge.signed(kid="../../etc/passwd"), "token_key"),
    "another key": (lambda forge: forge.signed(OTHER), "token_signature"),
    "a changed claim": (Forge.altered, "token_signature"),
    "no signature": (lambda forge: forge.token.rsplit(".", 1)[0] + ".", "token_signature"),
    "expired": (lambda forge: forge.changed(exp=1_000_000_000), "token_expired"),
    "not yet good": (lambda forge: forge.changed(nbf=4_000_000_000, exp=4_000_000_100), "token_future"),
    "no expiry": (lambda forge: forge.changed(exp=None), "token_malformed"),
    "expiry as text": (lambda forge: forge.changed(exp="4000000000"), "token_malformed"),
    "no beginning": (lambda forge: forge.changed(nbf=None), "token_malformed"),
    "no room": (lambda forge: forge.changed(room=None), "token_malformed"),
    "no id": (lambda forge: forge.changed(jti=None), "token_malformed"),
    "no context": (lambda forge: forge.changed(context=None), "token_malformed"),
    "another audience": (lambda forge: forge.changed(aud="elsewhere"), "token_audience"),
    "any audience": (lambda forge: forge.changed(aud="*"), "token_audience"),
    "another issuer": (lambda forge: forge.changed(iss="elsewhere"), "token_audience"),
    "any issuer": (lambda forge: forge.changed(iss="*"), "token_audience"),
    "another domain": (lambda forge: forge.changed(sub="other.test"), "token_audience"),
    "any domain": (lambda forge: forge.changed(sub="*"), "token_audience"),
    "any room": (lambda forge: forge.changed(room="*"), "token_room"),
    "an empty room": (lambda forge: forge.changed(room=""), "token_room"),
    "another room": (lambda forge: forge.changed(room="elsewhere"), "token_room"),
    "an id never given out": (lambda forge: forge.changed(jti="made-up"), "token_unknown"),
}
