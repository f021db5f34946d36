"""What people call the resources of a site, and how Pulumi does."""

#: what a person calls each sort of resource
KINDS = {
    "Host": "host",
    "Authority": "authority",
    "Certificate": "certificate",
    "Secret": "secret",
    "ControllerKey": "SSH key",
    "Zone": "zone",
}


def named(urn: str) -> tuple[str, str] | None:
    """Return a resource's kind, as people call it, and its name; None for what Pulumi keeps for itself."""
    kind, _, name = urn.rpartition("::")
    known = KINDS.get(kind.rpartition(":")[2])
    return (known, name) if known and ":dynamic/majlis:" in urn else None
