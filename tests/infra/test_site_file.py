"""Hostile and odd files: each is refused with its line, none costs memory, none runs anything."""

from pathlib import Path
from random import Random

import pytest

from infra import site_file
from infra.site import SiteInvalid, load_site, parse_site, shipped

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
ODD = [
    ("an empty file", "", "1: holds nothing, may hold the keys of a site"),
    ("only a comment", "# nothing\n", "1: holds nothing, may hold the keys of a site"),
    ("a list", "- name: lab\n", "1: holds a list, may hold the keys of a site"),
    ("one word", "lab\n", "1: holds lab, may hold the keys of a site"),
    ("a number", "7\n", "1: holds 7, may hold the keys of a site"),
    ("tabs", "networks:\n\tusers: x\n", "2: is not YAML: found character '\\t' that cannot start any token"),
    ("a bracket left open", "name: lab\nhosts: [a, b\n", "is not YAML: "),
    ("a quote left open", 'name: "lab\n', "is not YAML: "),
    ("two documents", "name: lab\n---\nname: lab\n", "is not YAML: "),
    ("another YAML version", "%YAML 9.9\n---\nname: lab\n", "is not YAML: "),
    ("a control character", "name: lab\ndomain: a\x07b\n", "2: is not YAML: "),
    ("a bomb of references", BOMB, "1: holds a reference (& or *), may hold the value itself, written out"),
    ("a merge key", "a: {<<: {b: 1}}\n", "1: a: holds the key <<, may hold a word as key"),
    ("a reference to nothing", "name: *nobody\n", "1: holds a reference (& or *)"),
    ("a tag that runs code", "name: !!python/object/apply:os.system [id]\n", "1: holds the tag "),
    ("a tag of Ansible", "mail: !vault abc\n", "1: holds the tag !vault, may hold plain values without tags"),
    ("a tag that only converts", "name: !!str 7\n", "1: holds the tag "),
    ("values too deep", "a: " + "[" * 40 + "]" * 40, "1: holds values more than 12 levels deep"),
    (
        "a key twice",
        "name: lab\ndomain: a.b\nname: lab\n",
        "3: name: stands there twice, may stand once (first in line 1)",
    ),
    ("a key twice, deep", "hosts:\n  a: {kind: lab, kind: lab}\n", "2: hosts.a.kind: stands there twice"),
    ("a key that is a number", "1: lab\n", "1: holds the key 1, may hold a word as key"),
    ("a key of two lines", '"a\\nb": lab\n', "1: holds the key a\\nb, may hold a word as key"),
    ("a key that is a list", "? [a]\n: b\n", "1: holds a key that is no word, may hold a word as key"),
    ("a key that is true", "true: x\n", "1: holds the key true, may hold a word as key"),
    (
        "an octal number",
        "mail: {port: 025}\n",
        "1: mail.port: holds 025 (int), may hold a number in plain decimal digits",
    ),
    ("another octal number", "mail: {port: 0o31}\n", "1: mail.port: holds 0o31 (int)"),
    ("a hexadecimal number", "mail: {port: 0x19}\n", "1: mail.port: holds 0x19 (int)"),
    ("digits in groups", "mail: {port: 2_5}\n", "1: mail.port: holds 2_5 (int)"),
    ("a number without end", f"mail: {{port: {'9' * 5000}}}\n", "1: mail.port: holds 999"),
    ("not a number", "mail: {port: .nan}\n", "1: mail.port: holds .nan (float)"),
    ("infinity", "mail: {port: .inf}\n", "1: mail.port: holds .inf (float)"),
    (
        "a second line",
        'name: "lab\\nroot"\n',
        "1: name: holds lab\\nroot (with '\\n'), may hold text of one line",
    ),
    ("a second line that Unicode knows", 'name: "lab\\L"\n', "1: name: holds lab\\u2028 (with "),
    ("a text in a block", "name: |\n  lab\n", "may hold text of one line that is no template"),
    ("a template", 'mail: {host: "{{ lookup(1) }}"}\n', "1: mail.host: holds {{ lookup(1) }} (with '{{')"),
    ("a statement of a template", 'mail: {host: "{% x %}"}\n', "1: mail.host: holds {% x %}"),
    ("a date", "name: 2026-11-24\n", "1: name: holds 2026-11-24 (timestamp), may hold text in quotes"),
]


@pytest.mark.parametrize(("what", "text", "sentence"), ODD, ids=[what for what, _, _ in ODD])
def test_an_odd_file_is_refused_with_its_line(what: str, text: str, sentence: str) -> None:
    with pytest.raises(SiteInvalid) as refused:
        parse_site(text, "odd.yaml")
    assert any(sentence in line for line in str(refused.value).splitlines()), str(refused.value)
    assert all(line.startswith("odd.yaml:") for line in str(refused.value).splitlines())


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"\x7fELF\x02\x01\xff", ":1: holds bytes that are not UTF-8, may hold text"),
        (b"name: lab\nmail: \xc3(\n", ":2: holds bytes that are not UTF-8, may hold text"),
        (b"name: lab\n\x00\x00", "is not YAML"),
        (b"\xff\xfen\x00a\x00", ":1: holds bytes that are not UTF-8, may hold text"),
        (b"#" * (site_file.SIZE + 1), ":1: holds more than 256 KiB, may hold a site"),
    ],
    ids=["a program", "broken UTF-8", "zero bytes", "UTF-16", "too large"],
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, raw: bytes, sentence: str) -> None:
    (tmp_path / "site.yaml").write_bytes(raw)
    with pytest.raises(SiteInvalid, match=sentence.replace("(", r"\(")):
        load_site(tmp_path / "site.yaml")


def test_norway_is_a_word_and_not_a_refusal() -> None:
    assert site_file.parse("country: no\nanswer: yes\nswitch: off\n").value == {
        "country": "no",
        "answer": "yes",
        "switch": "off",
    }


def test_a_time_of_day_stays_as_it_was_written() -> None:
    assert site_file.parse("a: 22:22\nb: 10.77.1.1\nc: 1.10\n").value != {"a": 1342}
    assert site_file.parse("a: 22:22\n").value == {"a": "22:22"}


def test_a_file_with_windows_line_ends_and_a_byte_order_mark_is_read() -> None:
    contents = site_file.parse("\ufeffname: lab\r\nmail:\r\n  port: 25\r\n")
    assert contents.problems == []
    assert contents.value == {"name": "lab", "mail": {"port": 25}}
    assert contents.line(("mail", "port")) == 3


def test_a_value_without_a_line_takes_that_of_what_is_around_it() -> None:
    contents = site_file.parse("name: lab\nhosts:\n  a: {kind: lab}\n")
    assert contents.line(("hosts", "a", "roles", 3)) == 3
    assert contents.line(("nowhere",)) == 1
    assert site_file.spelled(("hosts", "a", "roles", 3)) == "hosts.a.roles[3]"


def test_whatever_somebody_mistypes_ends_in_a_site_or_in_sentences() -> None:
    """Shipped files with a few letters exchanged: never another error, and rarely still a site."""
    random = Random(11)
    texts = [shipped(name).read_text("utf-8") for name in ("lab", "single")]
    pieces = ("{", "}", "[", "]", ": ", "- ", "\t", "&a ", "*a", "!!x ", "null", "0x1", "\n", "'", '"', "#", "|", "%", "\x00", "é", "? ")  # fmt: skip
    told: list[str] = []
    for _ in range(120):
        text = random.choice(texts)
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(text))
            text = text[:at] + random.choice(pieces) + text[at + random.randint(0, 6) :]
        try:
            parse_site(text)
        except SiteInvalid as invalid:
            told.append(str(invalid))
    assert 60 < len(told) < 120
    assert all(line.startswith("site.yaml:") for text in told for line in text.splitlines())
