"""The `majlis` command: what an operator does at the machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, NoReturn

import typer
import uvicorn
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy.exc import OperationalError

from control_plane.audit.checkpoint import CheckpointInvalid, Verifier
from control_plane.audit.keys import NoLogKey, log_signer
from control_plane.audit.verify import Sound, verify
from control_plane.commands import WithOtherCommands
from control_plane.database import DatabaseUnsupported, connect, utc_now
from control_plane.desk import Desk, prepare, set_up_desk
from control_plane.meetings.cli import mail
from control_plane.meetings.service import NoSuchMail, NoSuchMeeting, NotStranded
from control_plane.people.cli import people
from control_plane.people.service import (
    AccountDisabled,
    DetailsInvalid,
    EmailTaken,
    PasswordRefused,
    find_person,
)
from control_plane.policy import Action, PolicySetInvalid, SignIn, Strength, explanation
from control_plane.policy.cli import app as policy
from control_plane.rooms.service import KeyUnknown, question_about
from control_plane.settings import PREFIX, Settings, SettingsInvalid, Zone, load_settings
from control_plane.unit import Unit

app = typer.Typer(
    cls=WithOtherCommands,
    help="Majlis: secure meetings on a state's own machines.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
audit = typer.Typer(help="The log: verify it, name its key.", no_args_is_help=True)
keys = typer.Typer(help="The keys that sign join tokens.", no_args_is_help=True)
app.add_typer(policy, name="policy")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")
app.add_typer(people, name="people")
app.add_typer(mail, name="mail")


STOPS = (
    SettingsInvalid,
    NoLogKey,
    DatabaseUnsupported,
    PolicySetInvalid,
    KeyUnknown,
    NoSuchMeeting,
    NoSuchMail,
    NotStranded,
    AccountDisabled,
    DetailsInvalid,
    EmailTaken,
    PasswordRefused,
)


def main() -> None:
    """Run `majlis`; what the operator must mend ends it with a sentence and exit status 2."""
    try:
        app()
    except STOPS as error:
        _stop(str(error))
    except OperationalError as error:
        _stop(f"the database does not answer: {error.orig}")


def _stop(message: str) -> NoReturn:
    Console(stderr=True).print(message, style="red", soft_wrap=True, markup=False, highlight=False)
    sys.exit(2)


@contextmanager
def _desk() -> Iterator[Desk]:
    desk = set_up_desk(load_settings(), utc_now)
    try:
        yield desk
    finally:
        desk.units.engine.dispose()


@app.command()
def setup() -> None:
    """Bring the database up to date and make missing keys. Running it again does nothing."""
    for sentence in prepare(load_settings(), utc_now) or ["everything was there already"]:
        typer.echo(sentence)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    workers: Annotated[
        int, typer.Option(help="Processes; more than one needs PostgreSQL.", min=1, max=64)
    ] = 1,
) -> None:
    """Run the control plane in the foreground."""
    with _desk() as desk:  # what can't work stops here, with a sentence, before any process is started
        settings = desk.settings
        if workers > 1 and desk.units.engine.dialect.name == "sqlite":
            _stop("SQLite is for one process: take PostgreSQL for several workers")
    uvicorn.run(
        "control_plane.app:from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        # Addresses of pages hold links' secrets, so no access log; decisions are in the audit log.
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=",".join(settings.trusted_proxies),
        timeout_graceful_shutdown=5,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )


@app.command("settings")
def list_settings() -> None:
    """List every setting, what it may hold, and whether it must be set."""
    table = Table("setting", "what it holds", "if it is not set", box=None)
    for name, field in Settings.model_fields.items():
        table.add_row(f"{PREFIX}{name.upper()}", field.description, _unset(field))
    Console().print(table)


def _unset(field: FieldInfo) -> str:
    if field.is_required():
        return "it must be set"
    default = field.get_default(call_default_factory=True, validated_data={})
    # A default that everybody can read in the source is no secret.
    return str(default.get_secret_value() if isinstance(default, SecretStr) else default or "—")


@audit.command("verify")
def verify_log(
    database: Annotated[str, typer.Option(help="Address of the database; else the setting's.")] = "",
    key: Annotated[
        str, typer.Option(help="The log's public key, name+hash+key; else that of the key file.")
    ] = "",
) -> None:
    """Recompute the whole log from what is stored, and name the first thing that does not fit."""
    url = database or load_settings().database_url.get_secret_value()
    try:
        verifier = Verifier.parse(key) if key else _own_verifier()
    except CheckpointInvalid as error:
        _stop(str(error))
    engine = connect(url)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, console=Console(stderr=True)) as progress:
        task = progress.add_task("verifying", total=None)
        outcome = verify(
            engine, verifier, lambda done, size: progress.update(task, completed=done, total=size)
        )
    engine.dispose()
    if isinstance(outcome, Sound):
        erased = f", {outcome.erased} without their readable part" if outcome.erased else ""
        typer.echo(f"sound: {outcome.size} entries{erased}, {outcome.checkpoints} signed checkpoints")
        typer.echo(f"root:  {outcome.root.hex()}")
        return
    typer.echo(f"broken at entry {outcome.position}: {outcome.what}", err=True)
    raise typer.Exit(1)


def _own_verifier() -> Verifier:
    settings = load_settings()
    return log_signer(settings.keys, settings.log_origin).verifier


@audit.command("key")
def log_key() -> None:
    """Print the log's public key, as outsiders need it to verify."""
    typer.echo(_own_verifier().vkey)


@keys.command()
def rotate() -> None:
    """Sign with a new key from now on; tokens already given out stay good until they expire."""
    with _desk() as desk, desk.units.begin() as unit:
        kid = desk.keys.rotate(unit, timedelta(seconds=desk.settings.token_seconds))
    typer.echo(f"join tokens are signed with key {kid} from now on")


@keys.command()
def retire(kid: Annotated[str, typer.Argument(help="The key's id.")]) -> None:
    """Refuse everything signed with this key at once."""
    with _desk() as desk, desk.units.begin() as unit:
        desk.keys.retire(unit, kid)
    typer.echo(f"tokens signed with key {kid} are refused from now on")


@policy.command("explain")
def explain(
    person: Annotated[str, typer.Argument(help="E-mail address or id of the person.")],
    action: Annotated[Action, typer.Argument(help="What they would do.")],
    meeting: Annotated[str, typer.Argument(help="Id of the meeting.")],
    at: Annotated[datetime | None, typer.Option(help="When, in UTC; now if not given.")] = None,
    strength: Annotated[
        str, typer.Option(help="link, password, two_factor or phishing_resistant.")
    ] = "password",
    certificate: Annotated[bool, typer.Option(help="Signed in with a client certificate.")] = False,
    zone: Annotated[Zone, typer.Option(help="Where the connection comes from.")] = "government",
    language: Annotated[str, typer.Option(help="ar, fr, en or zgh.")] = "en",
) -> None:
    """Say whether a person could do something at a moment, by which policies, and what is missing."""
    moment = at.replace(tzinfo=UTC) if at else utc_now()
    with _desk() as desk, desk.units.read() as session:
        found = find_person(session, person, moment)
        if found is None:
            _stop(f"no account {person}")
        sign_in = SignIn(Strength[strength.upper()], certificate, zone)
        question = question_about(Unit(session, moment), found, action, meeting, sign_in)
        for line in explanation(desk.policies.engine, question, language):
            typer.echo(line)


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed  # noqa: PLC0415 — needed here only

    typer.echo(installed("majlis"))
