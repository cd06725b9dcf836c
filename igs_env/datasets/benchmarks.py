"""The field's seven question sets, in FlashRAG's form, from a local copy or from the hub.

`nq` alone loads through the `datasets` package; `nq:path=/data/nq/test.jsonl` reads a file,
`nq:path=/data/nq` the file of the wanted split in a folder. The number of questions is checked,
so that a score is never published on a truncated or another set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from igs_env.datasets.question_row import question_from_row
from igs_env.datasets.questions import read_questions
from igs_env.datasets.rows import Row
from igs_env.errors import DataError, missing_package, unknown_name
from igs_env.types import Question

HUB = "RUC-NLPIR/FlashRAG_datasets"
"""Dataset repository on the Hugging Face hub (Jin et al. 2024, arXiv 2405.13576)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A published question set and the part of it on which scores are reported."""

    name: str
    """Also the configuration's and the folder's name on the hub."""
    splits: tuple[str, ...]
    """Splits that have answers; the last is the one for evaluation."""
    size: int
    """Number of questions in the split for evaluation."""


BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark(name="nq", splits=("train", "dev", "test"), size=3_610),
        Benchmark(name="triviaqa", splits=("train", "dev", "test"), size=11_313),
        Benchmark(name="popqa", splits=("test",), size=14_267),
        Benchmark(name="hotpotqa", splits=("train", "dev"), size=7_405),
        Benchmark(name="2wikimultihopqa", splits=("train", "dev"), size=12_576),
        Benchmark(name="musique", splits=("train", "dev"), size=2_417),
        Benchmark(name="bamboogle", splits=("test",), size=125),
    )
}
"""Splits and sizes of the field: test where its answers are public, else dev."""


def load_benchmark(
    name: str, *, split: str = "", path: str = "", size: int = 0, hub: str = HUB
) -> tuple[Question, ...]:
    """All questions of one split of a benchmark.

    Args:
        name: key of `BENCHMARKS`.
        split: one of the benchmark's; the one for evaluation by default.
        path: a file; a folder with `test.jsonl` or such; or a folder of folders, `nq/test.jsonl`.
            Without it the hub is asked.
        size: how many questions to expect where it is not the whole split for evaluation.
        hub: dataset repository, or a local copy of one, for the `datasets` package.

    Raises:
        ConfigurationError: a split that the benchmark does not have.
        DataError: not found, malformed, or another number of questions than expected.
        MissingPackageError: the hub is asked and `datasets` is not installed.
    """
    benchmark = BENCHMARKS[name]
    split = split or benchmark.splits[-1]
    if split not in benchmark.splits:
        raise unknown_name(f"split of {name}", split, benchmark.splits)
    if path:
        place = _split_file(benchmark, Path(path).expanduser(), split)
        questions = tuple(read_questions(place))
    else:
        questions = tuple(_from_hub(benchmark, split, hub))
    evaluation = benchmark.size if split == benchmark.splits[-1] else 0
    _check_size(name, split, len(questions), size or evaluation)
    return questions


nq = partial(load_benchmark, "nq")
triviaqa = partial(load_benchmark, "triviaqa")
popqa = partial(load_benchmark, "popqa")
hotpotqa = partial(load_benchmark, "hotpotqa")
two_wiki_multihop_qa = partial(load_benchmark, "2wikimultihopqa")
musique = partial(load_benchmark, "musique")
bamboogle = partial(load_benchmark, "bamboogle")


def _split_file(benchmark: Benchmark, path: Path, split: str) -> Path:
    if not path.is_dir():
        return path
    tried = [
        folder / f"{split}{suffix}"
        for folder in (path, path / benchmark.name)
        for suffix in (".jsonl", ".jsonl.gz", ".parquet")
    ]
    for place in tried:
        if place.is_file():
            return place
    raise DataError(
        f"questions folder {path} has no {split} split of {benchmark.name}; "
        f"looked for {', '.join(str(place.relative_to(path)) for place in tried)}"
    )


def _from_hub(benchmark: Benchmark, split: str, hub: str) -> Iterator[Question]:
    for number, row in enumerate(_hub_rows(benchmark, split, hub), 1):
        try:
            yield question_from_row(row)
        except ValueError as error:
            raise DataError(f"{hub}, {benchmark.name} {split}, row {number}: {error}") from error


def _hub_rows(benchmark: Benchmark, split: str, hub: str) -> Iterator[Row]:
    try:
        import datasets
    except ImportError as error:
        raise missing_package(
            "datasets", extra="data", purpose=f"loading {benchmark.name} from a hub"
        ) from error
    try:
        loaded: Any = datasets.load_dataset(hub, benchmark.name, split=split)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"could not load {benchmark.name} ({split}) from {hub}: {error}; without a connection "
            f"fetch {benchmark.name}/{split}.jsonl of that repository by other means and pass "
            f"questions='{benchmark.name}:path=FOLDER'"
        ) from error
    yield from loaded


def _check_size(name: str, split: str, got: int, expected: int) -> None:
    if expected and got != expected:
        raise DataError(
            f"{name} ({split}) has {got:,} questions, not {expected:,}: the copy is truncated or "
            f"another set; fetch it again, say size={got} if that is what you want, or pass the "
            "file itself as questions"
        )
