#!/usr/bin/env bash
# Replaces libraries that OpenCV is linked with and busi_viewer never calls by small stand-ins (Linux): 75 MB less.
#
#   packaging/standins.sh FOLDER
#
# FFmpeg and what it brings (OpenCV reads and writes no video here), AOM (libavif's coder of AVIF files; OpenCV reads PNG and
# JPEG of our own alone): stand-ins whose functions do nothing. OpenCV's OpenBLAS: a stand-in that leads on to SciPy's, which is inside
# anyway and has the same functions under longer names. Without a compiler nothing is done: the folder is larger, and works.
set -euo pipefail
shopt -s nullglob

libraries=$1/_internal/opencv_python_headless.libs
opencv=$1/_internal/cv2/cv2.abi3.so
if ! [ -d "$libraries" ] || ! command -v cc >/dev/null || ! command -v nm >/dev/null; then
    exit 0
fi
case "$(uname -m)" in
    x86_64) jump='jmp %s@PLT' nothing='xorl %eax, %eax; ret' ;;
    aarch64) jump='b %s' nothing='mov x0, #0; ret' ;;
    *) exit 0 ;;
esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

asked() { # the functions of library $2 that library $1 asks for
    comm -12 <(nm -D --undefined-only "$1" | awk '{sub(/@.*/, "", $NF); print $NF}' | sort -u) \
        <(nm -D --defined-only "$2" | awk '$2 ~ /[TtWi]/ {sub(/@.*/, "", $NF); print $NF}' | sort -u)
}

versions() { # a linker script that gives the functions of library $1 the versions that they have there
    nm -D --defined-only "$1" | awk '$NF ~ /@@/ {split($NF, part, "@@"); of[part[2]] = of[part[2]] part[1] "; "}
        END {for (version in of) if (version != "") printf "%s { global: %s };\n", version, of[version]}'
}

replace() { # library $1 by the assembly on standard input, linked with what else is given
    local library=$1
    shift
    cat > "$scratch/code.s"
    versions "$library" > "$scratch/versions"
    cc -shared -nostdlib -Wl,-soname,"$(basename "$library")" -Wl,--undefined-version \
        -Wl,--version-script="$scratch/versions" -o "$scratch/library" "$scratch/code.s" "$@" 2>"$scratch/said" \
        || cc -shared -nostdlib -Wl,-soname,"$(basename "$library")" -o "$scratch/library" "$scratch/code.s" "$@"
    install -m755 "$scratch/library" "$library"
}

silent() { # stand-in for library $2 as far as $1 asks for it
    local name
    {
        echo '.section .note.GNU-stack,"",@progbits'
        echo .text
        asked "$1" "$2" | while read -r name; do
            printf '.globl %s\n.type %s, @function\n%s:\n' "$name" "$name" "$name"
            echo "$nothing"
        done
    } | replace "$2"
}

for library in "$libraries"/lib{avcodec,avformat,avutil,swscale}-*; do silent "$opencv" "$library"; done
for avif in "$libraries"/libavif-*; do
    for library in "$libraries"/libaom-*; do silent "$avif" "$library"; done
done
rm -f "$libraries"/lib{swresample,vpx,crypto,ssl,drm}-*

theirs=$(echo "$1"/_internal/scipy.libs/libscipy_openblas-*)
ours=$(echo "$libraries"/libopenblas*)
if [ -f "$theirs" ] && [ -f "$ours" ]; then
    asked "$opencv" "$ours" > "$scratch/functions"
    if [ -z "$(sed 's/^/scipy_/' "$scratch/functions" | comm -23 - <(nm -D --defined-only "$theirs" | awk '{print $NF}' | sort -u))" ]; then
        {
            echo '.section .note.GNU-stack,"",@progbits'
            echo .text
            while read -r name; do
                # shellcheck disable=SC2059  # the format holds the place of the name
                printf ".globl %s\n.type %s, @function\n%s:\n$jump\n" "$name" "$name" "$name" "scipy_$name"
            done < "$scratch/functions"
        } | replace "$ours" "$theirs" -Wl,-rpath,'$ORIGIN/../scipy.libs'
        rm -f "$libraries"/lib{gfortran,quadmath}-*
    fi
fi
