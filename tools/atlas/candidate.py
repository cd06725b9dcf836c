"""A question before it is chosen."""

from __future__ import annotations

from dataclasses import dataclass

from tools.atlas.facts import Entity, Step
from tools.atlas.wording import draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A question with everything that is needed to check and to choose it."""

    family: str
    """Questions of one family are made alike."""
    group: str
    """`single`, `bridge2`, `bridge3`, `comparison` or `yes_no`: what the shares are given for."""
    start: str
    """What the question names; of a comparison both, joined in the order of the alphabet."""
    starts: tuple[str, ...]
    """Names in the question that a searcher begins with."""
    text: str
    answers: tuple[str, ...]
    relations: tuple[str, ...]
    entities: tuple[str, ...]
    """Per hop, what is looked up."""
    results: tuple[str, ...]
    """Per hop, what its documents must state: the next hop's entity, at last the answer."""
    queries: tuple[str, ...]
    gold: tuple[tuple[str, ...], ...]
    bridges: tuple[str, ...] = ()
    """Names that the question must not give away."""
    origin: Entity | None = None
    """Where `steps` begin; None for comparisons, whose verdict is checked from their numbers."""
    steps: tuple[Step, ...] = ()
    numbers: tuple[float, ...] = ()
    """What a comparison compares, in the order of the entities."""
    more: bool = False
    """Whether a comparison asks for the larger number."""

    @property
    def id(self) -> str:
        """Says nothing but that it is this question."""
        key = (self.family, *self.gold, *self.steps, *self.relations, self.more, self.answers[0])
        return f"atlas-{draw(*key):012x}"

    @property
    def split(self) -> str:
        """By chance, but the same for all questions with this start and these relations."""
        ticket = draw("split", self.start.lower(), *self.relations) % 100
        return "train" if ticket < 78 else "dev" if ticket < 89 else "test"
