# SPDX-License-Identifier: BSD-3-Clause
"""Entry point of the command, and its exit status."""

import sys

from ..model.errors import LabelsError
from . import USERS_ERRNO, RunError, parser
from .messages import in_options

#: Exit status after an error of the user's, and after one of ours.
USER_ERROR, FAILURE = 2, 1


def main(argv=None):
    """Run the command; return 0 only if everything was written, 2 after an error of the user, 1 after any other."""
    arguments = vars(build_parser().parse_args(argv))
    run = arguments.pop('run')
    try:
        return run(**arguments)
    except LabelsError as e:
        print(f'nipype-labels: error: {in_options(str(e))}', file=sys.stderr)
        return USER_ERROR
    except (RunError, OSError) as e:
        if getattr(e, 'errno', None) in USERS_ERRNO:
            print(f'nipype-labels: error: {e.strerror}: {e.filename}', file=sys.stderr)
            return USER_ERROR
        print(f'nipype-labels: failed: {e}', file=sys.stderr)
        return FAILURE
    except KeyboardInterrupt:
        print('nipype-labels: interrupted; the same command goes on from here', file=sys.stderr)
        return FAILURE


def build_parser():
    """Return the parser, with the function that each command calls."""
    return parser.build_parser(
        {'extract': _extract, 'derivatives': _derivatives, 'check': _check, 'verify': _verify, 'demo': _demo}
    )


def _extract(**arguments):
    """Import late: help and usage errors do without Nipype."""
    from .extract import extract

    return extract(**arguments)


def _derivatives(level, out, **arguments):
    if level == 'group':
        from .group import collect

        ignored = [name for name in arguments if name != 'dataset']
        if ignored:
            raise LabelsError(
                f'{", ".join(map(parser.name_option, ignored))} given, but the level group takes no options'
            )
        return collect(out)
    from .derivatives import derivatives

    if not arguments.get('atlas'):
        raise LabelsError('derivatives needs an --atlas')
    return derivatives(out=out, **arguments)


def _check(atlas, lut):
    from .check import check

    return check(atlas, lut)


def _verify(out):
    from .verify import verify

    return verify(out)


def _demo(out):
    from .demo import demo

    return demo(out)


if __name__ == '__main__':
    sys.exit(main())
