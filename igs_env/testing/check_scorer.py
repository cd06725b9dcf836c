"""`check_scorer`: whether a scorer of your own keeps the contract."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from igs_env.contexts import ScoreRequest
from igs_env.information_gain import AnswerScorer
from igs_env.testing.examples import example_requests


def check_scorer(
    scorer: AnswerScorer,
    requests: Sequence[ScoreRequest] | None = None,
    *,
    tolerance: float = 1e-3,
) -> None:
    """Hold a scorer against the rules of `AnswerScorer`.

    Args:
        scorer: yours.
        requests: at least two that differ. Default: `example_requests()`.
        tolerance: nats; padded batches differ in the last digits.

    Raises:
        AssertionError: the first rule that is broken, what was expected and what was got.
    """
    requests = example_requests() if requests is None else requests
    assert len(requests) >= 2, "give at least two requests"
    assert isinstance(scorer.name, str), f"name must be a str, got {scorer.name!r}"
    assert scorer.name, "name must not be empty: it is shown in info"
    assert scorer.token_log_probs([]) == [], "no requests must give an empty list"
    together = scorer.token_log_probs(requests)
    assert len(together) == len(requests), (
        f"expected one array per request, {len(requests)}; got {len(together)}"
    )
    for index, row in enumerate(together):
        where = f"request {index} ({requests[index].target!r})"
        array = np.asarray(row)
        assert array.ndim == 1, f"{where}: expected shape (tokens,), got {array.shape}"
        assert array.size, f"{where}: expected a value per token of the target, got none"
        assert np.isfinite(array).all(), f"{where}: expected finite log-probabilities, got {array}"
        assert (array <= 1e-6).all(), f"{where}: a log-probability is above 0: {array}"
    backwards = scorer.token_log_probs(list(requests)[::-1])[::-1]
    for index, (request, row) in enumerate(zip(requests, together, strict=True)):
        (alone,) = scorer.token_log_probs([request])
        for other, words in ((alone, "alone"), (backwards[index], "in another order")):
            assert len(other) == len(row), f"request {index}: another number of tokens {words}"
            assert np.allclose(other, row, atol=tolerance), (
                f"request {index}: scored {words} it gives {other}, in the batch {row}; a row must "
                "not depend on what else is scored"
            )
