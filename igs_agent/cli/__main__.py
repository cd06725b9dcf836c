"""`python -m igs_agent.cli`: the same as `igs`, where scripts are not on the path."""

from __future__ import annotations

import sys

from igs_agent.cli import main

if __name__ == "__main__":
    sys.exit(main())
