#!/usr/bin/env bash
# e2e.sh: the built programs driven as a user does it, in a headless browser and in the real window.
# Builds nothing but what is stale; `make test` has built it all.
# e2e.sh window-figures: measures the window's start and memory instead, with the release build that bench.sh made.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

# tauri-driver is built once for this user; nothing on this machine but the tests uses it.
driver_version=2.1.0
drivers=${XDG_CACHE_HOME:-$HOME/.cache}/bobina/tauri-driver-$driver_version
if [ ! -x "$drivers/bin/tauri-driver" ]; then
  cargo install tauri-driver --version "$driver_version" --locked --quiet --root "$drivers" --target-dir "$target/tauri-driver"
fi
export PATH=$drivers/bin:$PATH

# in_display COMMAND...: with an X display and a session bus that are nobody else's. The accessibility bus and the
# portals are left out: they would answer for the user's real session.
in_display() {
  env -u WAYLAND_DISPLAY NO_AT_BRIDGE=1 GTK_USE_PORTAL=0 GDK_BACKEND=x11 \
    dbus-run-session -- xvfb-run --auto-servernum --server-args="-screen 0 1280x860x24" "$@"
}

if [ "${1:-}" = window-figures ]; then
  export BOBINA_PROGRAMS="$target/release"
  in_display node tests/e2e/window.figures.mjs
  exit
fi
scripts/ui.sh
cargo build --quiet --workspace --bins --features bobina-desktop/custom-protocol
export BOBINA_PROGRAMS="$target/debug"
part "the UI in a browser" node tests/e2e/browser.mjs "$target/debug/bobina"
part "the transcript in a browser" node tests/e2e/editing.mjs "$target/debug/bobina"
part "the library in a browser" node tests/e2e/library.mjs "$target/debug/bobina"
part "the window" in_display node --test --test-timeout=600000 tests/e2e/window.test.mjs
