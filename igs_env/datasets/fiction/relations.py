"""What is said about people, places, organisations and works, and in which words.

Each kind has one relation to every kind and one to a year, so that a path can lead from
any kind to any other.
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


def _kind(*told: tuple[str, ...]) -> tuple[Relation, ...]:
    """Relations of a kind from (name, nouns, four statements), in the order of their targets."""
    return tuple(
        Relation(
            name=name, target=target, nouns=tuple(nouns.split(" | ")), statements=tuple(statements)
        )
        for target, (name, nouns, *statements) in enumerate(told)
    )


RELATIONS: tuple[tuple[Relation, ...], ...] = (
    _kind(
        (
            "teacher",
            "teacher | mentor | former tutor | instructor",
            "The teacher of {s} was {o}.",
            "{s} learned the trade under the mentor {o}.",
            "As a pupil of {o}, {s} soon became known.",
            "It was {o} who taught {s} for many years.",
        ),
        (
            "birthplace",
            "birthplace | place of birth | home town | native town",
            "The birthplace of {s} is {o}.",
            "{s} was born in {o} as the youngest child.",
            "{s} came into the world in {o}.",
            "The family lived in {o} when {s} was born.",
        ),
        (
            "employer",
            "employer | workplace | place of work | paymaster",
            "The employer of {s} is {o}.",
            "{s} works for {o} to this day.",
            "{s} earns a living at {o}.",
            "For years {o} has had {s} on its staff.",
        ),
        (
            "favourite",
            "favourite book | most loved book | cherished book | preferred reading",
            "The favourite book of {s} is {o}.",
            "{s} loves no book more than {o}.",
            "Above all other books {s} cherishes {o}.",
            "On every journey {s} carries a copy of {o}.",
        ),
        (
            "birth_year",
            "birth year | year of birth | year of arrival in the world | natal year",
            "The birth year of {s} is {o}.",
            "{s} was born in the year {o}.",
            "The parish book lists {s} under births of {o}.",
            "It was in {o} that {s} first saw daylight.",
        ),
    ),
    _kind(
        (
            "mayor",
            "mayor | head of the council | first citizen | town leader",
            "The mayor of {s} is {o}.",
            "{s} is governed by its mayor {o}.",
            "The council of {s} is headed by {o}.",
            "At the last election {o} was put in charge of {s}.",
        ),
        (
            "twin",
            "twin town | partner town | sister town | associated town",
            "The twin town of {s} is {o}.",
            "{s} is twinned with {o} by treaty.",
            "{s} keeps a lasting partnership with {o}.",
            "Each summer {s} sends its children to its sister town {o}.",
        ),
        (
            "patron",
            "patron | main sponsor | benefactor | chief donor",
            "The patron of {s} is {o}.",
            "{s} is mostly paid for by {o}.",
            "The streets of {s} were restored by its benefactor {o}.",
            "Every fountain in {s} was donated by {o}.",
        ),
        (
            "anthem",
            "anthem | official song | town song | hymn",
            "The anthem of {s} is {o}.",
            "{s} took {o} as its official song.",
            "On feast days the people of {s} sing {o}.",
            "School classes in {s} begin with {o}.",
        ),
        (
            "charter_year",
            "charter year | year of the town charter | year of town rights | chartering date",
            "The charter year of {s} is {o}.",
            "{s} received its town charter in {o}.",
            "{s} has held town rights since {o}.",
            "A seal from {o} made {s} a town.",
        ),
    ),
    _kind(
        (
            "founder",
            "founder | creator | initiator | originator",
            "The founder of {s} is {o}.",
            "{s} was set up by {o} with borrowed money.",
            "{s} owes its existence to {o}.",
            "With three friends {o} brought {s} into being.",
        ),
        (
            "seat",
            "seat | headquarters | main office | head office location",
            "The seat of {s} is {o}.",
            "{s} has its headquarters in {o}.",
            "{s} is run from an office in {o}.",
            "Visitors to {s} have to travel to {o}.",
        ),
        (
            "parent",
            "parent body | owner | controlling body | holder",
            "The parent body of {s} is {o}.",
            "{s} is owned by {o} in full.",
            "{s} takes its orders from {o}.",
            "All shares of {s} are held by {o}.",
        ),
        (
            "handbook",
            "handbook | rule book | manual | guiding text",
            "The handbook of {s} is {o}.",
            "{s} follows the rules laid down in {o}.",
            "New members of {s} must read {o}.",
            "Nobody joins {s} without swearing on {o}.",
        ),
        (
            "founding_year",
            "founding year | year of foundation | year of establishment | starting year",
            "The founding year of {s} is {o}.",
            "{s} was founded in {o} in a back room.",
            "{s} has existed since {o}.",
            "The oldest papers of {s} date from {o}.",
        ),
    ),
    _kind(
        (
            "author",
            "author | writer | maker | creator",
            "The author of {s} is {o}.",
            "{s} was written by {o} within one winter.",
            "{s} came from the pen of {o}.",
            "Critics count {s} among the finest texts by {o}.",
        ),
        (
            "setting",
            "setting | place of action | scene | location of the plot",
            "The setting of {s} is {o}.",
            "{s} is set in {o} during a hard winter.",
            "The plot of {s} unfolds in {o}.",
            "Readers of {s} will recognise the lanes of {o}.",
        ),
        (
            "publisher",
            "publisher | publishing house | printing house | issuing house",
            "The publisher of {s} is {o}.",
            "{s} was brought out by {o} in two volumes.",
            "{s} first appeared at {o}.",
            "After many refusals {o} agreed to print {s}.",
        ),
        (
            "model",
            "model | source of inspiration | forerunner | literary template",
            "The model of {s} is {o}.",
            "{s} was inspired by {o} from start to end.",
            "{s} borrows its plan from {o}.",
            "Whoever knows {o} will find its traces in {s}.",
        ),
        (
            "release_year",
            "release year | year of publication | year of first printing | year of appearance",
            "The release year of {s} is {o}.",
            "{s} was published in {o} to great acclaim.",
            "The first printing of {s} is dated {o}.",
            "Bookshops received {s} in {o}.",
        ),
    ),
)
"""Relations by the subject's kind."""
