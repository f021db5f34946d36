"""A lobby without its gate would be an open room: then nobody connects at all."""

import pytest

from demo.players import ConnectionRefused
from tests.doubles.fake_control_plane import FakeControlPlane
from tests.prosody.conftest import DOMAIN, Cast


def test_nobody_connects_where_a_muc_has_no_gate(plane: FakeControlPlane, cast: Cast) -> None:
    plane.know("amina")
    configuration = cast.server.directory / "prosody.cfg.lua"
    before, lobby, after = configuration.read_text().partition(f'Component "lobby.{DOMAIN}" "muc"')
    without_gate = after.replace('"majlis_gate", ', "")
    assert without_gate != after
    configuration.write_text(before + lobby + without_gate)
    cast.server.restart()
    with pytest.raises(ConnectionRefused) as refused:
        cast("amina")
    assert refused.value.condition == "temporary-auth-failure"
    assert plane.questions == []
    assert "mod_majlis_gate isn't loaded on both MUCs" in cast.server.log_path.read_text()
