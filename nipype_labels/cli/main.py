# SPDX-License-Identifier: BSD-3-Clause
"""Entry point of the command, and its exit status.

Other modules are imported late: help does without Nipype, and whatever fails on the way is reported.
"""

import atexit
import configparser
import gc
import os
import select
import shlex
import sys
import tempfile
import traceback
from contextlib import contextmanager, suppress

from ..model.errors import LabelsError
from . import USERS_ERRNO, RunError
from .resources import check_address_space, check_system
from .signals import end_on_signals

#: Exit status after an error of the user's, and after one of ours.
USER_ERROR, FAILURE = 2, 1


def main(argv=None):
    """Run the command; return its exit status: 0 only if everything was written, 2 after an error of the user.

    It is 130 after Ctrl-C, 143 after SIGTERM, and 1 after any other error.
    """
    if argv is None:
        end_on_signals()
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors='backslashreplace')  # file names and symbols beyond the terminal's encoding
    try:
        status = _run(argv)
        sys.stdout.flush()
        return status
    except Exception as e:
        return FAILURE if isinstance(e, BrokenPipeError) and _discard_unread() else _report(e)


def _run(argv):
    arguments = vars(build_parser().parse_args(argv))
    check_address_space()
    command = arguments.pop('command')
    if command in (_extract, _derivatives, _demo):
        # Reports show it.
        arguments['command_line'] = shlex.join(['nipype-labels', *(sys.argv[1:] if argv is None else argv)])
    return command(**arguments)


def _report(error):
    """Print an error in one line, with the file of its traceback if it is unexpected; return the exit status."""
    if isinstance(error, LabelsError):
        from .messages import in_options

        _say(f'error: {in_options(str(error))}')
        return USER_ERROR
    if getattr(error, 'errno', None) in USERS_ERRNO:
        _say(f'error: {error.strerror}: {error.filename}')
        return USER_ERROR
    settings = sys.modules.get('nipype.utils.config')
    if settings and 'nipype' not in sys.modules and isinstance(error, configparser.Error | ValueError):
        atexit.unregister(settings.free_display)  # would read the settings again
        reason = ' '.join(str(error).split())
        _say(f'error: nipype.cfg, here or in ~/.nipype, has invalid settings: {reason}. Correct or remove the file.')
        return USER_ERROR
    if isinstance(error, MemoryError):
        _say('failed: memory ran out. Pass a smaller --nprocs or provide more memory.')
    elif isinstance(error, OSError) or (isinstance(error, RunError) and not error.details):
        _say(f'failed: {error}')
    else:
        details = getattr(error, 'details', '') or ''.join(traceback.format_exception(error))
        reason = str(error) if isinstance(error, RunError) else f'{type(error).__name__}: {error}'
        _say(f'failed: {" ".join(reason.split())}. This is unexpected: please report it{_keep(details)}.')
    return FAILURE


def _keep(details):
    """Write a traceback to a temporary file; return the end of a sentence that names it, empty if impossible."""
    with suppress(OSError):
        handle, path = tempfile.mkstemp(prefix='nipype_labels-', suffix='.log')
        with os.fdopen(handle, 'w', encoding='utf-8', errors='backslashreplace') as stream:
            stream.write(details)
        return f', with {path}'
    return ''


def _discard_unread():
    """Whether nobody reads standard output, as after ``| head``; if so, discard what Python would write at its end."""
    output = select.poll()
    output.register(1, 0)
    closed = any(state & (select.POLLERR | select.POLLHUP) for _, state in output.poll(0))
    if closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return closed


def _say(message):
    with suppress(OSError):  # nobody reads a closed pipe
        print(f'nipype-labels: {message}', file=sys.stderr)


def build_parser():
    """Return the parser, with the function that each command calls."""
    from .parser import build_parser

    return build_parser(
        {
            'extract': _extract,
            'derivatives': _derivatives,
            'check': _check,
            'verify': _verify,
            'status': _status,
            'atlases': _atlases,
            'demo': _demo,
        }
    )


def _extract(**arguments):
    check_system()
    with _importing():
        from .extract import extract

    _require_atlas('extract', arguments)
    return extract(**arguments)


def _derivatives(level, out, **arguments):
    if level == 'group':
        from .group import collect
        from .parser import name_option

        ignored = [name for name in arguments if name not in ('dataset', 'qc_fc', 'command_line')]
        if ignored:
            options = ', '.join(map(name_option, ignored))
            raise LabelsError(f'{options} given, but the level group takes no options except --qc-fc')
        return collect(out, arguments.get('qc_fc', False))
    check_system()
    with _importing():
        from .derivatives import derivatives

    if 'qc_fc' in arguments:
        raise LabelsError('--qc-fc given, but it only acts at the level group')
    _require_atlas('derivatives', arguments)
    return derivatives(out=out, **arguments)


@contextmanager
def _importing():
    """Import modules without garbage collection, which would find nothing and takes a tenth of a short run."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # Modules stay, so later collections need not search them.
        gc.freeze()
        if enabled:
            gc.enable()


def _require_atlas(command, arguments):
    if not arguments.get('atlas'):
        raise LabelsError(f'{command} needs an --atlas or --seeds')


def _check(atlas, lut):
    from .check import check

    return check(atlas, lut)


def _verify(out):
    from .verify import verify

    return verify(out)


def _status(**arguments):
    from .status import report_status

    return report_status(**arguments)


def _atlases(**arguments):
    from .available import list_available

    return list_available(**arguments)


def _demo(**arguments):
    check_system()
    from .demo import demo

    return demo(**arguments)


if __name__ == '__main__':
    sys.exit(main())
