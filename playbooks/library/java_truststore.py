#!/usr/bin/python
"""Keep a Java trust store that holds nothing but the authorities of a PEM file."""

# A module and not keytool: that one writes the date into the store, so it always changes something, and it
# isn't there before Java is. The JKS format is read by every Java, as well as by the doubles.

import base64
import hashlib
import re
import struct
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

# Protects nothing: the store holds public certificates, its digest is against accidents.
PASSWORD = "changeit"  # noqa: S105

DOCUMENTATION = """
module: java_truststore
short_description: Keep a Java trust store that holds nothing but the authorities of a PEM file
description: Writes the JKS format with the password that Java's own store has.
options:
  path: {type: path, required: true, description: The store.}
  authority: {type: path, required: true, description: PEM file with one or more certificates.}
author: Majlis
"""


def trust_store(certificates: list[bytes]) -> bytes:
    """The store's bytes; the same certificates (DER) give the same bytes."""
    body = struct.pack(">III", 0xFEEDFEED, 2, len(certificates))
    for number, certificate in enumerate(certificates):
        body += struct.pack(">I", 2) + _text(f"authority-{number}") + struct.pack(">Q", 0)
        body += _text("X.509") + struct.pack(">I", len(certificate)) + certificate
    salted = PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + body
    return body + hashlib.sha1(salted).digest()  # noqa: S324 -- the format's own


def certificates_of(pem: str) -> list[bytes]:
    """The certificates of a PEM text, as DER."""
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", pem, re.DOTALL)
    return [base64.b64decode(block) for block in blocks]


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "authority": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    path, authority = Path(module.params["path"]), Path(module.params["authority"])
    if not authority.exists():
        if module.check_mode:
            module.exit_json(changed=True)
        module.fail_json(msg=f"{authority} is missing: the role certificates puts it there")
    certificates = certificates_of(authority.read_text())
    if not certificates:
        module.fail_json(msg=f"{authority} holds no certificate")
    store = trust_store(certificates)
    changed = not path.exists() or path.read_bytes() != store
    if changed and not module.check_mode:
        new = path.with_suffix(".new")
        new.write_bytes(store)
        new.chmod(0o644)
        new.replace(path)
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
