"""Questions and corpora: embedded worlds, the field's benchmarks, and files that people have."""

from igs_env.datasets.corpus import Corpus, open_corpus
from igs_env.datasets.questions import load_questions
from igs_env.datasets.registry import CORPORA, DATASETS

__all__ = ["CORPORA", "DATASETS", "Corpus", "load_questions", "open_corpus"]
