"""What a configuration lacks on this machine, and what it takes in memory and time."""

from igs_agent.doctor.diagnosis import Diagnosis, diagnose
from igs_agent.doctor.finding import Finding

__all__ = ["Diagnosis", "Finding", "diagnose"]
