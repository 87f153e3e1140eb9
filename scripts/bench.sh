#!/usr/bin/env bash
# bench.sh [queue|search|hls...]: the measurements, peers included, each in one run with its ratios; all when none is named.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

[ "${SKIP_SETUP:-}" = 1 ] || scripts/setup.sh bench
cargo build --release --package cli
cargo build --release --package tests --bins --features bench-tantivy
# yt-dlp is a peer of the downloader; it comes from PyPI into a folder of its own.
peers=$target/bench-peers
if [ ! -x "$peers/bin/yt-dlp" ]; then
  python3 -m venv "$peers"
  "$peers/bin/pip" install --quiet --disable-pip-version-check yt-dlp
fi
export PATH=$peers/bin:$PATH

wanted=("$@")
[ ${#wanted[@]} -gt 0 ] || wanted=(queue search hls)
for name in "${wanted[@]}"; do
  case $name in
    queue) part "queue, beside Celery and Huey" "$target/release/bench_queue" --peers --folder "$target" ;;
    search) part "search, beside tantivy" "$target/release/bench_search" ;;
    hls) part "HLS, beside ffmpeg and yt-dlp" "$target/release/bench_hls" ;;
    *) echo "there is no measurement \"$name\": queue, search, hls" >&2; exit 2 ;;
  esac
done
