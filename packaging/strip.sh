#!/usr/bin/env bash
# Removes the names of local symbols from the libraries of a frozen folder; they are of use to debuggers alone.
#
#   packaging/strip.sh FOLDER
#
# Only libraries that nobody has patched: those in *.libs/, and those that look for them there, break when they are stripped.
set -euo pipefail

command -v strip >/dev/null && command -v readelf >/dev/null || exit 0
find "$1/_internal" -type f -name '*.so*' -size +100k -not -path '*.libs/*' -print0 | while IFS= read -r -d '' library; do
    readelf -d "$library" 2>/dev/null | grep -q 'R\(UN\)\?PATH.*\.libs' || strip --strip-unneeded "$library" 2>/dev/null || true
done
