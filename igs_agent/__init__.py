"""Token-level GRPO with information-gain modulation for search agents, and what it needs."""
