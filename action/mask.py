"""Hide the job's credentials in the log, before any other step of this action runs."""

from __future__ import annotations

import os

from masked_values import find_credentials
from workflow import render_masks

if __name__ == "__main__":
    for line in render_masks(find_credentials(os.environ)):
        print(line, flush=True)
