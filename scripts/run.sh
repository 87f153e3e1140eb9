#!/usr/bin/env bash
# run.sh: from a clone to a first transcript and the window; without a display, to the same UI on a loopback address.
# Every step looks first whether it is done, so a second run only prints the transcript and opens the window.
set -euo pipefail
source "$(dirname "$0")/parts.sh"

quiet_end() { printf '\n'; exit 130; }
trap quiet_end INT

if has_display; then
  scripts/setup.sh run
  scripts/ui.sh
  cargo build --workspace --bins --features bobina-desktop/custom-protocol
else
  scripts/setup.sh serve
  scripts/ui.sh
  cargo build --package cli
fi
bobina=$target/debug/bobina

# The transcript of the sample, if it is in the library already.
clip=$root/assets/samples/welcome.mp4
heard() {
  "$bobina" library --json | node -e '
    const { items } = JSON.parse(require("fs").readFileSync(0, "utf8"));
    process.stdout.write(items.find((item) => item.source === process.argv[1])?.transcript_id ?? "")' "$clip"
}
transcript=$(heard)
if [ -z "$transcript" ]; then
  printf '\nThe sample clip, through the real pipeline:\n'
  "$bobina" add --wait --language en "$clip"
  transcript=$(heard)
fi
printf '\nWhat was heard:\n'
"$bobina" transcript "$transcript"

if has_display; then
  printf '\nOpening the window. Ctrl-C ends it.\n'
  "$target/debug/bobina-desktop"
else
  printf '\nThere is no display here, so the same UI is served on this machine. Ctrl-C ends it.\n'
  "$bobina" serve
fi
