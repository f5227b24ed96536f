# SPDX-License-Identifier: BSD-3-Clause
"""Arguments of the command, and its exit status."""

import argparse
import sys

from .. import __version__
from ..core.clean import CENSORED, CONFOUNDS_NA, STANDARDIZE
from ..core.connectivity import CONNECTIVITIES, COVARIANCE_ESTIMATORS
from ..core.errors import LabelsError
from ..core.filters import FILTERS
from ..core.gaps import FILLS
from ..core.grid import UNKNOWN_ORIENTATION
from ..core.project import PROJECTIONS
from ..core.reduce import NAN_POLICIES
from ..core.regions import MISSING_LABELS
from ..core.resample import INTERPOLATIONS, RESAMPLING_TARGETS
from ..core.scaling import DTYPES
from ..core.strategies import STRATEGIES
from ..files.confound_strategies import CONFOUNDS_STRATEGIES
from ..model.parameters import PRESETS
from . import USERS_ERRNO, RunError
from .parsing import AtlasLut, Parser, expand_home

#: Exit status after an error of the user's, and after one of ours.
USER_ERROR, FAILURE = 2, 1


def main(argv=None):
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; the process's own by default.

    Returns
    -------
    int
        0 only if everything was written, 2 after an error that the user can mend, 1 after any other.
    """
    arguments = {name: expand_home(name, value) for name, value in vars(build_parser().parse_args(argv)).items()}
    run = arguments.pop('run')
    try:
        return run(**arguments)
    except LabelsError as e:
        from .words import in_options

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
    """Parser of all commands. Options that are not given are left out: their defaults are the factory's."""
    parser = Parser('nipype-labels', description='Region signals from 4D fMRI and label atlases.')
    parser.add_argument('--version', action='version', version=f'%(prog)s {__version__}')
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    extract = commands.add_parser(
        'extract',
        help='extract, clean and write the region signals of one series',
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    _add_inputs(extract)
    _add_extraction(extract)
    _add_confounds(extract)
    _add_cleaning(extract)
    _add_connectivity(extract)
    _add_running(extract)
    extract.set_defaults(run=_extract)
    data_set = commands.add_parser(
        'derivatives',
        help='the same for all runs that fMRIPrep has prepared, written as BIDS derivatives',
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    _add_data_set(data_set)
    _add_extraction(data_set)
    _add_confounds(data_set)
    _add_cleaning(data_set)
    _add_connectivity(data_set)
    _add_processing(data_set)
    data_set.set_defaults(run=_derivatives)
    check = commands.add_parser(
        'check',
        help='report problems of an atlas and its look-up table',
        epilog='Exit status: 0 if there is no problem, also with notes; 1 with a problem; 2 if a file cannot be read.',
    )
    check.add_argument('atlas', metavar='ATLAS', help='label image')
    check.add_argument(
        'lut',
        metavar='LUT',
        nargs='?',
        help='look-up table; by default the one in the header of the atlas, or next to its image',
    )
    check.set_defaults(run=_check)
    demo = commands.add_parser('demo', help='run the main job on a real series and atlas from installed packages')
    demo.add_argument('-o', '--out', required=True, metavar='DIR', help='where to write')
    demo.set_defaults(run=_demo)
    return parser


def _add_inputs(parser):
    group = parser.add_argument_group('what goes in and out')
    group.add_argument('bold', metavar='BOLD', help='series, 4D or 3D')
    group.add_argument(
        '--atlas', action='append', required=True, metavar='IMAGE', help='label image; again for each further atlas'
    )
    _add_lut(group)
    group.add_argument('--labels', nargs='+', metavar='NAME', help='names of the regions, in the order of their ids')
    group.add_argument('--mask', metavar='IMAGE', help='count only voxels in this mask')
    group.add_argument(
        '--confounds',
        nargs='+',
        metavar='TABLE',
        help='confounds, a row per volume; used whole unless columns are selected, as a table of fMRIPrep demands',
    )
    group.add_argument('--sample-mask', metavar='FILE', help='volumes to keep: flags or indices')
    group.add_argument('--runs', metavar='FILE', help='run of each volume; each is cleaned for itself')
    group.add_argument('--sidecar', metavar='JSON', help="the series' sidecar; the one beside it by default")
    group.add_argument('--t-r', type=float, metavar='S', help="repetition time; the sidecar's or header's by default")
    group.add_argument('-o', '--out', required=True, metavar='DIR', help='where to write')


def _add_lut(group):
    group.add_argument(
        '--lut',
        action=AtlasLut,
        metavar='TABLE',
        help='look-up table of the --atlas before it; by default the one in its header, or next to its image',
    )


def _add_data_set(parser):
    group = parser.add_argument_group('what goes in and out')
    group.add_argument('dataset', metavar='FMRIPREP_DIR', help='dataset of derivatives as fMRIPrep writes them')
    group.add_argument('out', metavar='OUT', help='dataset of derivatives to write')
    group.add_argument(
        'level',
        choices=('participant', 'group'),
        help='participant: region time series of each run; group: tables of all runs that are done',
    )
    group.add_argument(
        '--atlas',
        action='append',
        metavar='NAME=IMAGE',
        help='label image, of the space of the series; again for each further atlas',
    )
    _add_lut(group)
    group.add_argument('--participant-label', nargs='+', metavar='LABEL', help='participants to process (default: all)')
    group.add_argument('--session-label', nargs='+', metavar='LABEL', help='sessions to process (default: all)')
    group.add_argument('--task', nargs='+', metavar='LABEL', help='tasks to process (default: all)')
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


def _add_extraction(parser):
    group = parser.add_argument_group('extraction')
    group.add_argument('--strategy', choices=STRATEGIES, help='how the voxels of a region become one value')
    group.add_argument(
        '--smoothing-fwhm', nargs='+', type=float, metavar='MM', help='smooth before; one width or one per axis'
    )
    group.add_argument('--background-label', type=int, metavar='ID', help='id of voxels in no region')
    group.add_argument(
        '--resampling-target', choices=RESAMPLING_TARGETS, help='whose grid to work on; none demands one grid'
    )
    group.add_argument('--interpolation', choices=INTERPOLATIONS, help="how the series is sampled on the labels' grid")
    group.add_argument(
        '--unknown-orientation',
        choices=UNKNOWN_ORIENTATION,
        help='images on different voxel grids if a header does not say left from right: raise an error, or accept the '
        'axes that nibabel assumes (default: raise)',
    )
    group.add_argument('--dtype', choices=DTYPES, help='cast voxels as they are read')
    group.add_argument('--nan-policy', choices=NAN_POLICIES, help='what becomes of non-finite voxels')
    group.add_argument('--missing-labels', choices=MISSING_LABELS, help='column of a region without a signal')
    group.add_argument('--min-coverage', type=float, metavar='PART', help='part of a region that must be there')


def _add_cleaning(parser):
    group = parser.add_argument_group('cleaning')
    group.add_argument('--detrend', action='store_true', help='remove linear trends')
    group.add_argument('--filter', choices=FILTERS, help='how to keep a frequency band')
    group.add_argument('--low-pass', type=float, metavar='HZ', help='cut frequencies above')
    group.add_argument('--high-pass', type=float, metavar='HZ', help='cut frequencies below')
    group.add_argument('--standardize', choices=STANDARDIZE, help='scale of the result')
    group.add_argument(
        '--no-standardize-confounds',
        action='store_false',
        dest='standardize_confounds',
        help='do not z-score confounds',
    )
    group.add_argument(
        '--high-variance-confounds', action='store_true', help='regress out courses of the voxels that vary most'
    )
    group.add_argument(
        '--fill-censored',
        choices=FILLS,
        help='how gaps of censored volumes are filled before a Butterworth filter (default: linear)',
    )
    group.add_argument(
        '--censored-output', choices=CENSORED, help='drop censored volumes, or keep rows of n/a (default: drop)'
    )
    group.add_argument('--project', choices=PROJECTIONS, help='show clean signals in space, on a grid')
    group.add_argument('--fill-value', type=float, metavar='X', help='what n/a becomes in the projection')


def _add_confounds(parser):
    group = parser.add_argument_group('confounds')
    group.add_argument(
        '--preset',
        choices=tuple(PRESETS),
        help="confounds and scrubbing of nilearn's load_confounds_strategy, in place of --confounds-strategy; other "
        'options count more than the preset (default: none)',
    )
    group.add_argument(
        '--confounds-columns', nargs='+', metavar='NAME', help='columns to select, by name or regular expression'
    )
    group.add_argument(
        '--confounds-strategy',
        nargs='+',
        metavar='NAME',
        help=f"sets of fMRIPrep's columns to select: {', '.join(CONFOUNDS_STRATEGIES)}",
    )
    group.add_argument(
        '--n-compcor',
        type=_count_or_all,
        metavar='N',
        help='components of each mask that aCompCor takes, or all (default: 5, or as --preset says)',
    )
    group.add_argument(
        '--acompcor',
        choices=('combined', 'separated'),
        help='masks whose components aCompCor takes: white matter and CSF as one, or each (default: {"combined"})',
    )
    group.add_argument(
        '--fd-threshold',
        type=float,
        metavar='MM',
        help='framewise displacement above which scrubbing acts (default: 0.5)',
    )
    group.add_argument(
        '--dvars-threshold',
        type=float,
        metavar='X',
        help='standardised DVARS above which scrubbing acts (default: 1.5)',
    )
    group.add_argument(
        '--min-segment',
        type=int,
        metavar='N',
        help='fewest volumes in a row between motion outliers that scrubbing retains '
        '(default: 0, any, or as --preset says)',
    )
    group.add_argument(
        '--non-steady-state',
        choices=('censor', 'keep'),
        help="volumes that fMRIPrep's table marks as not in the steady state, if columns of the table are selected "
        f'(default: {"censor"})',
    )
    group.add_argument(
        '--confounds-na',
        choices=CONFOUNDS_NA,
        help='n/a in the first rows of confounds: refuse, or fill in 0, the mean or the first value of the column '
        f'(default: {CONFOUNDS_NA[0]}, or {CONFOUNDS_NA[-1]} with --preset)',
    )


def _count_or_all(text):
    """Read a number, or the word all."""
    if text.lower() == 'all':
        return 'all'
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'must be a number of 1 or more, or all, not {text!r}')
    return int(text)


def _add_connectivity(parser):
    group = parser.add_argument_group('connectivity')
    group.add_argument('--connectivity', choices=('none', *CONNECTIVITIES), help='measure how regions go together')
    group.add_argument(
        '--covariance-estimator',
        choices=COVARIANCE_ESTIMATORS,
        help='how covariances are estimated (default: auto, empirical unless inverted)',
    )
    group.add_argument('--fisher-z', action='store_true', help='give Fisher z of correlations')


def _add_running(parser):
    group = parser.add_argument_group('running')
    group.add_argument('--reports', action='store_true', help='write an HTML page to look at')
    _add_plugin(group)


def _add_processing(parser):
    group = parser.add_argument_group('running')
    group.add_argument('--dry-run', action='store_true', help='say what would be done and what it would take')
    group.add_argument('--no-reports', action='store_false', dest='reports', help='write no HTML pages to look at')
    group.add_argument('--mem-gb', type=float, metavar='GB', help='memory that all may use together')
    _add_plugin(group)


def _add_plugin(group):
    group.add_argument('--work-dir', metavar='DIR', help='where nodes keep their results; OUT/work by default')
    group.add_argument('--nprocs', type=int, metavar='N', help='processors to use')
    group.add_argument('--plugin', metavar='NAME', help="Nipype's plugin: Linear, MultiProc, SLURM, …")
    group.add_argument('--plugin-args-file', metavar='FILE', help='JSON object of arguments for the plugin')
    group.add_argument('--verbose', action='store_true', help="show Nipype's own log")


def _extract(**arguments):
    """Import late: help and errors of usage need no Nipype."""
    from .extract import extract

    return extract(**arguments)


def _derivatives(level, out, **arguments):
    if level == 'group':
        from .group import collect

        return collect(out)
    from .derivatives import derivatives

    if not arguments.get('atlas'):
        raise LabelsError('derivatives needs an --atlas')
    return derivatives(out=out, **arguments)


def _check(atlas, lut):
    from .check import check

    return check(atlas, lut)


def _demo(out):
    from .demo import demo

    return demo(out)


if __name__ == '__main__':
    sys.exit(main())
