#!/usr/bin/env bash
# build.sh: the installable package, optimised: window and command line in one .deb. Its path is printed at the end.
# An AppImage is made by `ui/node_modules/.bin/tauri build --bundles appimage`, which downloads the bundler's tools.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

[ "${SKIP_SETUP:-}" = 1 ] || scripts/setup.sh run
scripts/ui.sh packages
# Both programs in one build, so that what they share is compiled once.
ui/node_modules/.bin/tauri build --bundles deb -- --package cli --package bobina-desktop
ls -1 "$target"/release/bundle/deb/*.deb
