#!/usr/bin/env bash
# Packs dist/busi-viewer (made by `make installer`) as a Debian package: dist/busi-viewer_VERSION_ARCHITECTURE.deb.
#
# The folder goes to /usr/lib/busi-viewer; command, menu entry, icons and manual page are where Debian expects them.
# Everything belongs to the package, so removing it leaves nothing; what users keep in their homes stays theirs.
set -euo pipefail
cd "$(dirname "$0")/.."

frozen=dist/busi-viewer
[ -x "$frozen/busi-viewer" ] || { echo "There is no $frozen. Build it first: make installer" >&2; exit 1; }

version=$(sed -nE 's/^__version__ = "([^"]+)"$/\1/p' busi_viewer/__init__.py)
architecture=$(dpkg --print-architecture)
root=build/deb
package="dist/busi-viewer_${version}_${architecture}.deb"

rm -rf "$root"
install -d "$root/usr/lib" "$root/usr/bin" "$root/DEBIAN"
cp -a "$frozen" "$root/usr/lib/busi-viewer"
ln -s ../lib/busi-viewer/busi-viewer "$root/usr/bin/busi-viewer"
install -Dm644 packaging/linux/busi-viewer.desktop "$root/usr/share/applications/busi-viewer.desktop"
install -Dm644 resources/icons/busi-viewer.svg "$root/usr/share/icons/hicolor/scalable/apps/busi-viewer.svg"
for size in 16 24 32 48 64 128 256; do
    install -Dm644 "build/icons/$size.png" "$root/usr/share/icons/hicolor/${size}x$size/apps/busi-viewer.png"
done
install -d "$root/usr/share/man/man1" "$root/usr/share/doc/busi-viewer"
gzip -9nc packaging/linux/busi-viewer.1 > "$root/usr/share/man/man1/busi-viewer.1.gz"
gzip -9nc CHANGELOG.md > "$root/usr/share/doc/busi-viewer/changelog.gz"
install -m644 LICENSE "$root/usr/share/doc/busi-viewer/copyright"
chmod -R u=rwX,go=rX "$root"

cat > "$root/DEBIAN/control" <<CONTROL
Package: busi-viewer
Version: $version
Architecture: $architecture
Maintainer: The busi_viewer authors <busi-viewer@users.noreply.github.com>
Installed-Size: $(du -sk --apparent-size "$root/usr" | cut -f1)
Section: science
Priority: optional
Depends: $(packaging/system_libraries.sh --packages | paste -sd, | sed 's/,/, /g')
Description: breast-ultrasound viewer that outlines, estimates and explains
 Opens breast-ultrasound images (PNG, JPEG, TIFF, BMP, DICOM), outlines lesions,
 estimates how likely they are benign or malignant, shows why, and lets the
 reader correct the outline, fill in findings and write reports.
 .
 Research use only: it is not a medical device.
CONTROL

dpkg-deb --build --root-owner-group -Zxz -z6 "$root" "$package" >&2
rm -rf "$root"
echo "$package"
