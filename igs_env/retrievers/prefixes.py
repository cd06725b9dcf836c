"""What some encoders want in front of a query and of a passage."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefixes:
    """Texts put in front before encoding."""

    query: str = ""
    passage: str = ""


_E5 = Prefixes(query="query: ", passage="passage: ")
_BGE = Prefixes(query="Represent this sentence for searching relevant passages: ")


def default_prefixes(encoder: str) -> Prefixes:
    """The prefixes that an encoder's authors prescribe, by its name; none for other encoders.

    E5 (Wang et al. 2022, arXiv 2212.03533) and English BGE (Xiao et al. 2023, arXiv 2309.07597).

    >>> default_prefixes("intfloat/e5-base-v2").query, default_prefixes("minilm").query
    ('query: ', '')
    """
    name = encoder.rstrip("/").rpartition("/")[2].lower()
    if re.fullmatch(r"(multilingual-)?e5-(small|base|large)(-v\d+)?", name):
        return _E5
    if re.fullmatch(r"bge-(small|base|large)-en(-v[\d.]+)?", name):
        return _BGE
    return Prefixes()
