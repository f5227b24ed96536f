# SPDX-License-Identifier: BSD-3-Clause
"""The validator of BIDS, with the schema that it brings."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NAME = 'bids-validator-deno'


def validate(folder, severity='error'):
    """What the validator finds of a severity; pairs of code and file."""
    environment = str(Path(sys.executable).parent)
    validator = shutil.which(NAME, path=environment) or shutil.which(NAME)
    if validator is None:
        pytest.skip(f'{NAME} is not installed')
    done = subprocess.run(
        [validator, str(folder), '--format', 'json'],
        env=os.environ | {'DENO_DIR': str(folder.parent / 'deno')},
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = json.loads(done.stdout)
    assert said['summary']['totalFiles'] > 0
    issues = [issue for issue in said['issues']['issues'] if issue['severity'] == severity]
    return {(issue['code'], issue['location'].lstrip('/')) for issue in issues}
