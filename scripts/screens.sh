#!/usr/bin/env bash
# screens.sh [FOLDER]: pictures of every screen with real data, in both themes, wide and narrow; docs/window.png is one of them.
# Without a folder they go to target/screens.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

scripts/ui.sh
cargo build --quiet --package cli
folder=${1:-$target/screens}
node tests/e2e/screens.mjs "$target/debug/bobina" "$folder"
# The one that shows no path of this machine.
cp "$folder/activity-chosen-dark-1400.png" docs/window.png
