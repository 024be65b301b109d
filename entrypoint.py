"""Starts the action: the program's folder goes first on the path, whatever the job's own PYTHONPATH says."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from ecr_action.__main__ import main

sys.exit(main())
