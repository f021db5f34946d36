"""When somebody is woken and when not, as Prometheus's own program counts it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.playbooks.reading import ROLES, load

ALERTS = ROLES / "monitoring/files/alerts.yml"
STORIES = Path(__file__).with_name("alerts_test.yml")

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is of Debian's prometheus"
)


def names() -> set[str]:
    return {rule["alert"] for group in load(ALERTS)["groups"] for rule in group["rules"]}


def test_every_alert_has_a_story() -> None:
    told = {story["alertname"] for test in load(STORIES)["tests"] for story in test["alert_rule_test"]}
    assert len(names()) == 11
    assert told == names()


def test_every_alert_says_how_bad_it_is_and_what_happened() -> None:
    for group in load(ALERTS)["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("page", "ticket")
            assert "{{ $labels.host }}" in rule["annotations"]["summary"]


@needs_promtool
def test_the_stories_end_as_they_must(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(ALERTS.read_text())
    (tmp_path / "alerts_test.yml").write_text(STORIES.read_text())
    for words in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")):
        done = subprocess.run(["promtool", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
