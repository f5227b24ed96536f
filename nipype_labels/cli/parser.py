# SPDX-License-Identifier: BSD-3-Clause
"""The parser of the command. Options of parameters come from the registry; options that are not given are absent."""

import argparse
import re

from .. import __version__
from ..bids.surfaces import OF_PARTICIPANT
from ..core.choices import suggest
from ..files.paths import expand
from ..model.confounds import PRESETS
from ..model.parameters import CONFOUNDS_PARAMETERS, PARAMETERS, SPHERES
from .messages import in_options

#: Parameters that are options of ``extract`` and ``derivatives``, by the title of their group.
GROUPS = {
    'extraction': (
        *('strategy', *SPHERES, 'allow_overlap', 'smoothing_fwhm', 'background_label', 'resampling_target'),
        *('interpolation', 'unknown_orientation', 'dtype', 'nan_policy', 'zeros', 'weight', 'missing_labels'),
        'min_coverage',
    ),
    'confounds': CONFOUNDS_PARAMETERS,
    'denoising': (
        *('detrend', 'filter', 'low_pass', 'high_pass', 'standardize', 'standardize_confounds'),
        *('high_variance_confounds', 'fill_censored', 'censored_output', 'project', 'fill_value'),
    ),
    'connectivity': ('connectivity', 'covariance_estimator', 'fisher_z'),
}


#: Kinds of atlases, in help.
_IMAGE = 'label image, or probabilistic maps (4D image)'
_SEEDS = 'table of seeds: columns x, y, z in mm, and perhaps radius, name and index; again for each further table'

#: How atlases are named, in help.
_BY_NAME = 'the name of an atlas, as in Schaefer2018:400Parcels7Networks'


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
    parser = Parser('nipype-labels', description='Denoised region time series from fMRI series and atlases.')
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
    _add_processing(derivatives)
    check = subparsers.add_parser(
        'check',
        help='list the problems of an atlas and its look-up table',
        epilog='Exit status: 0 without a problem, also with notes; 1 with a problem; 2 if a file cannot be used.',
    )
    words = (
        f'{_IMAGE}; parcellation of surfaces (.dlabel.nii, of several maps FILE:MAPNAME; or .label.gii or .annot of '
        'one hemisphere, whose partner is found by its name); or table of seeds'
    )
    _add_path(check, 'atlas', 'ATLAS', words)
    lut = (
        'look-up table (default: the one in the header of the atlas, or next to its image; of surfaces, the label '
        'tables of the files)'
    )
    _add_path(check, 'lut', 'LUT', lut, nargs='?')
    verify = subparsers.add_parser(
        'verify',
        help='compare derivatives with what was written, and the parameters of all runs',
        epilog='Exit status: 0 without a problem; 1 with a problem; 2 if OUT is not a dataset of derivatives.',
    )
    _add_path(verify, 'out', 'OUT', 'dataset that derivatives has written')
    _add_status(subparsers, settings)
    atlases = subparsers.add_parser('atlases', help='list the atlases of TemplateFlow and other datasets', **settings)
    atlases.add_argument('space', nargs='?', metavar='SPACE', help='space of the atlases (default: all spaces)')
    _add_datasets(atlases)
    demo = subparsers.add_parser('demo', help='run extract on a real series and atlas from installed packages')
    demo.add_argument('-o', '--out', type=path, required=True, metavar='DIR', help='folder to write to')
    for name, subparser in subparsers.choices.items():
        subparser.set_defaults(command=commands[name])
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


def _add_path(group, name, metavar, words, *short, **settings):
    """Add an option or argument whose value is a path; ``short`` is another name of the option."""
    group.add_argument(*short, name, type=path, metavar=metavar, help=words, **settings)


def _add_label(group, name, words, **settings):
    """Add an option whose value is a BIDS label."""
    group.add_argument(name, metavar='LABEL', help=words, **settings)


def _describe_value(parameter):
    """Return how argparse reads the value of a parameter."""
    if parameter.choices and parameter.kind is str:
        return {'choices': parameter.choices}
    kinds = {'widths': float, 'count': _read_count, 'names': str}
    kind = _read_cut_off if parameter.name in ('low_pass', 'high_pass') else kinds.get(parameter.kind, parameter.kind)
    described = {'type': kind, 'metavar': parameter.metavar}
    return described | ({'nargs': '+'} if parameter.kind in ('names', 'widths') else {})


def _read_count(text):
    """Return a number, or the word all."""
    if text.lower() == 'all':
        return 'all'
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'must be a number of 1 or more, or all, not {text!r}')
    return int(text)


def _read_cut_off(text):
    """Return a frequency, or None for the word none, which switches off the filter of a preset."""
    if text.lower() == 'none':
        return None
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'must be a number, or none, not {text!r}') from None


def _add_parameters(parser):
    for title, names in GROUPS.items():
        group = parser.add_argument_group(title)
        if title == 'confounds':
            group.add_argument('--preset', metavar='NAME', help=_describe_presets().replace('%', '%%'))
        for name in names:
            add_option(group, name)


def _describe_presets():
    """Return the help of ``--preset``: the options that each preset sets."""
    listed = [
        f'{name}: {" ".join(_spell_option(*pair) for pair in preset.parameters.items())}'
        for name, preset in PRESETS.items()
    ]
    return (
        f'published denoising pipeline, in place of its options. {"; ".join(listed)}. Other options replace single '
        'values of a preset (default: none)'
    )


def _spell_option(name, value):
    """Return the option of a parameter with its value."""
    values = value if isinstance(value, list) else [] if value is True else [str(value)]
    return ' '.join([f'--{name.replace("_", "-")}', *values])


def _add_files(parser):
    group = parser.add_argument_group('input and output')
    _add_path(group, 'bold', 'BOLD', 'series, 4D or 3D')
    image = f'{_IMAGE}, or {_BY_NAME}; again for each further atlas'
    _add_path(group, '--atlas', 'IMAGE', image, action='append')
    _add_path(group, '--seeds', 'TABLE', _SEEDS, action='append', dest='atlas')
    _add_lut(group)
    _add_datasets(group)
    add_option(group, 'labels')
    _add_path(group, '--mask', 'IMAGE', 'brain mask; voxels outside are excluded (default: no mask)')
    _add_areas(group)
    _add_surface(group)
    _add_path(
        group,
        '--confounds',
        'TABLE',
        'confounds, a row per volume; used whole unless columns are selected, which a table of fMRIPrep requires '
        '(default: none)',
        nargs='+',
    )
    _add_path(group, '--sample-mask', 'FILE', 'volumes to retain, as flags or indices (default: all volumes)')
    _add_path(group, '--runs', 'FILE', 'run of each volume; each is denoised separately (default: one run)')
    _add_path(group, '--sidecar', 'JSON', 'JSON sidecar of the series (default: the one next to it)')
    add_option(group, 't_r', '--tr', '--t-r')
    add_option(group, 'cifti_outputs')
    group.add_argument('-o', '--out', type=path, required=True, metavar='DIR', help='folder to write to')


def _add_surface(group):
    words = (
        'surfaces (.surf.gii) on which the report shows a series of surfaces (default: midthickness or else inflated '
        'of the participant, next to the series or in anat; without them, coverage is shown by bars)'
    )
    _add_path(group, '--surface', ('LEFT', 'RIGHT'), words, nargs=2)


def _add_lut(group):
    words = 'look-up table of the --atlas before it (default: the one in its header, or next to its image)'
    _add_path(group, '--lut', 'TABLE', words, action=AtlasLut)


def _add_areas(group, more=''):
    words = f'surface (.surf.gii) or areas of vertices (.shape.gii) of either hemisphere, for --weight area{more}'
    _add_path(group, '--areas', 'FILE', f'{words} (default: none)')


def _add_datasets(group):
    words = 'folders with atlases in BIDS to search for names of atlases before TemplateFlow (default: none)'
    group.add_argument('--datasets', nargs='+', action='extend', metavar='NAME=PATH', help=words)


def _add_dataset(parser):
    group = parser.add_argument_group('input and output')
    _add_path(group, 'dataset', 'FMRIPREP_DIR', 'dataset of derivatives as fMRIPrep writes them')
    _add_path(group, 'out', 'OUT', 'dataset of derivatives to write')
    group.add_argument(
        'level',
        choices=('participant', 'group'),
        help='participant: region time series of each run; group: tables of all runs that are done',
    )
    group.add_argument(
        '--atlas',
        action='append',
        metavar='NAME=IMAGE',
        help=f'{_IMAGE}, in the space of the series, or {_BY_NAME}; again for each further atlas',
    )
    group.add_argument('--seeds', action='append', dest='atlas', metavar='NAME=TABLE', help=_SEEDS)
    _add_lut(group)
    _add_datasets(group)
    _add_selection(group)
    group.add_argument(
        '--no-mask',
        action='store_false',
        dest='use_mask',
        help='include voxels outside the brain mask, and vertices outside the mask of the cortex (default: exclude '
        'them)',
    )
    _add_areas(group, f'; {OF_PARTICIPANT}: that surface of each participant')
    group.add_argument(
        '--dummy-scans',
        type=int,
        metavar='N',
        help='non-steady-state (dummy) volumes to exclude at the beginning of each run (default: 0)',
    )
    _add_surface(group)
    add_option(group, 'digits')
    add_option(group, 'cifti_outputs')
    words = 'level group: also write the correlation of connectivity with motion (QC-FC) (default: off)'
    group.add_argument('--qc-fc', action='store_true', help=words)


def _add_status(subparsers, settings):
    status = subparsers.add_parser(
        'status',
        help='list the runs of a dataset that are complete, missing or failed, and what to submit again',
        epilog='Exit status: 0 if all runs are complete; 1 if not; 2 if a dataset cannot be used.',
        **settings,
    )
    group = status.add_argument_group('input', 'Pass the same options as to derivatives.')
    _add_path(group, 'dataset', 'FMRIPREP_DIR', 'dataset of derivatives as fMRIPrep writes them')
    _add_path(group, 'out', 'OUT', 'dataset that derivatives writes')
    _add_selection(group)


def _add_selection(group):
    """Add the options that choose the runs of a dataset, and the ``desc`` of their derivatives."""
    for name in ('participant-label', 'session-label', 'task', 'run'):
        _add_label(group, f'--{name}', f'{name.removesuffix("-label")}s to process (default: all)', nargs='+')
    words = "JSON file of fMRIPrep's form, whose section bold selects series by entities (default: none)"
    _add_path(group, '--bids-filter-file', 'FILE', words)
    space = 'space of atlases, as in MNI152NLin2009cAsym:res-2; func: native BOLD space (default: the only template)'
    _add_label(group, '--space', space, nargs='+')
    bold_desc = 'desc of the series to process, such as smoothAROMAnonaggr (default: preproc, or the only one)'
    _add_label(group, '--bold-desc', bold_desc)
    echo = 'single echoes to process, or all (default: series that combine the echoes)'
    _add_label(group, '--echo', echo, nargs='+')
    _add_label(group, '--desc', 'desc of the derivatives, to distinguish several sets of parameters (default: none)')


def _add_processing(parser):
    group = parser.add_argument_group('running')
    group.add_argument(
        '--dry-run',
        action='store_true',
        help='list all runs with their files, problems, and estimated time, memory and disk space, and run nothing '
        '(default: off)',
    )
    _add_path(group, '--tsv', 'FILE', 'with --dry-run: table to write with a row for each run (default: none)')
    group.add_argument(
        '--no-reports', action='store_false', dest='reports', help='do not write HTML reports (default: off)'
    )
    group.add_argument(
        '--mem-gb',
        type=float,
        metavar='GB',
        help='memory in GB that runs processed at the same time may use (default: 90 %% of that of the machine, its '
        'container or its SLURM job; other plugins than MultiProc decide themselves)',
    )
    group.add_argument(
        '--stop-on-first-crash', action='store_true', help='start no further run after one has failed (default: off)'
    )
    _add_running(group, 'none: each run is completed by one process')


def _add_running(group, plugin):
    _add_path(group, '--work-dir', 'DIR', 'folder for results of nodes (default: OUT/work)', '-w')
    group.add_argument(
        '--clean-work',
        action='store_true',
        help='remove the results of the nodes of a run when its outputs are written and verified (default: keep them)',
    )
    group.add_argument('--nprocs', type=int, metavar='N', help='processors to use (default: 1)')
    group.add_argument(
        '--plugin', metavar='NAME', help=f'plugin of Nipype: Linear, MultiProc, SLURM, … (default: {plugin})'
    )
    group.add_argument(
        '--plugin-args-file', type=path, metavar='FILE', help='JSON object of arguments for the plugin (default: none)'
    )
    words = "show Nipype's log of each node; twice: also its debugging messages (default: off)"
    group.add_argument('-v', '--verbose', action='count', help=words)
