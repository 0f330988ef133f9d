"""What the frozen application contains that others wrote: licence texts for people, a bill of materials for machines.

Used by ``busi_viewer.spec``: the distributions are those whose modules or files PyInstaller has collected.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

OWN = "busi-viewer"
_TEXTS = ("licen", "copying", "notice", "authors")


def distributions(names: Iterable[str]) -> list[metadata.Distribution]:
    """The installed distributions that hold the top-level modules or folders ``names``, by name; not our own."""
    holders = metadata.packages_distributions()
    found = {d for name in names for d in holders.get(name.split(".")[0].split("/")[0], ())}
    return [metadata.distribution(name) for name in sorted(found, key=str.lower) if name != OWN]


def licence_of(distribution: metadata.Distribution) -> str:
    """The licence as the distribution states it: an SPDX expression, a classifier or its first words."""
    meta = distribution.metadata
    classifiers = [c.rsplit(" :: ", 1)[1] for c in meta.get_all("Classifier") or () if c.startswith("License ::")]
    stated = meta.get("License-Expression") or "; ".join(classifiers) or (meta.get("License") or "").split("\n")[0]
    return stated.strip() or "see its licence files"


def notices(found: Iterable[metadata.Distribution]) -> str:
    """Every distribution with its version, licence, home and licence texts; afterwards what is no Python package."""
    parts = ["Software of others in this application, with its licences.\n"]
    for distribution in found:
        meta = distribution.metadata
        parts.append(f"{'=' * 100}\n{meta['Name']} {distribution.version}: {licence_of(distribution)}")
        parts.append(f"{meta.get('Home-page') or next(iter(meta.get_all('Project-URL') or ()), '')}\n")
        for file in distribution.files or ():
            path = Path(str(distribution.locate_file(file)))
            if ".dist-info" in str(file) and any(w in path.name.lower() for w in _TEXTS) and path.is_file():
                parts.append(f"--- {path.name}\n{path.read_text(encoding='utf-8', errors='replace')}")
    return "\n".join(parts)


def bill_of_materials(found: Iterable[metadata.Distribution], version: str) -> str:
    """A CycloneDX 1.6 document (JSON). It names no time and no serial number: the same build, the same text."""
    licences = LicenseFactory()
    bom = Bom(serial_number=None)
    bom.metadata.timestamp = None
    application = Component(name=OWN, version=version, type=ComponentType.APPLICATION, bom_ref=OWN)
    bom.metadata.component = application
    for distribution in found:
        name = distribution.metadata["Name"]
        part = Component(
            name=name,
            version=distribution.version,
            type=ComponentType.LIBRARY,
            licenses=[licences.make_from_string(licence_of(distribution))],
            purl=PackageURL("pypi", name=name.lower(), version=distribution.version),
            bom_ref=f"{name}=={distribution.version}",
        )
        bom.components.add(part)
        bom.register_dependency(application, [part])
    return JsonV1Dot6(bom).output_as_string(indent=1)
