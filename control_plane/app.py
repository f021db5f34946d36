"""The application: wires everything, decides nothing."""

import asyncio
import gc
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx
from fastapi import APIRouter, FastAPI
from sqlalchemy.exc import SQLAlchemyError

from control_plane.audit.entries import PolicySetLoaded, PolicySetRejected
from control_plane.database import Clock, utc_now
from control_plane.desk import Desk, set_up_desk
from control_plane.meetings import api as meetings
from control_plane.meetings import guests_api
from control_plane.meetings.outbox import Relay, deliver_due
from control_plane.people import api as people
from control_plane.policy import KeptOld, Reloaded
from control_plane.rooms import api as rooms
from control_plane.rooms import gate_api
from control_plane.rooms.service import Sequencer, Signalling
from control_plane.settings import Settings, load_settings
from control_plane.web import guest_page, meeting_page, metrics, pages
from control_plane.web.errors import answer_errors
from control_plane.web.guards import ResponseHeaders, SameOrigin

#: every door of the application; tests walk these and assert how many routes they find
ROUTERS: tuple[APIRouter, ...] = (
    gate_api.gate,
    gate_api.reservations,
    rooms.router,
    rooms.keys,
    people.router,
    meetings.router,
    guests_api.router,
    meetings.calendar,
    metrics.router,
    pages.router,
    meeting_page.router,
    guest_page.router,
)
LOOK_SECONDS = 2.0
logger = logging.getLogger(__name__)


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """Return the application for these settings (raises what set_up_desk raises)."""
    desk = set_up_desk(settings, clock)
    app = FastAPI(
        title="Majlis", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    app.state.desk = desk
    app.state.sequencer = Sequencer(desk.units)
    app.state.gate_room = gate_api.GateRoom(desk, app.state.sequencer)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", pages.static_files(), name="static")
    answer_errors(app)
    app.add_middleware(SameOrigin)
    app.add_middleware(ResponseHeaders)
    return app


def from_environment() -> FastAPI:
    """Return the application for the environment's settings: what each worker process of a server makes."""
    return create_app(load_settings())


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    desk: Desk = app.state.desk
    settings = desk.settings
    async with AsyncExitStack() as stack:
        secret = settings.control_secret.get_secret_value()
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                headers={"Authorization": f"Bearer {secret}"},
                trust_env=False,
                verify=ssl.create_default_context(cafile=settings.authority),
            )
        )
        hosts = {name: str(url) for name, url in settings.signalling.items()}
        app.state.signalling = Signalling(desk.units, hosts, settings.domain, client)
        app.state.sequencer.start()
        stack.callback(app.state.sequencer.stop)
        await asyncio.to_thread(_say_policies, desk)
        workers = [app.state.signalling.run, partial(_watch_policies, desk)]
        if settings.mail_host:
            workers.append(partial(_send_mail, desk, Relay(settings.mail_host, settings.mail_port)))
        tasks = [asyncio.create_task(_keep_running(worker)) for worker in workers]
        # What is loaded now stays for good: without this each full collection looks at half a million objects
        # again, and somebody at the gate waits for it.
        gc.collect()
        gc.freeze()
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    desk.units.engine.dispose()


async def _keep_running(worker: Callable[[], Awaitable[None]]) -> None:
    """Begin a worker again when the database or the network went away under it."""
    while True:
        try:
            await worker()
        except (SQLAlchemyError, OSError):
            logger.exception("a worker stopped; it begins again in %s s", LOOK_SECONDS)
        await asyncio.sleep(LOOK_SECONDS)


def _say_policies(desk: Desk) -> None:
    with desk.units.begin() as unit:
        unit.record(PolicySetLoaded(policy_set=desk.policies.engine.digest))


async def _watch_policies(desk: Desk) -> None:
    """Look for changed policies; a set that does not validate is said once and never put in force."""
    refused = ""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        outcome = await asyncio.to_thread(desk.policies.reload)
        if isinstance(outcome, Reloaded):
            refused = ""
            await asyncio.to_thread(_say_policies, desk)
        elif isinstance(outcome, KeptOld) and str(outcome.failure) != refused:
            refused = str(outcome.failure)
            await asyncio.to_thread(_say_refused, desk, refused)


def _say_refused(desk: Desk, problems: str) -> None:
    with desk.units.begin() as unit:
        unit.record(PolicySetRejected(policy_set=desk.policies.engine.digest), {"problems": problems})


async def _send_mail(desk: Desk, relay: Relay) -> None:
    while True:
        await deliver_due(desk.units, relay)
        await asyncio.sleep(LOOK_SECONDS)
