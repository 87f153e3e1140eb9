#!/usr/bin/env bash
# ui.sh [packages]: the UI's packages when package-lock.json changed; without `packages` also ui/dist when a source changed.
set -euo pipefail
source "$(dirname "$0")/parts.sh"
cd ui

digest() { find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1; }

lock=$(digest package-lock.json)
if [ "$(cat node_modules/.bobina-packages 2>/dev/null)" != "$lock" ]; then
  npm ci --no-audit --no-fund --loglevel=error
  echo "$lock" >node_modules/.bobina-packages
fi
[ "${1:-}" != packages ] || exit 0

sources=$(digest src index.html package-lock.json ./*.config.* tsconfig*.json ../assets/messages ../assets/icons $([ -d public ] && echo public))
if [ ! -f dist/index.html ] || [ "$(cat node_modules/.bobina-dist 2>/dev/null)" != "$sources" ]; then
  npm run --silent build
  echo "$sources" >node_modules/.bobina-dist
fi
