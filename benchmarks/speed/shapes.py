"""What is timed: a random Llama of about 7M parameters, and rollouts of given lengths.

Weights and most tokens are random: speed depends on neither. Documents are texts of the embedded
world, since counterfactual ones are rendered and tokenised like any other.
"""

from __future__ import annotations

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from igs_agent.policy import Policy, load_policy, selected_log_probs
from igs_agent.trajectory import Provenance, Trajectory, Turn
from igs_env.datasets.corpus import open_corpus
from igs_env.prompt import render_documents
from igs_env.protocols import PROTOCOLS
from igs_env.types import Answer, Document, Episode, Question, Search, Step

PROMPT, OUTPUT, DOCUMENTS, TURNS = 200, 500, 450, 4
"""Tokens of a prompt, of a turn's output, of a documents block (about), and turns."""


def random_policy(vocabulary: int = 8192, *, context: int = 4096, width: int = 256) -> Policy:
    """Six layers, eight heads; `tiny`'s tokenizer, whose ids are a part of the vocabulary."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=5 * width // 2,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=8,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        eos_token_id=1,
        pad_token_id=0,
        bos_token_id=None,
        initializer_range=0.05,
    )
    model = LlamaForCausalLM(config).eval()
    where = "cuda" if torch.cuda.is_available() else "cpu"
    return Policy(model.to(where), load_policy("tiny", device="cpu").tokenizer, "plain", "random")


def block(policy: Policy, rng: np.random.Generator, length: int) -> tuple[Document, ...]:
    """Three documents whose block has about so many tokens."""
    corpus = open_corpus("atlas")
    words = " ".join(
        corpus[int(i)].text for i in rng.integers(len(corpus), size=length // 8)
    ).split()
    per_word = len(policy.encode(" ".join(words[:400]))) / 400
    size = int(length / per_word / 3) - 6
    return tuple(
        Document(id=str(n), title=f"Part {n}", text=" ".join(words[n * size : (n + 1) * size]))
        for n in range(3)
    )


def rollouts(
    policy: Policy,
    members: int,
    *,
    prompt: int = PROMPT,
    output: int = OUTPUT,
    documents: int = DOCUMENTS,
    turns: int = TURNS,
    seed: int = 0,
) -> list[Trajectory]:
    """A group: a shared prompt, then every member's own searches and, last, an answer."""
    rng = np.random.default_rng(seed)
    question = Question(id=f"q{seed}", text="Who?", answers=("Ann Miller of Lund",))
    begin = rng.integers(10, 4000, prompt)
    return [
        _rollout(policy, rng, question, begin, member, output, documents, turns)
        for member in range(members)
    ]


def _rollout(
    policy: Policy,
    rng: np.random.Generator,
    question: Question,
    prompt: np.ndarray,
    member: int,
    output: int,
    documents: int,
    turns: int,
) -> Trajectory:
    protocol = PROTOCOLS["plain"]
    ids, who, steps, spans = [prompt], [np.full(len(prompt), Provenance.PROMPT)], [], []
    for turn in range(turns):
        start = sum(map(len, ids))
        ids.append(rng.integers(10, 4000, output))
        who.append(np.full(output, Provenance.POLICY))
        last = turn == turns - 1
        found = () if last else block(policy, rng, documents)
        observation = "" if last else render_documents(protocol, found)
        seen = np.array(policy.encode(observation), dtype=np.int64)
        ids.append(seen)
        who.append(np.full(len(seen), Provenance.ENVIRONMENT))
        action = (
            Answer(text="Ann", span=(0, 3), end=3)
            if last
            else Search(query="Ann", span=(0, 3), end=3)
        )
        steps.append(
            Step(
                output="",
                action=action,
                observation=observation,
                documents=found,
                searched=not last,
            )
        )
        query = (start, start) if last else (start + 1, start + 5)
        spans.append(
            Turn(
                start=start,
                end=start + output,
                observation_end=start + output + len(seen),
                query=query,
                finish="action",
            )
        )
    group = f"0/0/{question.id}"
    episode = Episode(
        id=f"{group}/{member}",
        question=question,
        protocol=protocol,
        group_id=group,
        member=member,
        seed=0,
        prompt="",
        steps=tuple(steps),
        terminated=True,
    )
    tokens, provenance = np.concatenate(ids), np.concatenate(who).astype(np.int8)
    return Trajectory(
        episode=episode,
        token_ids=tokens,
        provenance=provenance,
        log_probs=np.zeros(len(tokens), dtype=np.float32),
        turns=tuple(spans),
        reward=float(member % 2),
    )


@torch.no_grad()
def sampled_log_probs(policy: Policy, ids: np.ndarray) -> np.ndarray:
    """What sampling this sequence would have recorded, at temperature 1."""
    tokens = torch.from_numpy(ids).to(policy.device)
    logits = policy.logits(policy.hidden_states(input_ids=tokens[None])[0, :-1])
    found = selected_log_probs(logits, tokens[1:], 1.0).cpu().numpy()
    return np.concatenate([np.zeros(1, dtype=np.float32), found])
