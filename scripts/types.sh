#!/usr/bin/env bash
# types.sh FOLDER: writes the TypeScript of the boundary into the folder, in place of what was there.
# Built with the features of the whole workspace, so that nothing is compiled a second time for it.
set -euo pipefail
folder=$(realpath -m "${1:?which folder}")
source "$(dirname "$0")/parts.sh"
rm -rf "$folder"
mkdir -p "$folder"
cargo build --quiet --workspace --example types --features bobina-desktop/custom-protocol
"$target/debug/examples/types" "$folder"
