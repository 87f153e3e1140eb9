#!/usr/bin/env bash
# check.sh: form, lints, types and house rules; changes nothing.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

[ "${SKIP_SETUP:-}" = 1 ] || part "install what is missing" scripts/setup.sh check

generated_types_are_current() {
  local fresh
  fresh=$(mktemp -d)
  scripts/types.sh "$fresh/generated"
  diff -r ui/src/api/generated "$fresh/generated" || {
    echo "ui/src/api/generated is not what the command table says: run make types" >&2
    rm -rf "$fresh"
    return 1
  }
  rm -rf "$fresh"
}

part "rustfmt" cargo fmt --all --check
part "the UI's packages" scripts/ui.sh packages
part "eslint, tsc, messages" npm --prefix ui run --silent check
part "clippy" cargo clippy --workspace --all-targets --quiet -- -D warnings
part "generated types" generated_types_are_current
part "house rules" cargo test --quiet --workspace --features bobina-desktop/custom-protocol --test tidy
