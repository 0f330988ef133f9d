#!/usr/bin/env bash
# The main job on the bundled study: in the window where there is a display, else headless into build/demo.
#
#   packaging/run.sh ENVIRONMENT
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    packaging/system_libraries.sh
    exec "$1/bin/busi-viewer" resources/sample
fi
packaging/system_libraries.sh || echo "Going on without: there is no display, so no window is needed." >&2
echo "There is no display: analysing the bundled study without the window …"
"$1/bin/busi-viewer" demo -o build/demo >/dev/null
echo "The reports are in $PWD/build/demo:"
ls -1 "$PWD"/build/demo/*.pdf
echo "Where there is a display, 'make run' opens the window with this study."
