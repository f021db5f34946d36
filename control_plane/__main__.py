"""`python -m control_plane` is `majlis`."""

from control_plane.cli import main

main()
