"""Text that a database can't keep is the sender's fault and no fault of ours."""

import pytest

from tests.web.conftest import House

STRANGE = {
    "a NUL": "%00",
    "a NUL in the middle": "a%00b",
    "half a surrogate": "%ED%A0%80",
    "ten thousand characters": "a" * 10_000,
    "a path out": "..%2F..%2Fetc%2Fpasswd",
    "a quotation mark": "%27%20OR%201%3D1--",
}


@pytest.mark.parametrize("identifier", STRANGE.values(), ids=STRANGE.keys())
def test_a_strange_id_is_answered_and_nothing_breaks(house: House, identifier: str) -> None:
    member = house.signed_in("driss")
    answer = member.get(f"/api/meetings/{identifier}")
    assert answer.status_code in {404, 422}, answer.text
    assert member.post(f"/api/meetings/{identifier}/join-token", json={}).status_code in {404, 422}
