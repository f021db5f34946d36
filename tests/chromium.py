"""Debian's Chromium without a window, told what to do through a pipe (Chrome DevTools Protocol)."""

import fcntl
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 30.0  # seconds, on a machine that does much else
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


class NotAnswered(Exception):
    """The browser didn't do in time what it was told, or said that it can't."""


@dataclass
class Pipe:
    """Both ends of the pipe: each message is JSON and ends with a zero byte."""

    to: int
    back: int
    number: int = 0
    read: bytes = b""

    def ask(self, method: str, session: str | None = None, **said: Any) -> dict[str, Any]:
        """Return the answer to a command (raises NotAnswered); what the browser tells unasked is dropped."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": said}
        os.write(self.to, json.dumps(command | ({"sessionId": session} if session else {})).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._next(deadline)
            if message.get("id") == self.number:
                if "error" in message:
                    raise NotAnswered(f"{method}: {message['error']}")
                return dict(message["result"])

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self.read:
            if not select.select([self.back], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise NotAnswered("the browser says nothing")
            self.read += os.read(self.back, 65_536)
        message, _, self.read = self.read.partition(b"\0")
        return dict(json.loads(message))


@dataclass
class Tab:
    """A page as somebody sees it."""

    pipe: Pipe
    session: str = field(repr=False)

    def tell(self, method: str, **said: Any) -> None:
        """Give a command of the protocol."""
        self.pipe.ask(method, self.session, **said)

    def go(self, address: str) -> None:
        """Type an address."""
        self.tell("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression: str) -> Any:
        """Return what an expression is on the page."""
        answer = self.pipe.ask(
            "Runtime.evaluate", self.session, expression=expression, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise NotAnswered(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression holds; while pages change it may not even make sense."""
        deadline = time.monotonic() + PATIENCE
        last: object = None
        while time.monotonic() < deadline:
            try:
                last = self.value(expression)
            except NotAnswered as not_yet:
                last = not_yet
            if last is True:
                return
            time.sleep(0.05)
        raise NotAnswered(f"{expression} is {last} on {self.value('location.href')}")

    def press(self, selector: str) -> None:
        """Click on the first element that the selector finds."""
        self.value(f"document.querySelector({json.dumps(selector)}).click()")

    def fill(self, selector: str, text: str) -> None:
        """Put text into a field."""
        self.value(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(text)}; true")


@contextmanager
def chromium(profile: Path) -> Iterator[Tab]:
    """Give a tab of a browser with a fresh profile, which ends with the block."""
    to_child, to = _pipe()
    back, from_child = _pipe()
    # The protocol is on descriptors 3 and 4; bash puts them there, for Python can't without forking by hand.
    shell = (
        "bash",
        "-c",
        f'exec "$@" 3<&{to_child} 4>&{from_child} {to_child}<&- {from_child}>&-',
        "chromium",
    )
    browser = subprocess.Popen(
        [*shell, "chromium", *QUIET, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
        pass_fds=(to_child, from_child),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_child)
    os.close(from_child)
    try:
        pipe = Pipe(to, back)
        target = pipe.ask("Target.createTarget", url="about:blank")["targetId"]
        yield Tab(pipe, pipe.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
    finally:
        os.close(to)
        os.close(back)
        browser.terminate()
        try:
            browser.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()


def _pipe() -> tuple[int, int]:
    """Return both ends of a pipe, out of the way of the descriptors that the browser wants."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
