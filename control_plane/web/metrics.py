"""What Prometheus scrapes: numbers of the whole site, from the database, so that any worker answers the same.

Names follow Prometheus' conventions (base units, `_total`); no room and no person stands in a label.
"""

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector
from sqlmodel import Session

from control_plane.meetings.service import stranded
from control_plane.rooms.service import headcount
from control_plane.web.dependencies import DeskDep
from control_plane.web.log_state import log_state

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
def metrics(desk: DeskDep) -> Response:
    """Answer in Prometheus' text format; the edge never passes this address on."""
    registry = CollectorRegistry()
    with desk.units.read() as session:
        registry.register(_Now(session, desk.policies.engine.digest))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Now(Collector):
    def __init__(self, session: Session, policy_set: str) -> None:
        self.session = session
        self.policy_set = policy_set

    def collect(self) -> Iterator[Metric]:
        """Yield every number, read now."""
        log, count = log_state(self.session), headcount(self.session)
        yield CounterMetricFamily("majlis_log_entries", "Entries of the audit log.", log.size if log else 0)
        yield GaugeMetricFamily(
            "majlis_log_checkpoint_timestamp_seconds",
            "When the last tree head was signed.",
            log.at.timestamp() if log else 0,
        )
        yield GaugeMetricFamily("majlis_conferences", "Conferences with somebody inside.", count.conferences)
        yield GaugeMetricFamily("majlis_occupants", "Connections inside a conference.", count.inside)
        yield GaugeMetricFamily("majlis_lobby_occupants", "Connections in a lobby.", count.waiting)
        yield GaugeMetricFamily(
            "majlis_signalling_orders_waiting", "Orders no signalling host obeyed yet.", count.orders
        )
        yield GaugeMetricFamily(
            "majlis_mail_stranded", "Letters that were given up.", len(stranded(self.session))
        )
        yield InfoMetricFamily("majlis_policy_set", "The policies in force.", {"digest": self.policy_set})
