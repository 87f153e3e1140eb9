#!/usr/bin/env bash
# build.sh: the installable package, optimised: window and command line in one .deb. Its path is printed at the end.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

[ "${SKIP_SETUP:-}" = 1 ] || scripts/setup.sh run
scripts/ui.sh packages
# The bundler is used for nothing else, so it stands beside what it makes, not among the UI's packages.
bundler=$target/tauri-cli-2.12.5
[ -x "$bundler/node_modules/.bin/tauri" ] || npm install --prefix "$bundler" --no-audit --no-fund --loglevel=error @tauri-apps/cli@2.12.5
# Both programs in one build, so that what they share is compiled once.
"$bundler/node_modules/.bin/tauri" build --bundles deb -- --package cli --package bobina-desktop
ls -1 "$target"/release/bundle/deb/*.deb
