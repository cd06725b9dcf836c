"""The December-2018 Wikipedia of Search-R1: 21 million passages of 100 words.

`wiki18:path=/data/wiki-18.jsonl.gz` reads a local copy; `wiki18` alone fetches the published file
(14 GB unpacked) from the hub first.
"""

from __future__ import annotations

from igs_env.datasets.corpus import Corpus, open_corpus
from igs_env.errors import DataError, missing_package

REPOSITORY = "PeterJinGo/wiki-18-corpus"
FILE = "wiki-18.jsonl.gz"


def corpus(*, path: str = "", repository: str = REPOSITORY, file: str = FILE) -> Corpus:
    """The passages, converted on first use.

    Args:
        path: local file in the `id, contents` shape; without it the hub is asked.
        repository: dataset repository on the Hugging Face hub.
        file: name of the corpus file in it.

    Raises:
        DataError: the file cannot be fetched or read.
        MissingPackageError: the hub is asked and `huggingface_hub` is not installed.
    """
    return open_corpus(path or _fetch(repository, file))


def _fetch(repository: str, file: str) -> str:
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise missing_package(
            "huggingface_hub", extra="data", purpose="fetching a corpus from a hub"
        ) from error
    try:
        return str(hf_hub_download(repository, file, repo_type="dataset"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"could not fetch {file} of {repository}: {error}; fetch it by other means and pass "
            "corpus='wiki18:path=FILE'"
        ) from error
