"""What is said about people, places, organisations and works, and in which words.

Each kind has one relation to every kind and one to a year, so that a path of any length exists
from any entity.
"""

from __future__ import annotations

from dataclasses import dataclass

PERSON, PLACE, ORGANISATION, WORK, YEAR = range(5)
"""Kinds of entity; a year is a value without a document."""

KINDS = 4
"""Number of kinds that have documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A function from an entity to an entity or a year: each subject has one object."""

    name: str
    """As it stands in a question's `relations`."""
    target: int
    """Kind of the object."""
    nouns: tuple[str, ...]
    """Wordings of "the … of X" in questions and queries, the plainest first."""
    statements: tuple[str, ...]
    """Wordings in documents, with `{s}` the subject and `{o}` the object, the plainest first."""


def _relation(name: str, target: int, nouns: str, *statements: str) -> Relation:
    return Relation(
        name=name, target=target, nouns=tuple(nouns.split(" | ")), statements=statements
    )


RELATIONS: tuple[tuple[Relation, ...], ...] = (
    (
        _relation(
            "teacher",
            PERSON,
            "teacher | mentor | former tutor | instructor",
            "The teacher of {s} was {o}.",
            "{s} learned the trade under the mentor {o}.",
            "As a pupil of {o}, {s} soon became known.",
            "It was {o} who taught {s} for many years.",
        ),
        _relation(
            "birthplace",
            PLACE,
            "birthplace | place of birth | home town | native town",
            "The birthplace of {s} is {o}.",
            "{s} was born in {o} as the youngest child.",
            "{s} came into the world in {o}.",
            "The family lived in {o} when {s} was born.",
        ),
        _relation(
            "employer",
            ORGANISATION,
            "employer | workplace | place of work | paymaster",
            "The employer of {s} is {o}.",
            "{s} works for {o} to this day.",
            "{s} earns a living at {o}.",
            "For years {o} has had {s} on its staff.",
        ),
        _relation(
            "favourite",
            WORK,
            "favourite book | most loved book | cherished book | preferred reading",
            "The favourite book of {s} is {o}.",
            "{s} loves no book more than {o}.",
            "Above all other books {s} cherishes {o}.",
            "On every journey {s} carries a copy of {o}.",
        ),
        _relation(
            "birth_year",
            YEAR,
            "birth year | year of birth | year of arrival in the world | natal year",
            "The birth year of {s} is {o}.",
            "{s} was born in the year {o}.",
            "The parish book lists {s} under births of {o}.",
            "It was in {o} that {s} first saw daylight.",
        ),
    ),
    (
        _relation(
            "mayor",
            PERSON,
            "mayor | head of the council | first citizen | town leader",
            "The mayor of {s} is {o}.",
            "{s} is governed by its mayor {o}.",
            "The council of {s} is headed by {o}.",
            "At the last election {o} was put in charge of {s}.",
        ),
        _relation(
            "twin",
            PLACE,
            "twin town | partner town | sister town | associated town",
            "The twin town of {s} is {o}.",
            "{s} is twinned with {o} by treaty.",
            "{s} keeps a lasting partnership with {o}.",
            "Each summer {s} sends its children to its sister town {o}.",
        ),
        _relation(
            "patron",
            ORGANISATION,
            "patron | main sponsor | benefactor | chief donor",
            "The patron of {s} is {o}.",
            "{s} is mostly paid for by {o}.",
            "The streets of {s} were restored by its benefactor {o}.",
            "Every fountain in {s} was donated by {o}.",
        ),
        _relation(
            "anthem",
            WORK,
            "anthem | official song | town song | hymn",
            "The anthem of {s} is {o}.",
            "{s} took {o} as its official song.",
            "On feast days the people of {s} sing {o}.",
            "School classes in {s} begin with {o}.",
        ),
        _relation(
            "charter_year",
            YEAR,
            "charter year | year of the town charter | year of town rights | chartering date",
            "The charter year of {s} is {o}.",
            "{s} received its town charter in {o}.",
            "{s} has held town rights since {o}.",
            "A seal from {o} made {s} a town.",
        ),
    ),
    (
        _relation(
            "founder",
            PERSON,
            "founder | creator | initiator | originator",
            "The founder of {s} is {o}.",
            "{s} was set up by {o} with borrowed money.",
            "{s} owes its existence to {o}.",
            "With three friends {o} brought {s} into being.",
        ),
        _relation(
            "seat",
            PLACE,
            "seat | headquarters | main office | head office location",
            "The seat of {s} is {o}.",
            "{s} has its headquarters in {o}.",
            "{s} is run from an office in {o}.",
            "Visitors to {s} have to travel to {o}.",
        ),
        _relation(
            "parent",
            ORGANISATION,
            "parent body | owner | controlling body | holder",
            "The parent body of {s} is {o}.",
            "{s} is owned by {o} in full.",
            "{s} takes its orders from {o}.",
            "All shares of {s} are held by {o}.",
        ),
        _relation(
            "handbook",
            WORK,
            "handbook | rule book | manual | guiding text",
            "The handbook of {s} is {o}.",
            "{s} follows the rules laid down in {o}.",
            "New members of {s} must read {o}.",
            "Nobody joins {s} without swearing on {o}.",
        ),
        _relation(
            "founding_year",
            YEAR,
            "founding year | year of foundation | year of establishment | starting year",
            "The founding year of {s} is {o}.",
            "{s} was founded in {o} in a back room.",
            "{s} has existed since {o}.",
            "The oldest papers of {s} date from {o}.",
        ),
    ),
    (
        _relation(
            "author",
            PERSON,
            "author | writer | maker | creator",
            "The author of {s} is {o}.",
            "{s} was written by {o} within one winter.",
            "{s} came from the pen of {o}.",
            "Critics count {s} among the finest texts by {o}.",
        ),
        _relation(
            "setting",
            PLACE,
            "setting | place of action | scene | location of the plot",
            "The setting of {s} is {o}.",
            "{s} is set in {o} during a hard winter.",
            "The plot of {s} unfolds in {o}.",
            "Readers of {s} will recognise the lanes of {o}.",
        ),
        _relation(
            "publisher",
            ORGANISATION,
            "publisher | publishing house | printing house | issuing house",
            "The publisher of {s} is {o}.",
            "{s} was brought out by {o} in two volumes.",
            "{s} first appeared at {o}.",
            "After many refusals {o} agreed to print {s}.",
        ),
        _relation(
            "model",
            WORK,
            "model | source of inspiration | forerunner | literary template",
            "The model of {s} is {o}.",
            "{s} was inspired by {o} from start to end.",
            "{s} borrows its plan from {o}.",
            "Whoever knows {o} will find its traces in {s}.",
        ),
        _relation(
            "release_year",
            YEAR,
            "release year | year of publication | year of first printing | year of appearance",
            "The release year of {s} is {o}.",
            "{s} was published in {o} to great acclaim.",
            "The first printing of {s} is dated {o}.",
            "Bookshops received {s} in {o}.",
        ),
    ),
)
"""Relations by the subject's kind."""

MENTIONS = (
    "{s} was once mentioned beside {o} in a newspaper.",
    "A letter names {s} and {o} in the same line.",
    "{s} is sometimes confused with {o} by travellers.",
    "There is an old quarrel about {s} and {o}.",
)
"""Sentences that link two entities and state no relation."""

FILLERS = (
    "Little else is known with certainty.",
    "The archives burned down and were never restored.",
    "Several accounts differ on the details.",
    "A small museum keeps the remaining papers.",
    "Historians still argue about the circumstances.",
    "The local press reported on it at length.",
    "Some of the letters have been lost since.",
    "An exhibition on the subject drew large crowds.",
    "The matter was discussed again many decades later.",
    "Photographs of the period are rare and faded.",
    "A second edition of the records corrected a few errors.",
    "Old people in the region still tell the story.",
)
"""Sentences that say nothing, to reach a length."""
