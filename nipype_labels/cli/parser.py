# SPDX-License-Identifier: BSD-3-Clause
"""The parser of the command. Options of parameters come from the registry; options that are not given are absent."""

import argparse
import re

from .. import __version__
from ..core.choices import suggest
from ..files.paths import expand
from ..model.parameters import CONFOUNDS_PARAMETERS, PARAMETERS
from .messages import in_options

#: Parameters that are options of ``extract`` and ``derivatives``, by the title of their group.
GROUPS = {
    'extraction': (
        *('strategy', 'smoothing_fwhm', 'background_label', 'resampling_target', 'interpolation'),
        *('unknown_orientation', 'dtype', 'nan_policy', 'missing_labels', 'min_coverage'),
    ),
    'confounds': CONFOUNDS_PARAMETERS,
    'denoising': (
        *('detrend', 'filter', 'low_pass', 'high_pass', 'standardize', 'standardize_confounds'),
        *('high_variance_confounds', 'fill_censored', 'censored_output', 'project', 'fill_value'),
    ),
    'connectivity': ('connectivity', 'covariance_estimator', 'fisher_z'),
}


def path(text):
    """Return a path with a leading ``~`` expanded; shells leave it as it is in ``--out=~/x``."""
    return str(expand(text)) if text.startswith('~') else text


class Parser(argparse.ArgumentParser):
    """A parser that suggests the choice that a misspelt one resembles."""

    def error(self, message):
        """Print usage and the error, with a suggestion if there is one, and exit."""
        found = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if found:
            message += suggest(found[1], [choice.strip().strip("'") for choice in found[2].split(',')])
        super().error(message)


class AtlasLut(argparse.Action):
    """Assign a look-up table to the atlas named before it."""

    def __call__(self, parser, namespace, value, option=None):
        """Store the table at the place of its atlas."""
        atlases = getattr(namespace, 'atlas', [])
        luts = getattr(namespace, 'lut', [])
        if len(luts) >= len(atlases):
            parser.error('--lut must follow the --atlas that it belongs to, one for each')
        namespace.lut = luts + [None] * (len(atlases) - 1 - len(luts)) + [value]


def build_parser(commands):
    """Return the parser; ``commands`` are the functions to call, by name of command."""
    parser = Parser('nipype-labels', description='Denoised region time series from fMRI series and label atlases.')
    parser.add_argument('--version', action='version', version=f'%(prog)s {__version__}')
    subparsers = parser.add_subparsers(required=True, metavar='COMMAND')
    settings = {'argument_default': argparse.SUPPRESS, 'allow_abbrev': False}
    extract = subparsers.add_parser(
        'extract', help='extract, denoise and write the region time series of one series', **settings
    )
    _add_files(extract)
    _add_parameters(extract)
    group = extract.add_argument_group('running')
    add_option(group, 'reports')
    _add_running(group, 'Linear')
    derivatives = subparsers.add_parser(
        'derivatives', help='the same for all runs of an fMRIPrep dataset, written as BIDS derivatives', **settings
    )
    _add_dataset(derivatives)
    _add_parameters(derivatives)
    group = derivatives.add_argument_group('running')
    group.add_argument(
        '--dry-run', action='store_true', help='list runs, memory and disk space, and run nothing (default: off)'
    )
    group.add_argument(
        '--no-reports', action='store_false', dest='reports', help='do not write HTML reports (default: off)'
    )
    group.add_argument(
        '--mem-gb',
        type=float,
        metavar='GB',
        help='memory in GB that all nodes may use together (default: 90 %% of the memory, or as the plugin decides)',
    )
    _add_running(group, 'Linear for one processor, MultiProc for more')
    check = subparsers.add_parser(
        'check',
        help='list the problems of an atlas and its look-up table',
        epilog='Exit status: 0 without a problem, also with notes; 1 with a problem; 2 if a file cannot be used.',
    )
    check.add_argument('atlas', type=path, metavar='ATLAS', help='label image')
    check.add_argument(
        'lut',
        type=path,
        metavar='LUT',
        nargs='?',
        help='look-up table (default: the one in the header of the atlas, or next to its image)',
    )
    verify = subparsers.add_parser(
        'verify',
        help='compare derivatives with what was written, and the parameters of all runs',
        epilog='Exit status: 0 without a problem; 1 with a problem; 2 if OUT is not a dataset of derivatives.',
    )
    verify.add_argument('out', metavar='OUT', help='dataset that derivatives has written')
    demo = subparsers.add_parser('demo', help='run extract on a real series and atlas from installed packages')
    demo.add_argument('-o', '--out', type=path, required=True, metavar='DIR', help='folder to write to')
    for name, subparser in subparsers.choices.items():
        subparser.set_defaults(run=commands[name])
    return parser


def add_option(group, name, *names, **given):
    """Add the option of a parameter, as the registry describes it; ``names`` replace the name that follows from it."""
    parameter = PARAMETERS[name]
    switch = parameter.kind is bool
    names = names or (f'--{"no-" if parameter.default is True else ""}{name.replace("_", "-")}',)
    words = in_options(f'do not {parameter.help}' if parameter.default is True else parameter.help)
    given |= {'action': f'store_{not parameter.default}'.lower()} if switch else _describe_value(parameter)
    words += f' (default: {"off" if switch else parameter.default_text})'
    group.add_argument(*names, dest=name, help=words.replace('%', '%%'), **given)


def name_option(name):
    """Return the option of ``derivatives`` by which an argument was given.

    >>> name_option('use_mask'), name_option('high_pass')
    ('--no-mask', '--high-pass')
    """
    switched_off = name in ('reports', 'use_mask') or (name in PARAMETERS and PARAMETERS[name].default is True)
    return f'--{"no-" if switched_off else ""}{name.removeprefix("use_").replace("_", "-")}'


def _describe_value(parameter):
    """Return how argparse reads the value of a parameter."""
    if parameter.choices and parameter.kind is str:
        return {'choices': parameter.choices}
    kinds = {'widths': float, 'count': _read_count, 'names': str}
    described = {'type': kinds.get(parameter.kind, parameter.kind), 'metavar': parameter.metavar}
    return described | ({'nargs': '+'} if parameter.kind in ('names', 'widths') else {})


def _read_count(text):
    """Return a number, or the word all."""
    if text.lower() == 'all':
        return 'all'
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'must be a number of 1 or more, or all, not {text!r}')
    return int(text)


def _add_parameters(parser):
    for title, names in GROUPS.items():
        group = parser.add_argument_group(title)
        for name in names:
            add_option(group, name)


def _add_files(parser):
    group = parser.add_argument_group('input and output')
    group.add_argument('bold', type=path, metavar='BOLD', help='series, 4D or 3D')
    group.add_argument(
        '--atlas',
        type=path,
        action='append',
        required=True,
        metavar='IMAGE',
        help='label image; again for each further atlas',
    )
    _add_lut(group)
    add_option(group, 'labels')
    group.add_argument(
        '--mask', type=path, metavar='IMAGE', help='brain mask; voxels outside are excluded (default: no mask)'
    )
    group.add_argument(
        '--confounds',
        type=path,
        nargs='+',
        metavar='TABLE',
        help='confounds, a row per volume; used whole unless columns are selected, which a table of fMRIPrep requires '
        '(default: none)',
    )
    group.add_argument(
        '--sample-mask', type=path, metavar='FILE', help='volumes to retain, as flags or indices (default: all volumes)'
    )
    group.add_argument(
        '--runs', type=path, metavar='FILE', help='run of each volume; each is denoised separately (default: one run)'
    )
    group.add_argument(
        '--sidecar', type=path, metavar='JSON', help='JSON sidecar of the series (default: the one next to it)'
    )
    add_option(group, 't_r', '--tr', '--t-r')
    group.add_argument('-o', '--out', type=path, required=True, metavar='DIR', help='folder to write to')


def _add_lut(group):
    group.add_argument(
        '--lut',
        action=AtlasLut,
        type=path,
        metavar='TABLE',
        help='look-up table of the --atlas before it (default: the one in its header, or next to its image)',
    )


def _add_dataset(parser):
    group = parser.add_argument_group('input and output')
    group.add_argument(
        'dataset', type=path, metavar='FMRIPREP_DIR', help='dataset of derivatives as fMRIPrep writes them'
    )
    group.add_argument('out', type=path, metavar='OUT', help='dataset of derivatives to write')
    group.add_argument(
        'level',
        choices=('participant', 'group'),
        help='participant: region time series of each run; group: tables of all runs that are done',
    )
    group.add_argument(
        '--atlas',
        action='append',
        metavar='NAME=IMAGE',
        help='label image, in the space of the series; again for each further atlas',
    )
    _add_lut(group)
    for name, noun in {'participant-label': 'participants', 'session-label': 'sessions', 'task': 'tasks'}.items():
        group.add_argument(f'--{name}', nargs='+', metavar='LABEL', help=f'{noun} to process (default: all)')
    group.add_argument(
        '--space',
        nargs='+',
        metavar='LABEL',
        help='space of the atlases, as in MNI152NLin2009cAsym:res-2; func: native BOLD space (default: the only one)',
    )
    group.add_argument(
        '--bold-desc',
        metavar='LABEL',
        help='desc of the series to process, such as smoothAROMAnonaggr (default: preproc, or the only one)',
    )
    group.add_argument(
        '--echo',
        nargs='+',
        metavar='LABEL',
        help='single echoes to process, or all (default: series that combine the echoes)',
    )
    group.add_argument(
        '--desc',
        metavar='LABEL',
        help='desc of the derivatives, to distinguish several sets of parameters (default: none)',
    )
    group.add_argument(
        '--no-mask',
        action='store_false',
        dest='use_mask',
        help='include voxels outside the brain mask (default: exclude them)',
    )
    group.add_argument(
        '--dummy-scans',
        type=int,
        metavar='N',
        help='non-steady-state (dummy) volumes to exclude at the beginning of each run (default: 0)',
    )


def _add_running(group, plugin):
    group.add_argument('--work-dir', type=path, metavar='DIR', help='folder for results of nodes (default: OUT/work)')
    group.add_argument('--nprocs', type=int, metavar='N', help='processors to use (default: 1)')
    group.add_argument(
        '--plugin', metavar='NAME', help=f"Nipype's plugin: Linear, MultiProc, SLURM, … (default: {plugin})"
    )
    group.add_argument(
        '--plugin-args-file', type=path, metavar='FILE', help='JSON object of arguments for the plugin (default: none)'
    )
    group.add_argument('--verbose', action='store_true', help="show Nipype's own log (default: off)")
