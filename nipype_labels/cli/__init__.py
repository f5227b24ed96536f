# SPDX-License-Identifier: BSD-3-Clause
"""The command ``nipype-labels``: reads arguments, runs graphs, prints, exits."""


class RunError(RuntimeError):
    """A run failed for a reason that is not the user's."""
