from __future__ import annotations

import pickle
import string
import time

import pytest
from gymnasium.spaces import Text
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate
from gymnasium.vector.utils.shared_memory import create_shared_memory

from igs_env.spaces import MAX_LENGTH, UnicodeText


@pytest.mark.parametrize(
    "text", ["", " ", "\n\0", "é中🦖", "\ud800", "<search>a</search>", "a" * MAX_LENGTH]
)
def test_any_string_of_bounded_length_belongs(text: str) -> None:
    assert UnicodeText().contains(text)
    assert text in UnicodeText()


@pytest.mark.parametrize("value", [None, b"x", 1, ["x"], ("x",), "a" * (MAX_LENGTH + 1)])
def test_nothing_else_belongs(value: object) -> None:
    assert not UnicodeText().contains(value)


def test_samples_belong_and_follow_the_seed() -> None:
    def samples(seed: int) -> list[str]:
        space = UnicodeText(seed=seed)
        return [space.sample() for _ in range(50)]

    assert samples(0) == samples(0) != samples(1)
    assert all(text in UnicodeText() for text in samples(0))
    assert max(map(len, samples(0))) <= 64
    assert all(len(UnicodeText(3, seed=seed).sample()) <= 3 for seed in range(50))


def test_masks_are_refused() -> None:
    with pytest.raises(ValueError, match="neither mask nor probability"):
        UnicodeText().sample(mask=(1, None))


def test_spaces_are_equal_by_length_only() -> None:
    assert UnicodeText() == UnicodeText(seed=1)
    assert hash(UnicodeText()) == hash(UnicodeText())
    assert UnicodeText(5) != UnicodeText(6)
    assert UnicodeText(5) != Text(5)
    assert Text(5) != UnicodeText(5)
    assert repr(UnicodeText(5)) == "UnicodeText(5)"


def test_it_is_small_to_pickle_and_quick_to_batch() -> None:
    copied = pickle.loads(pickle.dumps(UnicodeText(seed=3)))
    assert copied == UnicodeText()
    assert copied.sample() == UnicodeText(seed=3).sample()
    assert len(pickle.dumps(UnicodeText())) < 10_000
    begun = time.perf_counter()
    batched = batch_space(UnicodeText(), 256)
    assert time.perf_counter() - begun < 5.0
    assert batched.contains(("é",) * 256)
    assert len({text for text in batched.sample() if len(text) > 8}) > 100


def test_gymnasiums_vector_functions_take_it() -> None:
    space = UnicodeText()
    texts = ("a\n", "é", "")
    assert concatenate(space, texts, create_empty_array(space, 3)) == texts
    assert list(iterate(batch_space(space, 3), texts)) == list(texts)


def test_jsonable_round_trip() -> None:
    texts = ["a\n", "é🦖", ""]
    assert UnicodeText().from_jsonable(UnicodeText().to_jsonable(texts)) == texts


def test_shared_memory_is_refused_with_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"vector_kwargs=\{'shared_memory': False\}"):
        create_shared_memory(UnicodeText(), n=2)
    # Gymnasium's own Text is not touched.
    assert create_shared_memory(Text(3, charset=string.printable), n=1) is not None
