"""What is wrong with a host's certificates, said before they leave the controller, and how they lie on a host."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

Leaves = Mapping[str, Mapping[str, str]]


def certificate_faults(leaves: Leaves, authority: str, seconds: float | None = None) -> list[str]:
    """Return a sentence for each thing that is wrong; `seconds` since 1970 is the time at which to judge."""
    now = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    try:
        root = x509.load_pem_x509_certificate(authority.encode())
    except ValueError:
        return ["The site authority is no certificate that can be read."]
    return [fault for name, leaf in sorted(leaves.items()) for fault in _faults(name, leaf, root, now)]


def _faults(name: str, leaf: Mapping[str, str], root: x509.Certificate, now: datetime) -> list[str]:
    try:
        chain = x509.load_pem_x509_certificates(leaf["certificate"].encode())
        key = load_pem_private_key(leaf["key"].encode(), None)
    except (ValueError, TypeError) as unreadable:
        return [f"{name}: the certificate or its key can't be read: {unreadable}."]
    first = chain[0]
    faults = []
    if _public(first.public_key()) != _public(key.public_key()):
        faults.append(f"{name}: the certificate and the key don't belong together.")
    if now >= first.not_valid_after_utc:
        faults.append(
            f"{name}: the certificate has expired, it was good until {first.not_valid_after_utc:%Y-%m-%d %H:%M} UTC."
        )
    if now < first.not_valid_before_utc:
        faults.append(
            f"{name}: the certificate is not yet valid, it is good from {first.not_valid_before_utc:%Y-%m-%d %H:%M} UTC."
        )
    # The operator's own page certificate comes from another authority, with its own chain.
    if name != "public" and not _issued(chain, root):
        faults.append(
            f"{name}: the certificate isn't of the site's authority ({root.subject.rfc4514_string()})."
        )
    return faults


def _issued(chain: list[x509.Certificate], root: x509.Certificate) -> bool:
    links = chain if chain[-1] == root else [*chain, root]
    return all(_signed(child, parent) for child, parent in pairwise(links))


def _signed(child: x509.Certificate, parent: x509.Certificate) -> bool:
    key, algorithm = parent.public_key(), child.signature_hash_algorithm
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm:
            key.verify(child.signature, child.tbs_certificate_bytes, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm:
            key.verify(child.signature, child.tbs_certificate_bytes, padding.PKCS1v15(), algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _public(key: Any) -> bytes:
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def certificate_files(leaves: Leaves, authority: str, directory: str, group: str) -> list[dict[str, str]]:
    """Return the files to write: certificates for everybody, keys for the group."""
    files = [{"path": f"{directory}/authority.crt", "content": authority}]
    for name, leaf in sorted(leaves.items()):
        files.append({"path": f"{directory}/{name}.crt", "content": leaf["certificate"]})
        files.append(
            {"path": f"{directory}/{name}.key", "content": leaf["key"], "group": group, "mode": "0640"}
        )
    return files


def certificate_ends(leaves: Leaves) -> dict[str, int]:
    """Return when each certificate ends, in seconds since 1970."""
    return {
        name: int(
            x509.load_pem_x509_certificate(leaf["certificate"].encode()).not_valid_after_utc.timestamp()
        )
        for name, leaf in sorted(leaves.items())
    }


class FilterModule:
    """The filters, as Ansible asks for them."""

    def filters(self) -> dict[str, Any]:
        return {
            "certificate_faults": certificate_faults,
            "certificate_files": certificate_files,
            "certificate_ends": certificate_ends,
        }
