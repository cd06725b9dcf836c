"""An agent of your own in plain Python: it learns which kind of fact answers which question.

After searching the question, answering is a bandit's choice among kinds of facts (the name nearest
to "directed", the first date, …). Their values are sums of weights of the question's words.
"""

from __future__ import annotations

import random
from collections import defaultdict

import gymnasium as gym

import igs_env  # noqa: F401 - registers the environments
from igs_env.wrappers import QueryTemplateAction

env = QueryTemplateAction(gym.make("IGSearchQA-SingleHop-v0", split="train", sampler="none"))
SEARCH = env.meanings.index("search question")
ANSWERS = [i for i, meaning in enumerate(env.meanings) if meaning.startswith("answer")]
weights: dict[tuple[str, int], float] = defaultdict(float)
chance, wins = random.Random(0), []

for episode in range(2000):
    prompt, _ = env.reset(seed=episode)
    words = set(prompt.strip().splitlines()[-1].lower().split())
    env.step(SEARCH)
    values = [sum(weights[word, answer] for word in words) for answer in ANSWERS]
    best = values.index(max(values))
    chosen = chance.randrange(len(ANSWERS)) if chance.random() < 0.1 else best
    _, reward, *_ = env.step(ANSWERS[chosen])
    for word in words:  # a step towards the reward, shared by the words
        weights[word, ANSWERS[chosen]] += 0.3 * (reward - values[chosen]) / len(words)
    wins.append(reward)

early, late = (sum(part) / len(part) for part in (wins[:300], wins[-300:]))
print(f"success {early:.2f} in the first 300 episodes, {late:.2f} in the last 300")
assert late > early + 0.2
