"""Join tokens in Jitsi's form: RS256, one room, one use, minutes.

The claims are those of Jitsi's token guide (lib-jitsi-meet, doc/tokens.md). `room` and `sub` are never `*`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

ISSUER = "majlis"
AUDIENCE = "jitsi"
ALGORITHM = "RS256"
MAX_TOKEN_BYTES = 8_192
REQUIRED = ["iss", "aud", "sub", "room", "exp", "nbf", "jti", "context"]
# A header that names a key of its own is an attempt to choose who checks it (RFC 8725 section 3.10).
FORBIDDEN_HEADERS = frozenset({"jwk", "jku", "x5u", "x5c", "crit"})

_DECODER = jwt.PyJWT()
# Time is checked here, against the clock that was given.
_OPTIONS: Any = {"require": REQUIRED, "verify_exp": False, "verify_nbf": False, "verify_iat": False}


@dataclass(frozen=True, slots=True)
class Occupant:
    """Who the token is for, as Jitsi shows them: `id` is a pseudonym, `name` the account's."""

    id: str
    name: str
    moderator: bool


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says."""

    jti: str
    room: str
    domain: str
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadToken:
    """Why a token is not good, as a word of rooms/reasons.py; its id where the signature held."""

    why: str
    jti: str = ""


def mint(
    signer: tuple[str, RSAPrivateKey],
    occupant: Occupant,
    features: Mapping[str, bool],
    *,
    jti: str,
    room: str,
    domain: str,
    not_before: datetime,
    expires: datetime,
) -> str:
    """Return a signed token; `features` are Jitsi's names, given as the strings its modules expect."""
    kid, key = signer
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": domain,
        "room": room,
        "jti": jti,
        "nbf": int(not_before.timestamp()),
        "exp": int(expires.timestamp()),
        "context": {
            "user": {
                "id": occupant.id,
                "name": occupant.name,
                "affiliation": "owner" if occupant.moderator else "member",
                "moderator": occupant.moderator,
            },
            "features": dict(features),
        },
    }
    return jwt.encode(claims, key, ALGORITHM, headers={"kid": kid})


def read(token: str, keys: Mapping[str, RSAPublicKey], domain: str, now: datetime) -> Claims | BadToken:
    """Check everything that a token alone can tell; whether it was used or revoked is in the database."""
    if not token:
        return BadToken("token_missing")
    if len(token) > MAX_TOKEN_BYTES:
        return BadToken("token_oversized")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        return BadToken("token_malformed")
    if header.get("alg") != ALGORITHM or FORBIDDEN_HEADERS & header.keys():
        return BadToken("token_algorithm")
    key = keys.get(str(header.get("kid")))
    if key is None:
        return BadToken("token_key")
    try:
        claims = _DECODER.decode(token, key, [ALGORITHM], _OPTIONS, audience=AUDIENCE, issuer=ISSUER)
    except jwt.InvalidSignatureError:
        return BadToken("token_signature")
    except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
        return BadToken("token_audience")
    except jwt.InvalidTokenError:
        return BadToken("token_malformed")
    return _checked(claims, domain, now.timestamp())


def _checked(claims: Mapping[str, Any], domain: str, now: float) -> Claims | BadToken:
    if not all(isinstance(claims[name], str) for name in ("sub", "room", "jti")):
        return BadToken("token_malformed")
    if not all(isinstance(claims[name], int) for name in ("exp", "nbf")) or not isinstance(
        claims["context"], dict
    ):
        return BadToken("token_malformed")
    jti = claims["jti"]
    if claims["exp"] <= now:
        return BadToken("token_expired", jti)
    if claims["nbf"] > now:
        return BadToken("token_future", jti)
    if claims["sub"] != domain:
        return BadToken("token_audience", jti)
    if claims["room"] in ("", "*"):
        return BadToken("token_room", jti)
    return Claims(jti, claims["room"], domain, claims["context"])
