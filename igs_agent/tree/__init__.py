"""One plan for everything that a group's tokens go through the model for.

Rollouts of a group share their prompt and whatever they write alike, the contexts that a gain is
scored in share their trajectory: both are trees of token spans. `TokenTree` says who sees whom,
`tree_hidden_states` sends a tree through a model once, and each token pays once.
"""

from igs_agent.tree.forward import new_hidden_states, shares_prefixes, tree_hidden_states
from igs_agent.tree.known import Read, known_tokens
from igs_agent.tree.token_tree import TokenTree, distinct_predictions

__all__ = [
    "Read",
    "TokenTree",
    "distinct_predictions",
    "known_tokens",
    "new_hidden_states",
    "shares_prefixes",
    "tree_hidden_states",
]
