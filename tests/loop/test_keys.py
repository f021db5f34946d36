"""The public halves of the signing keys, as Jitsi's key server and as a key set, while they are in force."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from control_plane.audit.entries import KeyCreated, KeyRetired
from control_plane.rooms.tokens import AUDIENCE
from tests.loop.house import House


@pytest.fixture
def outsider(house: House) -> Iterator[httpx.Client]:
    """Give a program that knows the address and nothing else."""
    with httpx.Client(base_url=house.running.url, trust_env=False) as client:
        yield client


def named(kid: str) -> str:
    return f"/asap/{sha256(kid.encode()).hexdigest()}.pem"


def test_a_key_is_found_by_the_hash_of_its_name_and_checks_a_token(
    house: House, outsider: httpx.Client
) -> None:
    token = house.sitting().ticket("amina")["token"]
    answer = outsider.get(named(jwt.get_unverified_header(token)["kid"]))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-pem-file"
    key = load_pem_public_key(answer.content)
    assert isinstance(key, RSAPublicKey)
    assert key.key_size == 3072
    assert jwt.decode(token, key, ["RS256"], audience=AUDIENCE)["room"]
    assert b"PRIVATE" not in answer.content


def test_the_key_set_holds_the_same_keys_and_no_private_part(house: House, outsider: httpx.Client) -> None:
    [shown] = outsider.get("/asap/jwks.json").json()["keys"]
    pem = outsider.get(named(shown["kid"])).content
    same = jwt.PyJWK(shown).key
    assert isinstance(same, RSAPublicKey)
    key = load_pem_public_key(pem)
    assert isinstance(key, RSAPublicKey)
    assert same.public_numbers() == key.public_numbers()
    assert shown.keys() == {"kty", "kid", "alg", "use", "key_ops", "n", "e"}


def test_a_retired_key_is_gone_from_both(house: House, outsider: httpx.Client) -> None:
    mark, desk = house.size(), house.desk
    with desk.units.read() as session:
        old, _ = desk.keys.signing(session)
    with desk.units.begin() as unit:
        new = desk.keys.rotate(unit, timedelta(seconds=600))
    assert {key["kid"] for key in outsider.get("/asap/jwks.json").json()["keys"]} == {old, new}
    assert outsider.get(named(old)).status_code == 200, "until its tokens are over"
    with desk.units.begin() as unit:
        desk.keys.retire(unit, old)
    assert outsider.get(named(old)).status_code == 404
    assert outsider.get(named(new)).status_code == 200
    assert [key["kid"] for key in outsider.get("/asap/jwks.json").json()["keys"]] == [new]
    assert [entry.kid for entry in house.entries(mark, KeyCreated)] == [new]
    assert [entry.kid for entry in house.entries(mark, KeyRetired)] == [old]


@pytest.mark.parametrize("name", ["0" * 64, "x", "%2e%2e%2fkeys%2flog", "..%5c..", "*"])
def test_a_key_that_never_was_is_not_found(outsider: httpx.Client, name: str) -> None:
    answer = outsider.get(f"/asap/{name}.pem")
    assert answer.status_code == 404
    assert b"BEGIN" not in answer.content
