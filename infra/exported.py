"""What was built, read from the state that the engine exports with its secrets opened."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from infra.inventory import Leaf, Secrets
from infra.machines import Built
from infra.resource_names import named

# How Pulumi marks a secret in an exported state (sdk/go/common/resource/sig, "SecretSig").
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 — a mark that every Pulumi knows

Exported = Mapping[str, Any]


def built_from(resources: Iterable[Exported]) -> Built | None:
    """Return what is there, also after an `up` that some hosts failed; None before the authority and the key are."""
    outs: dict[str, dict[str, Any]] = {}
    for resource in resources:
        if (key := named(resource["urn"])) is not None and not resource.get("delete"):
            outs.setdefault(key[0], {})[key[1]] = opened(resource.get("outputs") or {})
    keys, authorities = outs.get("SSH key", {}), outs.get("authority", {})
    if "private" not in keys.get("controller", {}) or "certificate" not in authorities.get("authority", {}):
        return None
    values = {name: out["value"] for name, out in outs.get("secret", {}).items() if out.get("value")}
    facts = {name: out["facts"] for name, out in outs.get("host", {}).items() if out.get("facts")}
    return Built(
        Secrets(values, _leaves(outs.get("certificate", {})), authorities["authority"]["certificate"]),
        keys["controller"]["private"],
        {name: fact["host_key"] for name, fact in facts.items()},
    )


def opened(value: Any) -> Any:
    """Return a value of the state with the secrets in it as plain values."""
    match value:
        case {"plaintext": str(text)} if value.get(SIGNATURE) == SECRET:
            return opened(json.loads(text))
        case dict():
            return {key: opened(inner) for key, inner in value.items()}
        case list():
            return [opened(inner) for inner in value]
    return value


def _leaves(certificates: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Leaf]]:
    leaves: dict[str, dict[str, Leaf]] = {}
    for full, out in certificates.items():
        host, _, name = full.partition("/")
        if out.get("certificate"):
            leaves.setdefault(host, {})[name] = Leaf(out["certificate"], out["key"])
    return leaves
