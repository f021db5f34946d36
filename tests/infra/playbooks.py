"""Small playbooks for tests: three groups, few ports, every word that a flow may use."""

from pathlib import Path

SITE = """
- name: On every host
  hosts: all
  roles:
    - {role: base, tags: [base]}
    - role: time
- hosts: turn
  roles: [{role: coturn, vars: {coturn_secret: "{{ secrets.turn_secret }}"}}]
- hosts: control
  roles: [control_plane]
- hosts: bridge
  roles: [videobridge]
"""
ROLES = {
    "base": "base_packages: [sudo, nano]\nbase_ports: {ssh: {port: 22, protocol: tcp}}\n",
    "time": "time_packages: [chrony, sudo]\n",
    "coturn": "coturn_packages: [coturn]\n"
    "coturn_ports:\n"
    "  turn: {port: 3478, protocol: udp}\n"
    "  relay: {port: 49152, to: 65535, protocol: udp}\n",
    "control_plane": "control_plane_ports: {api: {port: 8000, protocol: tcp}}\n",
    "videobridge": "videobridge_packages: []\nvideobridge_ports: {media: {port: 10000, protocol: udp}}\n",
}
FLOWS = """
- {from: controller, to: all, port: base.ssh, on: management, why: the operator works}
- {from: users, to: turn, port: coturn.turn, on: users, why: people ask for a relay}
- {from: users, to: bridge, port: videobridge.media, on: users, why: media}
- {from: turn, to: bridge, port: videobridge.media, on: users, why: relayed media}
- {from: bridge, to: bridge, port: videobridge.media, on: cluster, why: media between bridges}
- {from: edge, to: control, port: control_plane.api, on: cluster, why: pages}
- {from: all, to: mirror, port: tcp/80, on: management, why: packages}
- {from: all, to: time, port: udp/123, on: management, why: the time}
- {from: all, to: time, port: tcp/4460, on: management, why: keys for the time}
- {from: control, to: mail, port: tcp/25, on: management, why: convocations}
- {from: control, to: identity, port: tcp/443, on: management, why: sign-in}
"""


def small_playbooks(directory: Path, site: str = SITE, flows: str = FLOWS, **roles: str) -> Path:
    """Write playbooks into a directory and return it; roles given here take the place of those above."""
    for name, said in (ROLES | roles).items():
        (directory / "roles" / name / "vars").mkdir(parents=True, exist_ok=True)
        (directory / "roles" / name / "vars" / "main.yml").write_text(said, "utf-8")
    (directory / "site.yml").write_text(site, "utf-8")
    (directory / "flows.yml").write_text(flows, "utf-8")
    return directory
