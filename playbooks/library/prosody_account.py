#!/usr/bin/python
"""Keep an account of Prosody's internal_hashed store: its password as salt and keys, never in the clear."""

# A module and not `prosodyctl register`: that one salts anew at each run, so it always changes something.

import base64
import hashlib
import hmac
import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

ITERATIONS = 10_000  # Prosody 0.12's own default
FIELDS = ("iteration_count", "salt", "server_key", "stored_key")

DOCUMENTATION = """
module: prosody_account
short_description: Keep an account of Prosody's internal_hashed store
description: Writes the account as Prosody would (SCRAM-SHA-1, RFC 5802), unless the password fits already.
options:
  username: {type: str, required: true, description: Part of the address before the at sign.}
  host: {type: str, required: true, description: XMPP host.}
  password: {type: str, required: true, description: What the account signs in with.}
  data_path: {type: path, default: /var/lib/prosody, description: Prosody's data directory.}
  owner: {type: str, default: prosody, description: User and group that own the file.}
author: Majlis
"""


def account_path(data_path: str, host: str, username: str) -> Path:
    """Where Prosody looks for an account."""
    return Path(data_path) / _escaped(host) / "accounts" / f"{_escaped(username)}.dat"


def account(password: str, salt: str) -> str:
    """The account's file: SCRAM-SHA-1's keys as hexadecimal digits, in Lua."""
    stored, server = _keys(password, salt, ITERATIONS)
    values = {"iteration_count": str(ITERATIONS), "salt": f'"{salt}"'}
    values |= {"server_key": f'"{server}"', "stored_key": f'"{stored}"'}
    return "return {\n" + "".join(f'\t["{name}"] = {values[name]};\n' for name in FIELDS) + "};\n"


def fits(text: str, password: str) -> bool:
    """Whether an account's file holds this password."""
    found = dict(re.findall(r'\["(\w+)"\] = "?([^";]*)"?;', text))
    if not set(FIELDS) <= set(found) or not found["iteration_count"].isdecimal():
        return False
    stored, _ = _keys(password, found["salt"], int(found["iteration_count"]))
    return hmac.compare_digest(stored, found["stored_key"])


def _keys(password: str, salt: str, iterations: int) -> tuple[str, str]:
    salted = hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), iterations)
    client_key = hmac.new(salted, b"Client Key", hashlib.sha1).digest()
    server_key = hmac.new(salted, b"Server Key", hashlib.sha1).hexdigest()
    return hashlib.sha1(client_key).hexdigest(), server_key  # noqa: S324 -- RFC 5802's own


def _escaped(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", lambda match: f"%{ord(match[0]):02x}", name)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "username": {"type": "str", "required": True},
            "host": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "data_path": {"type": "path", "default": "/var/lib/prosody"},
            "owner": {"type": "str", "default": "prosody"},
        },
        supports_check_mode=True,
    )
    given: dict[str, Any] = module.params
    path = account_path(given["data_path"], given["host"], given["username"])
    if path.exists() and fits(path.read_text(), given["password"]):
        module.exit_json(changed=False)
    if not module.check_mode:
        _write(
            path,
            account(given["password"], base64.b16encode(secrets.token_bytes(16)).decode()),
            given["owner"],
        )
    module.exit_json(changed=True)


def _write(path: Path, text: str, owner: str) -> None:
    for directory in (path.parent.parent, path.parent):
        if not directory.exists():
            directory.mkdir(mode=0o750)
            _give(directory, owner)
    new = path.with_suffix(".new")
    new.touch(mode=0o640)
    new.write_text(text)
    _give(new, owner)
    new.replace(path)


def _give(path: Path, owner: str) -> None:
    shutil.chown(path, owner, owner)


if __name__ == "__main__":
    main()
