"""Questions about a made-up world, with their gold documents and gold queries."""

from __future__ import annotations

from igs_env.datasets.fiction.corpus import document_id
from igs_env.datasets.fiction.draws import draw
from igs_env.datasets.fiction.names import Names
from igs_env.datasets.fiction.paths import Path
from igs_env.datasets.fiction.relations import PERSON, YEAR, Relation
from igs_env.datasets.fiction.world import WORDING, World
from igs_env.types import Question

_FORMS = ("{who} is {what}?", "Name {what}.", "Tell me {who_} {what} is.", "{What}: {who_} is it?")


def question_of(world: World, names: Names, path: Path, split: str) -> Question:
    """The question whose answer is where a path leads.

    `metadata`: `relations` (names, one per hop), `entities` (titles of the documents that state
    each hop), `start` (the first of them) and `queries` (a good search query per hop).
    """
    told = [names.of(entity) for entity in path.entities]
    answer = str(path.answer) if path.relations[-1].target == YEAR else names.of(path.answer)
    relations = [relation.name for relation in path.relations]
    return Question(
        id=f"fiction-{world.seed}-{path.entities[0]}-{'.'.join(relations)}",
        text=_text(world, path, told[0]),
        answers=(answer,),
        gold_documents=tuple((document_id(entity),) for entity in path.entities),
        hops=len(relations),
        kind="bridge" if len(relations) > 1 else "single",
        split=split,
        metadata={
            "relations": relations,
            "entities": told,
            "start": told[0],
            "queries": [f"{_noun(world, path, hop)} of {name}" for hop, name in enumerate(told)],
        },
    )


def _text(world: World, path: Path, start: str) -> str:
    what = start
    for hop in range(len(path.relations)):
        what = f"the {_noun(world, path, hop)} of {what}"
    who = "Who" if path.relations[-1].target == PERSON else "What"
    form = _FORMS[draw(world.seed, WORDING, *path.entities) % world.paraphrase]
    return form.format(who=who, who_=who.lower(), what=what, What=what[0].upper() + what[1:])


def _noun(world: World, path: Path, hop: int) -> str:
    relation: Relation = path.relations[hop]
    wording = draw(world.seed, WORDING, hop, *path.entities) % world.paraphrase
    return relation.nouns[wording]
