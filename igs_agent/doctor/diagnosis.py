"""Everything that a configuration needs, looked at before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from igs_agent.config import TrainConfig
from igs_agent.doctor.episode_size import EpisodeSize, episode_size
from igs_agent.doctor.finding import Finding
from igs_agent.doctor.index_part import E5, WIKI18
from igs_agent.doctor.machine_parts import check_disk, check_memory, checkpoint_bytes
from igs_agent.doctor.model_parts import check_model, check_tokenizer, shape_of
from igs_agent.doctor.model_shape import ModelShape
from igs_agent.doctor.question_parts import check_questions
from igs_agent.doctor.retrieval_parts import check_search
from igs_agent.doctor.search import search_of
from igs_env.datasets.cache import cache_folder
from igs_env.retrievers.index_size import index_bytes

CORPUS_BYTES = 14 * 10**9
"""Of wiki-18 unpacked; as much again for its converted form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found, and the sizes that an estimate is made from."""

    config: TrainConfig
    findings: tuple[Finding, ...]
    shape: ModelShape | None
    """None: the model is not there and its name says nothing."""
    size: EpisodeSize

    @property
    def missing(self) -> tuple[Finding, ...]:
        """What has to be mended before anything can start."""
        return tuple(finding for finding in self.findings if finding.state == "missing")


def diagnose(config: TrainConfig) -> Diagnosis:
    """Look at model, tokenizer, questions, search, disk and memory. Nothing is fetched or built.

    Besides this machine's files only the retrieval server is asked, twice.
    """
    shape, size = shape_of(config.policy), episode_size(config)
    return Diagnosis(
        config=config, findings=tuple(_findings(config, shape, size)), shape=shape, size=size
    )


def _findings(
    config: TrainConfig, shape: ModelShape | None, size: EpisodeSize
) -> Iterator[Finding]:
    model = list(check_model(config.policy, size))
    yield from model
    yield from check_tokenizer(config.policy)
    yield from check_questions(config)
    search = list(check_search(config))
    yield from search
    absent = {finding.part for finding in (*model, *search) if finding.state == "missing"}
    yield from check_disk(_needs(config, shape, absent))
    yield check_memory(config, shape, size)


def _needs(config: TrainConfig, shape: ModelShape | None, absent: set[str]) -> dict[Path, int]:
    """Place → bytes that will be written there, by the run and by fetching what is absent."""
    from huggingface_hub import constants

    needs: dict[Path, int] = {}
    if shape is not None:
        needs[Path(config.run)] = checkpoint_bytes(config, shape)
        if "model" in absent:
            needs[Path(constants.HF_HUB_CACHE)] = 2 * shape.parameters
    search = search_of(config)
    if search is not None and (search.corpus or "").startswith("wiki18"):
        if "corpus" in absent:
            needs[Path("data")] = CORPUS_BYTES
            needs[cache_folder()] = CORPUS_BYTES
        if "index" in absent and search.index is not None:
            needs[Path(search.index)] = index_bytes(search.factory, WIKI18, E5) or 0
    return needs
