"""What holds for every test."""

from __future__ import annotations

import signal

# A shell starts what it runs in the background with Ctrl-C ignored, and so would every process
# that a test starts and interrupts: `nohup make test &` waited for one of them for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
