# SPDX-License-Identifier: BSD-3-Clause
"""The command in a process of its own, without the script that an installation makes."""

import sys

#: Program and arguments before those of the user.
PROGRAM = (sys.executable, '-m', 'nipype_labels.cli.main')
