# SPDX-License-Identifier: MIT
"""Medians, paired ratios and their intervals.

Engines run in turn, so the i-th run of one is paired with the i-th of the
other: what disturbs the host for a while disturbs both. Ratios are averaged as
logarithms, with Student's t for the 95% interval.
"""

import math
import statistics

# Two-sided 95% quantiles of Student's t for 1 to 30 degrees of freedom.
T95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
       2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048,
       2.045, 2.042]


def interval(logs):
    """(mean, low, high) of ratios given by their logarithms; low and high are None for fewer than two."""
    mean = statistics.fmean(logs)
    if len(logs) < 2:
        return math.exp(mean), None, None
    t = T95[len(logs) - 2] if len(logs) - 2 < len(T95) else 1.96
    half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def compare(pairs, field="ns"):
    """pairs: list of (ours, rival) dicts of one program. Above 1 means that ours took less time."""
    logs = [math.log(rival[field] / ours[field]) for ours, rival in pairs if ours[field] and rival[field]]
    if not logs:
        return None
    mean, low, high = interval(logs)
    return {"ratio": mean, "low": low, "high": high, "logs": logs}


def geometric_mean(comparisons):
    """Of several programs' comparisons: the mean of each round is one observation."""
    rounds = min(len(c["logs"]) for c in comparisons)
    logs = [statistics.fmean(c["logs"][i] for c in comparisons) for i in range(rounds)]
    mean, low, high = interval(logs)
    return {"ratio": mean, "low": low, "high": high, "logs": logs, "count": len(comparisons)}
