"""The sorts of resources that a site has, as Pulumi declares them; what each does stands in infra.providers."""

import pickle
from typing import Any

from pulumi import Input, Output, ResourceOptions
from pulumi.dynamic import Resource, ResourceProvider

from infra.providers import (
    AuthorityProvider,
    CertificateProvider,
    ControllerKeyProvider,
    HostProvider,
    MachineOf,
    SecretProvider,
    ZoneProvider,
)

Inputs = dict[str, Input[Any]]


class Declared(Resource):
    """A resource whose provider Pulumi pickles without leaving a mark.

    Pulumi's `serialize_provider` wraps a method of Python's pickler for each resource and never unwraps it: the
    thousandth resource of a process would exceed the recursion limit.
    """

    def __init__(self, provider: ResourceProvider, name: str, given: Inputs, opts: ResourceOptions) -> None:
        pickler: Any = pickle._Pickler
        kept = pickler._batch_setitems
        try:
            super().__init__(provider, name, given, opts)
        finally:
            pickler._batch_setitems = kept


class Secret(Declared, module="majlis", name="Secret"):
    """A random text that some hosts share."""

    value: Output[str]

    def __init__(self, name: str, turn: str, *, protect: bool) -> None:
        opts = ResourceOptions(protect=protect, additional_secret_outputs=["value"])
        super().__init__(SecretProvider(), name, {"name": name, "turn": turn, "value": None}, opts)


class ControllerKey(Declared, module="majlis", name="ControllerKey"):
    """The controller's SSH key pair."""

    private: Output[str]
    public: Output[str]

    def __init__(self, site: str) -> None:
        # Protected: hosts that others set up let nobody else in.
        opts = ResourceOptions(protect=True, additional_secret_outputs=["private"])
        given: Inputs = {"name": "controller", "site": site, "private": None, "public": None}
        super().__init__(ControllerKeyProvider(), "controller", given, opts)


class Authority(Declared, module="majlis", name="Authority"):
    """The site's certificate authority."""

    certificate: Output[str]
    key: Output[str]

    def __init__(self, given: Inputs) -> None:
        opts = ResourceOptions(protect=True, additional_secret_outputs=["key"])
        made: Inputs = {"name": "authority", "certificate": None, "key": None}
        super().__init__(AuthorityProvider(), "authority", given | made, opts)


class Certificate(Declared, module="majlis", name="Certificate"):
    """A certificate of one host."""

    certificate: Output[str]
    key: Output[str]

    def __init__(self, name: str, given: Inputs) -> None:
        opts = ResourceOptions(additional_secret_outputs=["key"])
        made: Inputs = {"name": name, "certificate": None, "key": None}
        super().__init__(CertificateProvider(), name, given | made, opts)


class Zone(Declared, module="majlis", name="Zone"):
    """The zone file for the state's name servers."""

    def __init__(self, given: Inputs) -> None:
        super().__init__(ZoneProvider(), "zone", given | {"name": "zone", "serial": None}, ResourceOptions())


class Host(Declared, module="majlis", name="Host"):
    """A machine of any kind."""

    facts: Output[dict[str, Any]]

    def __init__(self, machine_of: MachineOf, name: str, given: Inputs, *, protect: bool) -> None:
        opts = ResourceOptions(
            protect=protect, additional_secret_outputs=["ssh_key", "board_password", "disk_passphrase"]
        )
        super().__init__(HostProvider(machine_of), name, given | {"name": name, "facts": None}, opts)
