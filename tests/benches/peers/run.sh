#!/usr/bin/env bash
# Measures Celery on Redis (every write on the disk before its answer) and Huey on SQLite, one JSON line each.
# usage: run.sh FOLDER   (the disk that is measured; the Python environment goes there too)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$1" && pwd)
venv=$folder/peers-venv
if [ ! -x "$venv/bin/celery" ] || [ ! -x "$venv/bin/huey_consumer" ]; then
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'celery[redis]==5.*' 'huey==2.*' >&2
fi
scratch=$(mktemp -d "$folder/bench-peers-XXXXXX")
redis=
trap '[ -n "$redis" ] && kill "$redis" 2>/dev/null; wait 2>/dev/null; rm -rf "$scratch"' EXIT
if command -v redis-server >/dev/null; then
  port=$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  redis-server --port "$port" --bind 127.0.0.1 --dir "$scratch" --appendonly yes --appendfsync always --save '' \
    --daemonize no >"$scratch/redis.log" 2>&1 &
  redis=$!
  PEER_SCRATCH=$scratch PEER_REDIS="redis://127.0.0.1:$port/0" "$venv/bin/python" "$here/celery_peer.py"
else
  echo "skipped: redis-server is not installed, so Celery is not measured" >&2
fi
PEER_SCRATCH=$scratch "$venv/bin/python" "$here/huey_peer.py"
