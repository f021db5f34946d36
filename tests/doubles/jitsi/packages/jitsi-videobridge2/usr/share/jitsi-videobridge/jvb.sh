#!/bin/sh
cd "$(dirname "$(readlink -f "$0")")"
exec python3 -m double.videobridge $JAVA_SYS_PROPS "$@"
