#!/usr/bin/env bash
# Sees to the independent DICOM programs that the tests talk to: dciodvfy, Orthanc, dcmtk, and OpenJPEG's and OpenJPH's programs.
#
# As root on Debian or Ubuntu it installs what is missing; otherwise it names the one command that does, and the tests that
# need them are skipped.
set -euo pipefail

# program and the Debian package that holds it
wanted="
dciodvfy        dicom3tools
Orthanc         orthanc
storescu        dcmtk
opj_compress    libopenjp2-tools
ojph_compress   openjph-tools
"

missing=()
while read -r program package; do
    if [ -n "$program" ] && ! PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null; then
        missing+=("$package")
    fi
done <<<"$wanted"
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Tests that need these DICOM programs are skipped: ${missing[*]}. On Debian, install them with:" >&2
    echo "    sudo apt-get install ${missing[*]}" >&2
    exit 0
fi
echo "Installing DICOM programs for the tests: ${missing[*]}" >&2
apt-get update -qq || true
for package in "${missing[@]}"; do # one by one: not every release has each of them
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$package" >/dev/null ||
        echo "$package cannot be installed: the tests that need it are skipped." >&2
done
