"""The site's own certificate authority and what it signs. Pure: the clock comes in, and nothing is written.

The rules are RFC 5280's; OpenSSL's `-x509_strict` accepts what is made here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.inventory import certificates_of
from infra.site import Address, Host, Net, Site

AUTHORITY_YEARS = 10
LEAF_DAYS = 90
RENEW_DAYS = 30  # a leaf with less left than this is renewed
RENEW_AUTHORITY_DAYS = 365
CRL_DAYS = 30
BACKDATED = timedelta(hours=1)  # a host whose clock is a little behind still believes a new certificate


class KeyUnusable(Exception):
    """A private key is not one that this authority works with."""


@dataclass(frozen=True)
class Realm:
    """What an authority may speak for, and nothing else (RFC 5280, section 4.2.1.10)."""

    site: str
    names: tuple[str, ...]
    networks: tuple[Net, ...]


@dataclass(frozen=True)
class Subject:
    """Whom a leaf stands for: the first name is its common name."""

    names: tuple[str, ...]
    addresses: tuple[Address, ...] = ()
    client: bool = False  # whether it may also open connections with it


@dataclass(frozen=True)
class Signed:
    """A certificate and its private key, both PEM."""

    certificate: str
    key: str = field(repr=False)


def realm_of(site: Site) -> Realm:
    """Return what a site's authority may speak for: its domain, its hosts' short names, its networks."""
    return Realm(
        site.name,
        (site.domain, *sorted(site.hosts)),
        tuple(sorted((network.cidr for network in site.networks.values()), key=str)),
    )


def subjects_of(site: Site, host: Host) -> Mapping[str, Subject]:
    """Return the leaves that a host needs, by name; none for the edge where the operator brings his own."""
    addresses = tuple(sorted(set(host.addresses.values()), key=str))
    facing = tuple(address for address in (host.address("users"),) if address is not None)
    known = {
        "host": Subject((host.name, f"{host.name}.{site.domain}"), addresses, client=True),
        "public": Subject((site.domain, *sorted(site.pool_domain(pool) for pool in site.pools))),
        "turn": Subject((site.turn_domain,), facing),
        "xmpp": Subject(
            (site.domain, *(f"{part}.{site.domain}" for part in ("auth", "conference", "lobby")))
        ),
    }
    brought = {"public"} if site.certificate is not None else set()
    return {name: known[name] for name in certificates_of(host) if name not in brought}


def found(realm: Realm, now: datetime, key: str | None = None, years: int = AUTHORITY_YEARS) -> Signed:
    """Return an authority; with a key it is the same authority, restated, and what it signed stays good."""
    private = _read(key) if key is not None else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Majlis site authority {realm.site}")])
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in realm.names]
    permitted += [x509.IPAddress(network) for network in realm.networks]
    made = (
        _begun(name, private.public_key(), now, now.replace(year=now.year + years, day=min(now.day, 28)))
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(private.public_key()), critical=False
        )
    )
    return Signed(_pem(made.sign(private, hashes.SHA256())), _key_pem(private))


def issue(authority: Signed, subject: Subject, now: datetime, days: int = LEAF_DAYS) -> Signed:
    """Return a leaf with a new key (raises KeyUnusable); it never outlives its authority."""
    signer, private = _read(authority.key), ec.generate_private_key(ec.SECP256R1())
    issuer = parse(authority.certificate)
    until = min(now + timedelta(days=days), issuer.not_valid_after_utc)
    uses = [ExtendedKeyUsageOID.SERVER_AUTH]
    uses += [ExtendedKeyUsageOID.CLIENT_AUTH] if subject.client else []
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in subject.names]
    names += [x509.IPAddress(address) for address in subject.addresses]
    made = (
        _begun(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject.names[0])]),
            private.public_key(),
            now,
            until,
        )
        .issuer_name(issuer.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    return Signed(_pem(made.sign(signer, hashes.SHA256())), _key_pem(private))


def revoke(authority: Signed, certificates: tuple[str, ...], number: int, now: datetime) -> str:
    """Return the list of revoked certificates (PEM CRL), good for thirty days; it may be empty."""
    signer = _read(authority.key)
    begun = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(parse(authority.certificate).subject)
        .last_update(now - BACKDATED)
        .next_update(now + timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    for certificate in certificates:
        begun = begun.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(parse(certificate).serial_number)
            .revocation_date(now)
            .build()
        )
    return begun.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def why_renew(certificate: str, subject: Subject, authority: str, now: datetime) -> str:
    """Return why a leaf must be renewed, in words; empty while it is good."""
    leaf, issuer = parse(certificate), parse(authority)
    if now >= leaf.not_valid_after_utc:
        return f"expired on {leaf.not_valid_after_utc:%Y-%m-%d}"
    if (left := leaf.not_valid_after_utc - now).days < RENEW_DAYS:
        return f"{left.days} days are left"
    if subject != _subject(leaf):
        return "its names changed"
    if leaf.issuer != issuer.subject or not _signed_by(leaf, issuer):
        return "another authority signed it"
    return ""


def why_restate(certificate: str, realm: Realm, now: datetime) -> str:
    """Return why an authority must be stated anew with its key, in words; empty while it is good."""
    held = parse(certificate)
    if (left := held.not_valid_after_utc - now).days < RENEW_AUTHORITY_DAYS:
        return f"{left.days} days are left"
    permitted = held.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    if {str(one.value) for one in permitted} != {*realm.names, *map(str, realm.networks)}:
        return "the site's domain, hosts or networks changed"
    return ""


def parse(certificate: str) -> x509.Certificate:
    """Return a PEM certificate as an object (raises ValueError)."""
    return x509.load_pem_x509_certificate(certificate.encode())


def ssh_key(comment: str) -> tuple[str, str]:
    """Return a new Ed25519 key for SSH: private part (OpenSSH's own form), public line."""
    private = ed25519.Ed25519PrivateKey.generate()
    encoding, none = serialization.Encoding, serialization.NoEncryption()
    public = private.public_key().public_bytes(encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    secret = private.private_bytes(encoding.PEM, serialization.PrivateFormat.OpenSSH, none)
    return secret.decode(), f"{public.decode()} {comment}"


def _begun(
    name: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(leaf: x509.Certificate) -> Subject:
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return Subject(
        tuple(names.get_values_for_type(x509.DNSName)),
        tuple(a for a in names.get_values_for_type(x509.IPAddress) if not hasattr(a, "num_addresses")),
        ExtendedKeyUsageOID.CLIENT_AUTH in uses,
    )


def _signed_by(leaf: x509.Certificate, issuer: x509.Certificate) -> bool:
    identifier = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    return identifier == x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest


def _read(key: str) -> ec.EllipticCurvePrivateKey:
    try:
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise KeyUnusable(f"not a private key in PEM without a password: {error}") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise KeyUnusable("not an elliptic curve key")
    return private


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
