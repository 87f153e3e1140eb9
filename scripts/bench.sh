#!/usr/bin/env bash
# bench.sh: the measurements, with their peers in the same run and the ratios in a table. Takes several minutes.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

[ "${SKIP_SETUP:-}" = 1 ] || part "install what is missing" scripts/setup.sh bench
part "build, optimised" cargo build --release --package tests --bins
part "the queue, beside Celery and Huey" "$target/release/bench_queue" --peers
part "the search, over a million segments" "$target/release/bench_search"
