"""A retriever of your own: any object with `search`, held against the contract, then used."""

import gymnasium as gym

from igs_env.datasets import open_corpus
from igs_env.retrievers.check import check_retriever
from igs_env.types import Document


class TitleRetriever:
    """Documents whose title shares the most words with the query."""

    def __init__(self, corpus):
        self.corpus = corpus

    def search(self, queries, top_k):
        return [self.best(set(query.lower().split()), top_k) for query in queries]

    def best(self, words, top_k):
        scored = [(len(words & set(d.title.lower().split())), d) for d in self.corpus]
        found = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])[:top_k]
        return tuple(
            Document(id=d.id, title=d.title, text=d.text, score=float(n)) for n, d in found
        )


corpus = open_corpus("fiction:documents=2000,seed=0")
retriever = TitleRetriever(corpus)
check_retriever(retriever, corpus)

env = gym.make(
    "IGSearchQA-v0", questions="fiction:documents=2000,seed=0", corpus=corpus, retriever=retriever
)
question, info = env.reset(seed=0)
title = corpus[0].title
observation, reward, terminated, truncated, info = env.step(f"<search>{title}</search>")
print([document.title for document in info["documents"]])
