"""Starts the action: the program's folder goes first on the path, whatever the job's own PYTHONPATH says."""

import gc
import os
import sys

# A start makes half a million objects that stay: looking through them for garbage is a fifth of its time.
gc.set_threshold(100_000, 50, 50)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from ecr_action.__main__ import main  # noqa: E402

status = main()
# What is still there goes with the process, unlooked at.
gc.freeze()
sys.exit(status)
