"""A Prosody that can't ask lets nobody in, and says why in its log."""

import pytest

from demo.players import ConnectionRefused, TurnedAway
from tests.doubles.fake_control_plane import FakeControlPlane
from tests.prosody.conftest import Cast, Control

SETTINGS = """
majlis_gate_secret_file = "/nowhere/gate-secret"
majlis_control_secret_file = "/nowhere/control-secret"
"""


def test_without_its_secret_it_refuses_everybody_and_every_order(
    plane: FakeControlPlane, cast: Cast, control: Control, room: str
) -> None:
    plane.admit("amina", room)
    with pytest.raises(ConnectionRefused) as refused:
        cast("amina")
    assert refused.value.condition == "temporary-auth-failure"
    assert isinstance(cast.focus().join(room, nick="focus"), TurnedAway)
    assert control("roster", room=room)[0] == 401
    assert control.post("roster", b'{"room": "r"}', secret="")[0] == 401
    assert plane.questions == []
    log = cast.server.log_path.read_text()
    assert "Everybody will be refused: majlis_gate_secret_file: /nowhere/gate-secret" in log
    assert "Every order will be refused: majlis_control_secret_file: /nowhere/control-secret" in log
