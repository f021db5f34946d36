"""python -m tests.doubles.jitsi DIRECTORY: build the doubles there and print their paths."""

import sys
from pathlib import Path

from tests.doubles.jitsi import build

if len(sys.argv) != 2:
    sys.exit(__doc__)
for package in build(Path(sys.argv[1])):
    print(package)
