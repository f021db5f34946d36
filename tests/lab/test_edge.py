"""The edge: the one door that people reach, tried from a person's computer and from inside."""

import re

import pytest

from control_plane.app import ROUTERS
from tests.lab.conftest import Lab
from tests.lab.hosts_talk import exposure, fetch

PAGES = "meet.lab.majlis.test"
ROOMS = "rooms.meet.lab.majlis.test"
# What machines of the site use. Whoever adds a route decides: it is in this list, or the edge's role opens it.
FOR_MACHINES = frozenset(
    {
        "/gate/connect",
        "/gate/room",
        "/gate/join",
        "/gate/events",
        "/reservations/conference",
        "/reservations/conference/{conference_id}",
        "/asap/{name}.pem",
        "/asap/jwks.json",
        "/health",
        "/metrics",
    }
)
OPEN = re.compile(r"^/(sign-in|sign-out|language|guest)?$|^/(api|calendar|static|meetings|series)/")


def status(lab: Lab, url: str, *options: str) -> str:
    """Return the status that a person's computer gets; 000 when there was no answer."""
    command = ("curl", "--silent", "--insecure", "--max-time", "20", "--output", "/dev/null", "--path-as-is")
    answer = lab.visitor(*command, "--write-out", "%{http_code}", *options, url)
    return str(answer.stdout).strip()


def body(lab: Lab, url: str, *options: str) -> str:
    """Return what a person's computer gets, with its headers; every line ends as Python's do."""
    return str(lab.visitor("curl", "-sik", "--max-time", "20", *options, url).stdout)


def paths() -> frozenset[str]:
    """Return every path of the control plane."""
    return frozenset(str(getattr(route, "path", "")) for router in ROUTERS for route in router.routes)


def test_every_route_is_either_for_people_or_for_machines() -> None:
    known = paths()
    assert len(known) > 50
    assert {path for path in known if not OPEN.match(path)} == {
        path for path in known if path in FOR_MACHINES
    }


@pytest.mark.parametrize(
    "path",
    [
        "/gate/connect",
        "/gate/room",
        "/gate/join",
        "/gate/events",
        "/reservations/conference",
        "/reservations/conference/meeting-x",
        "/asap/jwks.json",
        "/health",
        "/metrics",
        "/%67ate/join",
        "/GATE/join",
        "/static/../gate/join",
        "/static/%2e%2e/metrics",
        "//gate/join",
        "/static/..%2fmetrics",
        "/static/;/../metrics",
    ],
)
def test_people_do_not_reach_a_door_for_machines(lab: Lab, path: str) -> None:
    for method in ("GET", "POST"):
        assert status(lab, f"https://{PAGES}{path}", "-X", method, "-H", "Content-Length: 0") in {
            "400",
            "404",
        }


def test_people_reach_the_pages_and_a_room(lab: Lab) -> None:
    assert status(lab, f"https://{PAGES}/") == "200"
    assert status(lab, f"https://{PAGES}/api/me") == "401"
    assert status(lab, f"https://{ROOMS}/aRoom") == "200"
    assert status(lab, f"https://{ROOMS}/") == "302"
    assert status(lab, f"http://{PAGES}/") == "308"


REFUSED = {
    "a method that nobody needs": ("405", ("-X", "TRACE")),
    "another name than the certificate was shown for": ("421", ("-H", f"Host: {ROOMS}")),
    "a body without a length": ("400", ("--http1.1", "-H", "Transfer-Encoding: chunked", "-d", "x")),
    "a body that is too long": ("413", ("-X", "POST", "-H", "Content-Length: 2000000")),
    "an address that is too long": ("400", ("-G", "-d", "x" * 5000)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_edge_refuses(lab: Lab, what: str) -> None:
    code, options = REFUSED[what]
    assert status(lab, f"https://{PAGES}/", *options) == code


def test_a_name_that_is_not_served_gets_no_certificate(lab: Lab) -> None:
    address = lab.hosts["edge1"].check_output(
        "ip -4 -o addr show | awk '{print $4}' | cut -d/ -f1 | grep ^10.77.1."
    )
    assert status(lab, "https://other.majlis.test/", "--resolve", f"other.majlis.test:443:{address}") == "000"


def test_jicofo_is_not_asked_for_a_conference_by_strangers(lab: Lab) -> None:
    assert status(lab, f"https://{ROOMS}/conference-request/v1", "-d", "x") == "405"
    assert status(lab, f"https://{ROOMS}/colibri-ws/nobody/x") == "404"


def test_a_refusal_reaches_who_sent_a_body_every_time(lab: Lab) -> None:
    """An answer that overtook the body was lost about every second time, with the page that says why."""
    loop = f"for i in $(seq 20); do curl -sk -o /dev/null -w '%{{http_code}}\\n' -d x https://{PAGES}/metrics; done"
    assert str(lab.visitor("sh", "-c", loop).stdout).split() == ["404"] * 20


def test_answers_carry_the_headers_that_protect_and_name_no_program(lab: Lab) -> None:
    for url in (f"https://{PAGES}/", f"https://{PAGES}/metrics", f"https://{ROOMS}/aRoom"):
        answer = body(lab, url).lower()
        assert "strict-transport-security: max-age=63072000; includesubdomains" in answer
        assert "content-security-policy:" in answer
        for word in ("\nserver:", "haproxy", "nginx", "uvicorn", "\nvia:"):
            assert word not in answer.split("\n\n", 1)[0]


def test_what_went_wrong_is_said_in_three_languages(lab: Lab) -> None:
    answer = body(lab, f"https://{PAGES}/metrics")
    for words in ("لا شيء هنا", "Il n'y a rien ici", "There is nothing here"):
        assert words in answer


@pytest.mark.parametrize(
    ("version", "spoken"), [("1.0", False), ("1.1", False), ("1.2", True), ("1.3", True)]
)
def test_tls_before_1_2_is_not_spoken(lab: Lab, version: str, spoken: bool) -> None:
    code = status(lab, f"https://{PAGES}/", f"--tlsv{version}", "--tls-max", version)
    assert (code == "200") is spoken


def test_what_is_served_names_no_foreign_address(lab: Lab) -> None:
    served = [f"https://{ROOMS}/{name}" for name in ("aRoom", "config.js", "interface_config.js")]
    texts = [body(lab, url).split("\n\n", 1)[1] for url in served]
    assert all(texts)
    assert "wss://rooms.meet.lab.majlis.test/xmpp-websocket" in texts[1]
    names = {
        name for text in texts for name in re.findall(r"(?:https?|wss?|stun|turns?)://?([a-z0-9.-]+)", text)
    }
    # Names of vocabularies in markup; a browser asks neither.
    assert names - {"schema.org", "ogp.me", "www.w3.org"} <= {PAGES, ROOMS}


def test_too_many_tries_to_sign_in_are_stopped_before_the_control_plane(lab: Lab) -> None:
    loop = f"for i in $(seq 130); do curl -sk -o /dev/null -w '%{{http_code}}\\n' -d x=1 https://{PAGES}/api/sign-in; done"
    forget = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/haproxy/admin.sock'); "
    forget += "s.sendall(b'clear table sign_ins_of\\n'); s.recv(99)"
    try:
        codes = str(lab.visitor("sh", "-c", loop, within=110).stdout).split()
    finally:
        # The same person's computer signs in in other tests.
        lab.hosts["edge1"].check_output(f'python3 -c "{forget}"')
    assert len(codes) == 130
    assert codes[-1] == "429"
    assert codes[0] != "429"


def test_metrics_need_their_password_and_the_management_network(lab: Lab) -> None:
    edge = lab.hosts["edge1"]
    assert edge.socket("tcp://10.77.3.11:8404").is_listening
    assert fetch(edge, "https://10.77.3.11:8404/metrics")[0] == 401


@pytest.mark.parametrize("unit", ["haproxy.service", "nginx.service"])
def test_services_of_the_edge_are_boxed_in(lab: Lab, unit: str) -> None:
    assert exposure(lab.hosts["edge1"], unit) <= 2.5
