# SPDX-License-Identifier: BSD-3-Clause
"""The command ``nipype-labels``: reads arguments, runs graphs, prints, exits."""
