"""A checkpoint is a C2SP signed note that only its log's key opens."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from control_plane.audit.checkpoint import Checkpoint, CheckpointInvalid, Signer, Verifier

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer("log.majlis.test", KEY)
ROOT = bytes(range(32, 64))
NOTE = SIGNER.sign(7, ROOT)


def test_what_was_signed_is_read_back() -> None:
    assert SIGNER.verifier.open(NOTE) == Checkpoint("log.majlis.test", 7, ROOT)


def test_the_text_is_pinned() -> None:
    """Ed25519 is deterministic: these bytes may never change, or no old checkpoint verifies."""
    assert (
        "log.majlis.test\n7\nICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n\n"
        f"— log.majlis.test {GOLDEN_SIGNATURE}\n"
    ) == NOTE


GOLDEN_SIGNATURE = (
    "AJkAeqBPd4AXRCWHBhquu8bNUVrvwFNFf9IeHtPK6A13A6QtlnLXDkoee2LLdixqZczq3sHRzgaPnmkUoRm/MtcROQA="
)


def test_the_key_is_read_from_its_text() -> None:
    assert Verifier.parse(SIGNER.verifier.vkey).open(NOTE).size == 7


OTHER_KEY = Signer("log.majlis.test", Ed25519PrivateKey.from_private_bytes(bytes(32))).sign(7, ROOT)
OTHER_NAME = Signer("log.other.test", KEY).sign(7, ROOT)
REFUSED = {
    "another size": NOTE.replace("\n7\n", "\n8\n"),
    "another root": NOTE.replace("ICEi", "ICEj"),
    "another origin": NOTE.replace("log.majlis.test\n", "log.forged.test\n"),
    "another log's name": OTHER_NAME,
    "another key": OTHER_KEY,
    "no signature": NOTE.partition("\n\n")[0] + "\n\n",
    "no signature block": NOTE.partition("\n\n")[0] + "\n",
    "a signature that is not base64": NOTE.rstrip() + "!\n",
    "a truncated signature": NOTE.rstrip()[:-8] + "\n",
    "nothing": "",
}


@pytest.mark.parametrize("note", REFUSED.values(), ids=REFUSED.keys())
def test_anything_else_is_refused(note: str) -> None:
    with pytest.raises(CheckpointInvalid):
        SIGNER.verifier.open(note)


@pytest.mark.parametrize("vkey", ["", "name", "name+00000000+AAAA", SIGNER.verifier.vkey[:-4] + "AAA="])
def test_a_key_that_does_not_fit_its_hash_is_refused(vkey: str) -> None:
    with pytest.raises(CheckpointInvalid):
        Verifier.parse(vkey)
