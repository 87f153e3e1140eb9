#!/usr/bin/env bash
# bench.sh [job|queue|search|hls|window|frames...]: the measurements, peers included, each in one run with its ratios;
# all when none is named. Wants a machine with nothing else to do; docs/figures.md keeps the last whole run.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

wanted=("$@")
[ ${#wanted[@]} -gt 0 ] || wanted=(job queue search hls window frames)
[ "${SKIP_SETUP:-}" = 1 ] || scripts/setup.sh bench

# One feature set, so that nothing is compiled twice.
scripts/ui.sh
cargo build --release --package cli --package tests --package bobina-desktop --bins \
  --features tests/bench-tantivy,bobina-desktop/custom-protocol
# Peers and tools from PyPI, in a folder of their own: yt-dlp beside the downloader, numpy for the model of the main job.
peers=$target/bench-peers
if [ ! -x "$peers/bin/yt-dlp" ]; then
  python3 -m venv "$peers"
  "$peers/bin/pip" install --quiet --disable-pip-version-check yt-dlp numpy
fi
export PATH=$peers/bin:$PATH

# A model as costly as tiny.en, whose words mean nothing: its script lies outside the project.
make_model() {
  local tools=$root/../shared/tools/mkrand.py folder
  [ -f "$tools" ] || return 1
  [ -f "$target/random-tiny.en.bin" ] && return 0
  folder=$(mktemp -d "$target/model-XXXXXX")
  mkdir "$folder/run"
  ln -s "$(cd "$root/../shared/data" && pwd)" "$folder/data"
  (cd "$folder/run" && "$peers/bin/python" "$tools" >/dev/null)
  mv "$folder/run/random-tiny.en.bin" "$target/random-tiny.en.bin"
  rm -r "$folder"
}

main_job() {
  if make_model; then "$target/release/bench_main_job" "$target/random-tiny.en.bin"
  else echo "skipped: ../shared/tools/mkrand.py, which makes the model, is not there"; fi
}

printf 'Machine: %s, %s cores, %s GiB; %s; ' "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1)" "$(nproc)" \
  "$(awk '/MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)" "$(. /etc/os-release && echo "$PRETTY_NAME")"
printf 'commit %s, load %s\n' "$(git rev-parse --short HEAD)" "$(cut -d' ' -f1 /proc/loadavg)"
for name in "${wanted[@]}"; do
  case $name in
    job) part "the main job, beside the same by hand" main_job ;;
    queue) part "queue, beside Celery and Huey" "$target/release/bench_queue" --peers --folder "$target" ;;
    search) part "search, beside tantivy" "$target/release/bench_search" ;;
    hls) part "HLS, beside ffmpeg and yt-dlp" "$target/release/bench_hls" ;;
    window) part "the window: start and memory" scripts/e2e.sh window-figures ;;
    frames) part "long lists: time per frame" npm --prefix ui run frames ;;
    *) echo "there is no measurement \"$name\": job, queue, search, hls, window, frames" >&2; exit 2 ;;
  esac
done
