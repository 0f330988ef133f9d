"""How much memory this process can still have: the machine's, its control group's (containers), and its own limit."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")


def available() -> int:
    """Bytes that can be taken now without swapping or being killed for it."""
    rooms: list[int] = [psutil.virtual_memory().available, *_group_rooms(_GROUPS, _own_groups()), *_own_room()]
    return max(min(rooms), 0)


def _own_groups() -> dict[str, str]:
    """The process's control groups by controller ("" for version 2), as paths below their mounts."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    parts = (line.split(":", 2) for line in lines if line.count(":") >= 2)
    return {name: path for _, names, path in parts for name in names.split(",")}


def _group_rooms(root: Path, groups: dict[str, str]) -> list[int]:
    """What the memory limits leave, of each group that has one and of those above it.

    Pages of files that can be dropped count as room, as the kernel drops them first. In a container the path is the host's
    and the group is found at the mount itself.
    """
    kinds = (
        (root, groups.get(""), "memory.max", "memory.current", "inactive_file"),
        (
            root / "memory",
            groups.get("memory"),
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file",
        ),
    )
    rooms = []
    for base, path, limit_file, used_file, droppable in kinds:
        if path is None:
            continue
        place = base / path.strip("/")
        for folder in {base, place, *(above for above in place.parents if above.is_relative_to(base))}:
            limit, used = _number(folder / limit_file), _number(folder / used_file)
            if limit is not None and used is not None:
                rooms.append(limit - used + _entry(folder / "memory.stat", droppable))
    return rooms


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or "max"
        return None


def _entry(path: Path, name: str) -> int:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)


def _own_room() -> list[int]:
    """What a limit on the process's address space (``ulimit -v``) leaves."""
    if sys.platform == "win32":
        return []
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if limit == resource.RLIM_INFINITY else [limit - psutil.Process().memory_info().vms]
