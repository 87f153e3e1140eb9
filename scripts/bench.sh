#!/usr/bin/env bash
# bench.sh [NAME...]: the measurements of tests/benches, peers included, each in one run with its ratios.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

[ "${SKIP_SETUP:-}" = 1 ] || scripts/setup.sh bench
cargo build --release --package cli
cargo bench --package tests -- "$@"
