#!/usr/bin/env bash
# Makes the virtual environment and installs busi_viewer into it, in editable form.
#
#   packaging/environment.sh FOLDER [EXTRA…]
#
# FOLDER is the environment, EXTRA an optional group of pyproject.toml ("dev", "installer"). Quick when nothing has
# changed: FOLDER/installed-<extras> keeps the pyproject.toml that was installed last.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$1
shift
extras=$(IFS=,; echo "$*")
stamp="$venv/installed${extras:+-$extras}.toml"

if cmp --silent "$stamp" pyproject.toml; then
    exit 0
fi

say() { printf '%s\n' "$*" >&2; }

fits() { # whether $1 runs and is Python 3.11 or newer
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local name
    for name in ${PYTHON:-} python3.11 python3 python3.12 python3.13; do
        if fits "$name"; then
            command -v "$name"
            return
        fi
    done
    say "busi_viewer needs Python 3.11 or newer; python3 here is $(python3 --version 2>/dev/null || echo 'not installed')."
    say "Install it (Debian, Ubuntu: sudo apt-get install python3.11 python3.11-venv), or name it: make PYTHON=/path/to/python3.11"
    return 1
}

make_venv() {
    local python version
    python=$(find_python)
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            say "Installing python$version-venv …"
            apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "python$version-venv" >/dev/null
        else
            say "Python's venv module is missing. Install it first, then run this again:"
            say "    sudo apt-get install python$version-venv"
            return 1
        fi
    fi
    say "Making the environment $venv with $("$python" --version) …"
    rm -rf "$venv"
    "$python" -m venv "$venv" || { rm -rf "$venv"; return 1; }
}

fits "$venv/bin/python" || make_venv
pip=("$venv/bin/python" -m pip --disable-pip-version-check --quiet)

say "Installing busi_viewer and what it needs (the first time this downloads PyTorch and takes some minutes) …"
"${pip[@]}" install --upgrade pip
mapfile -t torch < <(sed -nE 's/^ *"(torch(vision)?==[^"]+)",?$/\1/p' pyproject.toml)
"${pip[@]}" install "${torch[@]}"
"${pip[@]}" install --editable ".${extras:+[$extras]}"
cp pyproject.toml "$stamp"
