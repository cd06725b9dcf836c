"""`check_sampler`: whether a sampler of counterfactual documents keeps the contract."""

from __future__ import annotations

from collections.abc import Sequence

from igs_env.information_gain import FragmentSampler
from igs_env.testing.examples import example_episodes
from igs_env.types import Episode


def check_sampler(
    sampler: FragmentSampler, episodes: Sequence[Episode] | None = None, *, draws: int = 3
) -> None:
    """Hold a sampler against the rules of `FragmentSampler`.

    Args:
        sampler: yours.
        episodes: finished or not, of at least two questions, each with a search that found
            something. Default: `example_episodes()`.
        draws: asked for; one draw is asked for as well.

    Raises:
        AssertionError: the first rule that is broken, what was expected and what was got.
    """
    episodes = example_episodes() if episodes is None else episodes
    assert isinstance(sampler.name, str), f"name must be a str, got {sampler.name!r}"
    assert sampler.name, "name must not be empty: it is shown in info"
    assert len({e.question.id for e in episodes}) >= 2, "give episodes of two questions or more"
    places = [
        (episode, index)
        for episode in episodes
        for index, step in enumerate(episode.steps)
        if step.documents
    ]
    assert places, "give episodes with a search that found something"
    first = {}
    for episode, step in places:
        for count in sorted({1, draws}):
            drawn = sampler.sample(episode, step, draws=count, batch=episodes)
            _check_drawn(drawn, count, episode, step, episodes)
        first[episode.id, step] = drawn
    for episode, step in reversed(places):
        again = sampler.sample(episode, step, draws=draws, batch=list(episodes)[::-1])
        assert again == first[episode.id, step], (
            f"episode {episode.id}, step {step}: another draw when asked again in another order; "
            "draws must depend on (episode.seed, question id, step, draw) only"
        )


def _check_drawn(
    drawn: object, draws: int, episode: Episode, step: int, episodes: Sequence[Episode]
) -> None:
    """Few enough fragments, none of the same question, no document twice in one."""
    where = f"episode {episode.id}, step {step}, draws={draws}"
    assert isinstance(drawn, tuple), f"{where}: expected a tuple, got {type(drawn).__name__}"
    assert len(drawn) <= draws, f"{where}: expected at most {draws} draws, got {len(drawn)}"
    own = [e.id for e in episodes if e.question.id == episode.question.id]
    for fragment in drawn:
        source = fragment.origin[0] if fragment.origin else None
        assert source not in own, (
            f"{where}: drew from {source}, a rollout of the same question; that biases the "
            "gain towards 0"
        )
        ids = [document.id for document in fragment.documents]
        assert len(set(ids)) == len(ids), (
            f"{where}: drew the same document twice in one fragment: {', '.join(ids)}; draw "
            "without replacement"
        )
