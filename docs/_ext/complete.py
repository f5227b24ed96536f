# SPDX-License-Identifier: BSD-3-Clause
"""Warn of what should have a reference and has none: interfaces, factories, commands."""

from command_reference import documented_commands, read_commands
from sphinx.util import logging

from nipype_labels import interfaces, workflows

logger = logging.getLogger(__name__)


def check(app, env):
    """Compare what there is with what pages describe."""
    domain = env.get_domain('py')
    wanted = [f'{room.__name__}.{name}' for room in (interfaces, workflows) for name in room.__all__]
    lacking = set(wanted) - domain.objects.keys()
    lacking |= {f'nipype-labels {name}' for name in read_commands().keys() - documented_commands(env)}
    for name in sorted(lacking):
        logger.warning('%s has no reference in docs/', name)


def setup(app):
    """Check when all pages are read."""
    app.connect('env-check-consistency', check)
    return {'parallel_read_safe': False}
