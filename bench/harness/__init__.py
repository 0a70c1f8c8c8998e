# SPDX-License-Identifier: MIT
"""The parts of bench/run: building, running an engine, statistics, and the page."""
