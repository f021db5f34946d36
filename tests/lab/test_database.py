"""The database host: who may connect, how, and whether a dump can be read back."""

from typing import Any

from tests.lab.conftest import Lab
from tests.lab.hosts_talk import exposure

AS_POSTGRES = "cd / && setpriv --reuid=postgres --regid=postgres --init-groups"


def ask(host: Any, statement: str, database: str = "majlis") -> str:
    """Return psql's answer on the host itself."""
    return str(host.check_output(f'{AS_POSTGRES} psql -XAtd {database} -c "{statement}"'))


def test_only_the_control_plane_may_connect_and_only_by_tls(lab: Lab) -> None:
    rules = ask(
        lab.hosts["db1"],
        "select type, database, user_name, address, auth_method from pg_hba_file_rules order by line_number",
    )
    assert rules.splitlines() == [
        "local|{all}|{postgres}||peer",
        "hostssl|{majlis}|{majlis}|10.77.2.61|scram-sha-256",
    ]


def test_the_database_listens_in_the_hosts_own_network_only(lab: Lab) -> None:
    listening = lab.hosts["db1"].check_output("ss -ltnH | awk '{print $4}' | grep ':5432$'")
    assert listening.split() == ["10.77.2.51:5432"]


def test_what_is_acknowledged_is_on_disk_and_pages_are_checked(lab: Lab) -> None:
    database = lab.hosts["db1"]
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums", "ssl"):
        assert ask(database, f"show {setting}") == "on"
    assert ask(database, "show ssl_min_protocol_version") == "TLSv1.3"


def test_passwords_are_kept_as_verifiers_and_never_logged(lab: Lab) -> None:
    database = lab.hosts["db1"]
    assert (
        ask(database, "select left(rolpassword, 14) from pg_authid where rolname = 'majlis'")
        == "SCRAM-SHA-256$"
    )
    assert (
        ask(
            database, "select rolsuper or rolcreaterole or rolcreatedb from pg_roles where rolname = 'majlis'"
        )
        == "f"
    )
    assert "password" not in database.check_output("cat /var/log/postgresql/*.log").lower()


def test_a_dump_is_made_and_can_be_restored(lab: Lab) -> None:
    database = lab.hosts["db1"]
    database.check_output("systemctl start majlis-backup.service")
    dump = database.check_output("ls -1t /var/backups/majlis/majlis-*.dump | head -n 1")
    assert database.file(dump).mode == 0o600
    ask(database, "create database rehearsal", "postgres")
    try:
        database.check_output(f"{AS_POSTGRES} pg_restore --no-owner --dbname=rehearsal {dump}")
        count = "select count(*) from log_entry"
        restored = int(ask(database, count, "rehearsal"))
        assert 0 < restored <= int(ask(database, count))
    finally:
        ask(database, "drop database rehearsal", "postgres")
    assert database.service("majlis-backup.timer").is_enabled
    assert database.service("majlis-backup.timer").is_running


def test_the_database_is_boxed_in(lab: Lab) -> None:
    for unit in ("postgresql@15-main.service", "majlis-backup.service"):
        assert exposure(lab.hosts["db1"], unit) <= 2.5
