#!/usr/bin/env bash
# types.sh FOLDER: writes the TypeScript of the boundary into the folder, in place of what was there.
set -euo pipefail
folder=$(realpath -m "${1:?which folder}")
source "$(dirname "$0")/parts.sh"
rm -rf "$folder"
mkdir -p "$folder"
cargo run --quiet --package backend --example types -- "$folder"
