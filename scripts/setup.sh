#!/usr/bin/env bash
# setup.sh serve|run|test|check|bench: installs what that part of the project needs and this machine lacks.
#
# On Debian and Ubuntu it asks apt, only for what is not there, and as root or through sudo.
# Elsewhere it names what to install. It installs neither Rust nor Node: it says which version is needed.
set -euo pipefail
part=${1:?which part: serve, run, test, check or bench}

# One line each: the Debian package, then the command or pkg-config name that shows it is there (absent: ask dpkg).
build="build-essential:cc cmake:cmake clang:clang libclang-dev mold:mold pkg-config:pkg-config"
tools="ffmpeg:ffmpeg pocketsphinx:pocketsphinx_batch pocketsphinx-en-us"
window="libwebkit2gtk-4.1-dev:pc=webkit2gtk-4.1 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav"
tests="xvfb:Xvfb xauth:xauth dbus:dbus-run-session webkit2gtk-driver:WebKitWebDriver chromium:chromium|chromium-browser|google-chrome espeak-ng:espeak-ng xdotool:xdotool python3-venv"
case $part in
  serve) wanted="$build $tools" ;;
  run) wanted="$build $tools $window" ;;
  check) wanted="$build $window" ;;
  test) wanted="$build $tools $window $tests" ;;
  bench) wanted="$build $tools $tests redis-server:redis-server" ;;
  *) echo "setup.sh: no part named $part" >&2; exit 2 ;;
esac

# at_least HAVE WANT: is version HAVE not older than WANT?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

version_of() { "$1" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1; }

need_version() { # COMMAND WANT WHERE
  local have
  have=$(version_of "$1" || true)
  if [ -z "$have" ]; then echo "Bobina needs $1 $2 or newer, and there is none here: $3" >&2; exit 1; fi
  if ! at_least "$have" "$2"; then echo "Bobina needs $1 $2 or newer, and here is $have: $3" >&2; exit 1; fi
}

need_version cargo 1.95 "https://rustup.rs"
need_version node 20.19 "https://nodejs.org"
need_version npm 9 "https://nodejs.org"

# there SIGN PACKAGE: is it installed?
there() {
  case $1 in
    "") dpkg-query -W -f='${db:Status-Status}' "$2" 2>/dev/null | grep -qx installed ;;
    pc=*) pkg-config --exists "${1#pc=}" 2>/dev/null ;;
    *) local name; for name in ${1//|/ }; do command -v "$name" >/dev/null && return; done; return 1 ;;
  esac
}

missing=()
for entry in $wanted; do
  package=${entry%%:*}
  sign=""; [ "$entry" = "$package" ] || sign=${entry#*:}
  if [ -z "$sign" ] && ! command -v dpkg-query >/dev/null; then continue; fi
  there "$sign" "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "Bobina needs what these Debian packages hold; please install their like on this system, then run again:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "Please install as root, then run again: apt-get install ${missing[*]}" >&2; exit 1; }
  as_root=sudo
fi
echo "Installing: ${missing[*]}"
$as_root apt-get update -q
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
