"""`igs view`: the episodes of a run, token by token, in a browser."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from igs_agent.inspector import Inspector

LARGE = 40 << 20
"""Bytes of a page that a browser takes a while to open."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("run", type=Path, help="folder of a run, finished or going on")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write one self-contained page, serve nothing"
    )
    parser.add_argument("--follow", action="store_true", help="show new episodes as they come")
    parser.add_argument(
        "--port", type=int, default=8765, help="on 127.0.0.1 (default: 8765; 0: a free one)"
    )
    parser.add_argument(
        "--corpus",
        metavar="NAME",
        help="where documents are looked up: a name or file, or none (default: the run's own, if "
        "it is one of the embedded ones)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the page, or serve it until interrupted."""
    from igs_agent.inspector import open_inspector
    from igs_env.errors import ConfigurationError

    if args.output and args.follow:
        raise ConfigurationError("--follow needs a served page; leave --output out")
    inspector = open_inspector(args.run, args.corpus)
    if args.output:
        return _write(inspector, args.output)
    return _serve(inspector, args.port, args.follow)


def _write(inspector: Inspector, target: Path) -> int:
    from igs_agent.inspector import write_page

    size = write_page(inspector, target)
    _say(inspector)
    print(f"{len(inspector.episodes):,} episodes in {target}, {size / 1e6:.1f} MB")
    if size > LARGE:
        print("a page of this size opens slowly; igs view without --output serves it page by page")
    return 0


def _serve(inspector: Inspector, port: int, follow: bool) -> int:
    from igs_agent.inspector import InspectorServer

    with InspectorServer(inspector, port=port, follow=follow) as server:
        inspector.episodes.advance(0)  # an episode file that cannot be read is told at once
        _say(inspector)
        print(
            f"{server.address} shows the episodes of {inspector.folder.path}; Ctrl-C ends it",
            flush=True,
        )
        # Ctrl-C is how a server is meant to end.
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    return 0


def _say(inspector: Inspector) -> None:
    for problem in inspector.problems():
        print(f"note: {problem}")
