"""Wrappers that let other kinds of agents use the environment. Each takes an environment."""

from igs_env.wrappers.embed_observation import EmbedObservation
from igs_env.wrappers.flat_info import FlatInfo
from igs_env.wrappers.information_gain_reward import InformationGainReward
from igs_env.wrappers.query_template_action import QueryTemplateAction
from igs_env.wrappers.record_episodes import RecordEpisodes
from igs_env.wrappers.transcript_observation import TranscriptObservation
from igs_env.wrappers.vector_embed_observation import VectorEmbedObservation
from igs_env.wrappers.vector_flat_info import VectorFlatInfo
from igs_env.wrappers.vector_information_gain_reward import VectorInformationGainReward
from igs_env.wrappers.vector_query_template_action import VectorQueryTemplateAction

__all__ = [
    "EmbedObservation",
    "FlatInfo",
    "InformationGainReward",
    "QueryTemplateAction",
    "RecordEpisodes",
    "TranscriptObservation",
    "VectorEmbedObservation",
    "VectorFlatInfo",
    "VectorInformationGainReward",
    "VectorQueryTemplateAction",
]
