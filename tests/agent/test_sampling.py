"""Drawing tokens: u in [0, 1) against cumulated probabilities, by hand."""

from __future__ import annotations

import pytest
import torch

from igs_agent.generation import Sampling
from igs_agent.generation.sampling import draw_tokens, uniforms

LOGITS = torch.tensor([0.2, 0.5, 0.3]).log()


def drawn(sampling: Sampling, count: int = 1000) -> list[float]:
    """Share of each token over evenly spread u."""
    even = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    tokens = draw_tokens(LOGITS[None], even[None], sampling)  # one row that a thousand share
    return [float((tokens == token).double().mean()) for token in range(3)]


@pytest.mark.parametrize(
    ("options", "shares"),
    [
        ({}, [0.2, 0.5, 0.3]),
        ({"temperature": 0.0}, [0, 1, 0]),
        ({"temperature": 0.5}, [0.04 / 0.38, 0.25 / 0.38, 0.09 / 0.38]),
        ({"top_k": 2}, [0, 0.5 / 0.8, 0.3 / 0.8]),
        ({"top_k": 1}, [0, 1, 0]),
        ({"top_p": 0.6}, [0, 0.5 / 0.8, 0.3 / 0.8]),
        ({"top_p": 0.5}, [0, 1, 0]),
        ({"top_p": 0.9, "top_k": 2}, [0, 0.5 / 0.8, 0.3 / 0.8]),
    ],
)
def test_tokens_are_drawn_as_often_as_they_are_likely(
    options: dict[str, float], shares: list[float]
) -> None:
    assert drawn(Sampling(max_tokens=1, **options)) == pytest.approx(shares, abs=2e-3)  # type: ignore[arg-type]


@pytest.mark.parametrize("u", [0.0, 1 - 2**-53])
def test_the_ends_of_the_interval_draw_what_can_be_drawn(u: float) -> None:
    sampling = Sampling(max_tokens=1, top_k=2)
    ends = torch.tensor([[u]], dtype=torch.float64)
    assert draw_tokens(LOGITS[None], ends, sampling).item() in (1, 2)


def test_a_rows_numbers_follow_from_its_seed_and_turn_alone() -> None:
    assert uniforms(1, 0, 4).tolist() == uniforms(1, 0, 9)[:4].tolist()
    assert uniforms(1, 0, 4).tolist() != uniforms(1, 1, 4).tolist() != uniforms(2, 1, 4).tolist()
