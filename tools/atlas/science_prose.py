"""Passages about laureates, prizes and elements."""

from __future__ import annotations

from collections.abc import Sequence

from tools.atlas.records import Element, Laureate
from tools.atlas.wording import article, listed, pick, shuffled, the

_CALLINGS = {
    "Chemistry": "chemist",
    "Economics": "economist",
    "Literature": "writer",
    "Medicine": "medical researcher",
    "Peace": "peace campaigner",
    "Physics": "physicist",
}
_BIRTH = (
    "{n} was born on {b} in {c}, {p}.",
    "Born on {b} in {c}, {p}, {n} became {a}.",
    "{n}, {a}, was born in {c}, {p}, on {b}.",
)
_BIRTH_PLACE = ("{n} was born in {c}, {p}.", "{n}, {a}, was born in {c}, {p}.")
_WON = (
    "{n} received the {prize} in {y}.",
    "In {y} the {prize} went to {n}.",
    "{n} won the {prize} of {y}.",
)
_WORKED = (
    "At the time of the award {n} worked at {u}.",
    "The prize was given for work done at {u}.",
)
_FIELD = ("The field of work was {f}.", "The prize honoured work in {f}.")
_CLOSING = (
    "{n} is remembered as {a} from {p} and as a holder of the Nobel Prize.",
    "Among the people with a Nobel Prize, {n} is one of those born in {p}.",
)
_SHARED = (
    "The {prize} of {y} was shared by {w}.",
    "In {y} the {prize} was awarded jointly to {w}.",
)
_ALONE = (
    "The {prize} of {y} was awarded to {w}.",
    "In {y} the {prize} went to a single person, {w}.",
)
_FOUND = (
    "{n} was discovered by {d} in {y}.",
    "{d} discovered {n} in {y}.",
    "The discovery of {n} was made by {d} in {y}.",
)


def prize(category: str) -> str:
    """A prize's name, as in "Nobel Prize in Physics"."""
    return "Nobel Peace Prize" if category == "Peace" else f"Nobel Prize in {category}"


def laureate_text(prizes: Sequence[Laureate]) -> str:
    """The passage about one person, who may have several prizes."""
    one = prizes[0]
    values = {
        "n": one.name,
        "b": one.born,
        "c": one.city,
        "p": the(one.country),
        "a": article(_CALLINGS[one.category]),
        "u": _institution(one.affiliation),
        "f": one.field,
    }
    parts = [pick(_BIRTH if one.born else _BIRTH_PLACE, one.id).format(**values)]
    parts += [
        pick(_WON, p.id, "won").format(n=p.name, y=p.year, prize=prize(p.category)) for p in prizes
    ]
    rest = [(_WORKED, one.affiliation), (_FIELD, one.field), (_CLOSING, one.name)]
    return " ".join(
        [*parts, *(pick(o, one.id, o[0]).format(**values) for o, known in rest if known)]
    )


def prize_text(winners: Sequence[Laureate]) -> str:
    """The passage about a prize of one year: who won it, and where they come from."""
    one = winners[0]
    options = _SHARED if len(winners) > 1 else _ALONE
    values = {"prize": prize(one.category), "y": one.year}
    parts = [pick(options, one.id).format(w=listed([w.name for w in winners]), **values)]
    for winner in winners:
        where = f"worked at {_institution(winner.affiliation)}" if winner.affiliation else ""
        field = f"was honoured for work in {winner.field}" if winner.field else ""
        about = " and ".join(filter(None, [where, field]))
        parts += [f"{winner.name} {about}."] if about else []
    before, after = one.year - 1, one.year + 1
    number = {1: "one laureate", 2: "two laureates"}.get(len(winners), "three laureates")
    parts.append(
        f"The award thus went to {number}, among the {_CALLINGS[one.category]}s of the time who "
        "were honoured by the Nobel Foundation."
    )
    parts.append(f"It follows the prize of {before} and comes before the prize of {after}.")
    return " ".join(parts)


def _institution(name: str) -> str:
    needs = name.startswith(("University of", "Institute", "National", "Royal"))
    return f"the {name}" if needs else name


def element_text(element: Element) -> str:
    """The passage about an element."""
    name = element.name
    place = f", in group {element.group}" if element.group else ""
    parts = [
        f"{name} is a chemical element with the symbol {element.symbol} and atomic number "
        f"{element.number}.",
        f"It belongs to period {element.period} of the periodic table{place}, and it is "
        f"{article(element.series)}.",
    ]
    if element.discoverers and element.year:
        parts.append(
            pick(_FOUND, element.id).format(
                n=name.lower(), d=listed(element.discoverers), y=element.year
            )
        )
    elif element.year:
        parts.append(f"The element was discovered in {element.year}.")
    if element.country:
        parts.append(f"The discovery took place in {the(element.country)}.")
    if element.origin:
        parts.append(f"The element is named {element.origin}.")
    parts.append(f"In chemical formulas {name.lower()} is written as {element.symbol}.")
    rest = [part[0].upper() + part[1:] for part in parts[2:]]
    return " ".join([*parts[:2], *shuffled(rest, element.id)])
