"""The questions that a configuration trains on and is evaluated on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from igs_agent.config import TrainConfig
from igs_agent.doctor.finding import Finding, missing, ok
from igs_env.datasets import load_questions
from igs_env.datasets.benchmarks import BENCHMARKS, HUB
from igs_env.datasets.questions import merged_parts
from igs_env.errors import IGSearchError


def check_questions(config: TrainConfig) -> Iterator[Finding]:
    """Whether both splits of every question set can be read without a connection."""
    source = config.env.get("questions", "atlas")
    if not isinstance(source, str):
        yield ok("questions", f"{len(source):,} given")
        return
    absent, found = [], []
    for part in merged_parts(source):
        if part in BENCHMARKS and not _cached(part):
            absent.append(part)
            continue
        try:
            counts = [len(load_questions(part, split=s)) for s in _splits(config)]
        except IGSearchError as error:
            yield missing("questions", str(error), f"mend env.questions, which is {source!r}")
            return
        found.append(f"{part}: {' / '.join(f'{count:,}' for count in counts)}")
    if absent:
        yield missing(
            "questions",
            f"{', '.join(absent)} not on this machine",
            _fetch(merged_parts(source)),
        )
    else:
        yield ok("questions", f"{'; '.join(found)} ({' / '.join(_splits(config))})")


def _fetch(names: Sequence[str]) -> str:
    patterns = " ".join(f'"{name}/*"' for name in names)
    places = "+".join(f"{name}:path=data/questions" for name in names)
    return (
        f"hf download --repo-type dataset {HUB} --include {patterns} --local-dir data/questions; "
        f"then env.questions={places}"
    )


def _splits(config: TrainConfig) -> tuple[str, str]:
    return str(config.env.get("split", "train")), config.evaluation.split


def _cached(name: str) -> bool:
    """Whether the `datasets` package has prepared a benchmark here before."""
    try:
        from datasets import config as settings
    except ImportError:
        return False
    owner = HUB.partition("/")[0]
    return any(settings.HF_DATASETS_CACHE.glob(f"{owner}___*/{name}/**/*.arrow"))
