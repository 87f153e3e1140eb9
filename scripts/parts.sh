# Sourced by the other scripts: where the project is, and parts of the work with a name and a time.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Where cargo puts what it builds.
target=${CARGO_TARGET_DIR:-$root/target}

# The window needs somewhere to appear.
has_display() { [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; }

# part NAME COMMAND...: runs the command, says how long it took, and notes it in $BOBINA_TIMES for who asked.
part() {
  local name=$1 started=$SECONDS; shift
  printf '\n── %s\n' "$name"
  "$@" || { local code=$?; printf '── %s: failed after %d s\n' "$name" $((SECONDS - started)) >&2; return "$code"; }
  printf '── %s: %d s\n' "$name" $((SECONDS - started))
  if [ -n "${BOBINA_TIMES:-}" ]; then printf '%5d s  %s\n' $((SECONDS - started)) "$name" >>"$BOBINA_TIMES"; fi
}
