"""Generators: what continues token sequences until an action is complete."""

from igs_agent.generation.contract import Completion, Generator, Request, Sampling

__all__ = ["Completion", "Generator", "Request", "Sampling"]
