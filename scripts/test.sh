#!/usr/bin/env bash
# test.sh: installs what the tests need and passes them all: Rust, the UI's own, the real browser and the real window.
# With SKIP_SETUP=1 it trusts that all is installed.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

[ "${SKIP_SETUP:-}" = 1 ] || part "install what is missing" scripts/setup.sh test
part "the UI" scripts/ui.sh
# One feature set for everything below, so that nothing is compiled twice; the programs first, since tests start them.
part "build the programs" cargo build --workspace --bins --features bobina-desktop/custom-protocol
part "build the Rust tests" cargo test --workspace --features bobina-desktop/custom-protocol --no-run
part "Rust tests" cargo test --workspace --features bobina-desktop/custom-protocol --no-fail-fast
part "UI tests" npm --prefix ui test
part "browser and window" scripts/e2e.sh
