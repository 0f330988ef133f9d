#!/usr/bin/env bash
# Removes the names of local symbols from the largest libraries of a frozen folder; they are of use to debuggers alone.
#
#   packaging/strip.sh FOLDER
#
# Only libraries that nobody has patched: those in *.libs/ break when they are stripped.
set -euo pipefail

command -v strip >/dev/null || exit 0
find "$1/_internal" -type f \( -name 'libtorch*.so' -o -name 'libc10.so' -o -name 'libpython3*.so*' -o -name 'libopenvino*.so*' \
    -o -name '_CharLS*.so' -o -name '_openjpeg*.so' -o -path '*/kiwisolver/*.so' \) -exec strip --strip-unneeded {} +
