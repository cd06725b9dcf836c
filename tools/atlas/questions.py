"""Chooses the questions: shares of the groups, weights of the families, limits on answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from tools.atlas.bridge import bridge
from tools.atlas.candidate import Candidate
from tools.atlas.comparison import comparison, yes_no
from tools.atlas.facts import Facts
from tools.atlas.single import single
from tools.atlas.three_hops import three_hops
from tools.atlas.verify import Words, fault, only_in_gold
from tools.atlas.wording import draw
from tools.atlas.world import World

SIZES = {"train": 12_000, "dev": 1_000, "test": 1_000}
SHARES = {"single": 0.35, "bridge2": 0.35, "bridge3": 0.15, "comparison": 0.12, "yes_no": 0.03}
"""Parts of a split."""
MOST, MOST_YES_NO = 0.003, 0.015
"""Largest part of a split with the same answer; with `yes`, and with `no`."""
ELSEWHERE = 0.25
"""Largest part of the questions of several hops whose answer other passages hold too."""

WEIGHTS = {
    "film director": 3.0,
    "film writer": 2.5,
    "film studio": 1.2,
    "film year": 1.0,
    "person film_by_director": 2.0,
    "person film_by_writer": 1.5,
    "country fact": 1.5,
    "prize winner": 0.5,
    "film director film": 3.0,
    "film writer film": 2.0,
    "film director film writer": 2.0,
    "film writer film director": 1.5,
    "film country fact": 1.5,
    "film year winner": 1.2,
    "country fact fact": 1.2,
    "film director film writer film": 2.0,
    "film writer film director film": 2.0,
    "film director film country fact": 1.5,
    "film year winner country fact": 1.2,
    "comparison year": 3.0,
    "comparison minutes": 1.5,
    "comparison peak": 0.6,
    "comparison number": 0.4,
    "yes_no director": 3.0,
}
"""How often a family is drawn within its group; others weigh `OTHER`."""
OTHER = 0.7


def candidates(world: World) -> Iterator[Candidate]:
    """Every question that could be asked."""
    for made in (single, bridge, three_hops, comparison, yes_no):
        yield from made(world)


def choose(
    found: Iterable[Candidate], facts: Facts, words: Words, sizes: dict[str, int] | None = None
) -> dict[str, list[Candidate]]:
    """Checked questions by split, in an order that says nothing."""
    pools: dict[tuple[str, str], dict[str, list[Candidate]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for candidate in found:
        pools[candidate.split, candidate.group][candidate.family].append(candidate)
    texts: set[str] = set()
    return {
        split: _split(split, size, pools, facts, words, texts)
        for split, size in (sizes or SIZES).items()
    }


def _split(
    split: str,
    size: int,
    pools: dict[tuple[str, str], dict[str, list[Candidate]]],
    facts: Facts,
    words: Words,
    texts: set[str],
) -> list[Candidate]:
    answers: Counter[str] = Counter()
    chosen: list[Candidate] = []
    for group, share in SHARES.items():
        wanted = round(share * size)
        elsewhere = round(wanted * ELSEWHERE) if group.startswith("bridge") else wanted
        for candidate in _mixed(pools[split, group]):
            if not wanted:
                break
            answer = candidate.answers[0].lower()
            most = MOST_YES_NO if group == "yes_no" else MOST
            if answers[answer] >= most * size or candidate.text in texts:
                continue
            only_there = only_in_gold(candidate, words)
            if (only_there or elsewhere) and not fault(candidate, facts, words):
                elsewhere -= not only_there
                answers[answer] += 1
                texts.add(candidate.text)
                chosen.append(candidate)
                wanted -= 1
    return sorted(chosen, key=lambda candidate: draw("order", candidate.id))


def _mixed(families: dict[str, list[Candidate]]) -> Iterator[Candidate]:
    """Candidates of all families, each as often as its weight says, while they last."""
    waiting = {
        name: sorted(pool, key=lambda c: draw("rank", c.id), reverse=True)
        for name, pool in families.items()
    }
    taken = dict.fromkeys(waiting, 0)
    while waiting:
        name = min(waiting, key=lambda n: ((taken[n] + 1) / WEIGHTS.get(n, OTHER), n))
        taken[name] += 1
        yield waiting[name].pop()
        if not waiting[name]:
            del waiting[name]
