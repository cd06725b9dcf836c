"""The table of `benchmarks.quality.tianshou`."""


def table(rows, baselines):
    return ""
