#!/usr/bin/env bash
# Sees to the system libraries that the window needs on Linux.
#
#   packaging/system_libraries.sh [--packages]
#
# --packages lists the Debian packages that hold them. Otherwise: does nothing when all are there. When some are missing: as root on Debian or Ubuntu it installs them, otherwise it names
# the one command that does and exits with 1.
set -euo pipefail

[ "$(uname -s)" = Linux ] || exit 0

# library file and the Debian package that holds it
wanted="
libEGL.so.1             libegl1
libGL.so.1              libgl1
libfontconfig.so.1      libfontconfig1
libfreetype.so.6        libfreetype6
libglib-2.0.so.0        libglib2.0-0
libdbus-1.so.3          libdbus-1-3
libX11-xcb.so.1         libx11-xcb1
libxkbcommon.so.0       libxkbcommon0
libxkbcommon-x11.so.0   libxkbcommon-x11-0
libxcb-cursor.so.0      libxcb-cursor0
libxcb-icccm.so.4       libxcb-icccm4
libxcb-image.so.0       libxcb-image0
libxcb-keysyms.so.1     libxcb-keysyms1
libxcb-randr.so.0       libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0       libxcb-shape0
libxcb-shm.so.0         libxcb-shm0
libxcb-sync.so.1        libxcb-sync1
libxcb-xfixes.so.0      libxcb-xfixes0
libxcb-xkb.so.1         libxcb-xkb1
libwayland-cursor.so.0  libwayland-cursor0
libwayland-egl.so.1     libwayland-egl1
"

if [ "${1:-}" = --packages ]; then
    awk 'NF {print $2}' <<<"$wanted"
    exit 0
fi

there=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)
missing=()
while read -r library package; do
    if [ -n "$library" ] && ! grep -qF "$library " <<<"$there"; then
        missing+=("$package")
    fi
done <<<"$wanted"
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Libraries that the window needs are missing. Debian calls them: ${missing[*]}" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "Libraries that the window needs are missing. Install them with:" >&2
    echo "    sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "Installing system libraries: ${missing[*]}" >&2
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
