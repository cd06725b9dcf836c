"""Supervised warm start: a policy learns an episode's form before it is trained by reward."""
