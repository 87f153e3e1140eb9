#!/usr/bin/env bash
# build.sh: the installable window (a .deb on Linux) and the command line, optimised; the paths are printed at the end.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

[ "${SKIP_SETUP:-}" = 1 ] || scripts/setup.sh run
scripts/ui.sh packages
cargo build --release --package cli
ui/node_modules/.bin/tauri build --bundles deb
ls -1 "$target"/release/bobina "$target"/release/bundle/deb/*.deb
