# SPDX-License-Identifier: BSD-3-Clause
"""What is measured, side by side, and the bars that it must reach."""

import shutil
import statistics
from dataclasses import dataclass, replace

from .inputs import N_FINE, N_SHORT
from .worker import Job

INT16, FLOAT32, LONG, ATLAS = {'dtype': 'int16'}, {'dtype': 'float32'}, {'length': 'long'}, {'n_labels': 400}
SOFT = {'edge': 'soft'}

SHORT, SHORT_ATLAS = {'length': N_SHORT, 'voxel': 4}, ATLAS | {'voxel': 4}
FINE, FINE_ATLAS = {'length': N_FINE, 'voxel': 0.8}, ATLAS | {'voxel': 0.8}

SMOOTHING = {'smoothing_fwhm': 6.0}

#: The command of Connectome Workbench, whole processes.
WORKBENCH = '`wb_command -cifti-parcellate`, whole process'

#: The side on which ours has one thread instead of two.
ONE_THREAD = 'ours, 1 thread'

#: Everything that cleaning can do but scrubbing, where numbers differ from nilearn's for a reason.
CLEANING = {'detrend': True, 'low_pass': 0.1, 'high_pass': 0.01, 't_r': 0.72, 'standardize': 'zscore_sample'}

#: What 1,200 volumes may take more than 240, in MB: the signals of 400 regions in float64, and 10 MB.
GROWTH = 1200 * 400 * 8 / 1e6 + 10


@dataclass(frozen=True)
class Bar:
    """What one side of a case must reach compared with another.

    Attributes
    ----------
    kind : {'faster', 'slower', 'growth', 'peak', 'seconds'}
        At least so many times faster than the other; at most so many times slower; at most so many MB more; at most so
        many MB; at most so many seconds.
    limit : float
    than : str
        The other side.
    """

    kind: str
    limit: float
    than: str = 'nilearn'

    def values(self, runs):
        """What was reached, for each pair of runs.

        Parameters
        ----------
        runs : dict of str to list of dict
            Of each side, as :func:`benchmarks.worker.measure` returns them.
        """
        ours = runs['ours']
        if self.kind in ('peak', 'seconds'):
            return [run[self.kind] for run in ours]
        if self.kind == 'growth':
            return [run['peak'] - other['peak'] for run, other in zip(ours, runs[self.than], strict=True)]
        return ratios(runs[self.than], ours) if self.kind == 'faster' else ratios(ours, runs[self.than])

    def is_met(self, runs):
        """Whether the median reaches the bar."""
        reached = statistics.median(self.values(runs))
        return reached >= self.limit if self.kind == 'faster' else reached <= self.limit

    def __str__(self):
        form = {
            'faster': '≥ {:g}× faster than {}',
            'slower': '≤ {:g}× {}',
            'growth': '≤ {:.0f} MB more than {}',
            'peak': '≤ {:g} MB',
            'seconds': '≤ {:g} s',
        }
        return form[self.kind].format(self.limit, self.than)


def ratios(runs, others):
    """Seconds of runs over those of others, turn by turn; what ran once is compared with every turn of the other."""
    n = max(len(runs), len(others))
    pairs = zip(*(side * n if len(side) == 1 else side for side in (runs, others)), strict=True)
    return [run['seconds'] / other['seconds'] for run, other in pairs] if runs and others else []


@dataclass(frozen=True)
class Case:
    """One piece of work, done by several sides in turn.

    Attributes
    ----------
    name : str
        To choose it by.
    title : str
    sides : dict of str to Job
        ``'ours'``, and any of ``ONE_THREAD``, ``'nilearn'``, ``'igzip'`` (decompression alone), or other work of ours.
    bars : tuple of Bar
    """

    name: str
    title: str
    sides: dict
    bars: tuple = ()


def _case(name, title, *bars, ours, nilearn=None, igzip=None, threads=False, others=None):
    """A case without the sides that it does not have."""
    one_thread = replace(ours, threads=1) if threads else None
    sides = {'ours': ours, ONE_THREAD: one_thread, 'nilearn': nilearn, 'igzip': igzip, **(others or {})}
    return Case(name, title, {side: job for side, job in sides.items() if job is not None}, bars)


def _reduction(name, title, *bars, series=INT16, atlases=(ATLAS,), ours=None, nilearn=None, once=False, others=None):
    """Reduction of a series to regions; options of ours, options of nilearn, and whether it is too slow to repeat."""
    work = {'series': series, 'atlases': list(atlases)}
    return _case(
        name,
        title,
        *bars,
        ours=Job('ours.reduce', work | (ours or {})),
        nilearn=Job('theirs.reduce', work | (nilearn or {}), once=once),
        igzip=Job('theirs.decompress', {'series': series}),
        threads=True,
        others=others,
    )


def _overlapping(name, title, *bars, nilearn=True, strategy='least_squares', **atlas):
    """Reduction to maps or spheres, next to that to labels."""
    work = {'series': INT16, 'atlases': [atlas]}
    return _case(
        name,
        title,
        *bars,
        ours=Job('ours.reduce', work | {'strategy': strategy}),
        nilearn=Job('theirs.reduce_maps', work, once=True) if nilearn else None,
        igzip=Job('theirs.decompress', {'series': INT16}),
        threads=True,
        others={'400 labels': _MEAN},
    )


def _strategy(strategy, bar, once=False, others=None):
    """Reduction by a strategy."""
    options = {'strategy': strategy}
    title = f'{strategy.replace("_", " ")}, 400 labels'
    return _reduction(strategy, title, bar, ours=options, nilearn=options, once=once, others=others)


def _sampled(name, title, *bars, idle, once=False, **atlas):
    """Reduction of a series that is sampled on the grid of an atlas: clipped in each volume, and, soft, in none."""
    title, options = f"`resampling_target='labels'`, {title}", {'resampling_target': 'labels'}
    atlases, cubic = [ATLAS | atlas], {'interpolation': 'cubic'}
    work = {'series': SOFT, 'atlases': atlases} | cubic
    soft = _case(
        f'{name}-soft',
        'the same, soft edge of the brain (no value is clipped)',
        Bar('slower', idle, 'igzip'),
        ours=Job('ours.reduce', work),
        igzip=Job('theirs.decompress', {'series': SOFT}),
        threads=True,
    )
    return [_reduction(name, title, *bars, atlases=atlases, ours=cubic, nilearn=options, once=once), soft]


def _high_variance(name, title, *bars, **options):
    """Search for confounds in the voxels that vary most."""
    work, floor = {'series': INT16, **options}, Job('theirs.decompress', {'series': INT16})
    jobs = {'ours': Job('ours.high_variance', work), 'nilearn': Job('theirs.high_variance', work)}
    return _case(name, title, *bars, **jobs, igzip=floor, threads=True)


def _graph(plugin, cached):
    """The factory's graph without its nodes' bodies."""
    title = f'graph around the nodes, {plugin}, {"everything cached" if cached else "first run"}'
    job = Job('overhead.graph', {'plugin': plugin, 'cached': cached})
    return _case(f'graph-{plugin}-{"cached" if cached else "first"}', title, ours=job)


def _process(name, title, *bars, series, atlas):
    """The command ``extract``, compared with scripts that do the same."""
    work = {'series': series, 'atlas': atlas}
    nilearn, simpleitk = (Job('processes.script', {'name': f'with_{name}'} | work) for name in ('nilearn', 'simpleitk'))
    jobs = {'ours': Job('processes.extract', work), 'nilearn': nilearn, 'others': {'SimpleITK': simpleitk}}
    return _case(name, f'`extract`, whole process, {title}', *bars, **jobs)


def _surfaces(name, title, *bars, kind, n_atlases=1, nilearn=True, igzip=None, others=None):
    """Reduction of surfaces: the core, and the whole commands of ours and, if it is installed, of Workbench."""
    work = {'kind': kind, 'n_atlases': n_atlases}
    commands = {'`extract`, whole process': Job('processes.extract_surfaces', work)}
    if kind == 'cifti' and shutil.which('wb_command'):
        commands[WORKBENCH] = Job('processes.workbench', {'n_atlases': n_atlases}, once=n_atlases > 1)
    sides = commands | (others or {})
    return _case(
        name,
        title,
        *(bar for bar in bars if bar.than != WORKBENCH or WORKBENCH in sides),
        ours=Job('ours.reduce_surfaces', work),
        nilearn=Job('theirs.reduce_surfaces', {'kind': kind}, once=True) if nilearn else None,
        igzip=igzip,
        others=sides,
    )


_MEAN = Job('ours.reduce', {'series': INT16, 'atlases': [ATLAS]})
_LONG_MEAN = Job('ours.reduce', {'series': LONG, 'atlases': [ATLAS]})
_NODE = Job('ours.reduce_node', {'series': INT16, 'atlases': [ATLAS]})
_LONG_NODE = Job('ours.reduce_node', {'series': LONG, 'atlases': [ATLAS]})

CASES = [
    _process(
        'extract-short',
        f'{N_SHORT} volumes at 4 mm',
        Bar('faster', 2.8),
        series=SHORT,
        atlas=SHORT_ATLAS,
    ),
    _process(
        'extract',
        'int16, 400 labels',
        Bar('faster', 4.5),
        Bar('faster', 2.2, 'SimpleITK'),
        series=INT16,
        atlas=ATLAS,
    ),
    _case(
        'derivatives',
        f'`derivatives`, a further run of {N_SHORT} volumes at 4 mm with its report, processor time',
        Bar('seconds', 0.45),
        ours=Job('processes.derivatives', {'series': SHORT, 'atlas': SHORT_ATLAS, 'n_more': 5}),
    ),
    _reduction('mean', 'mean, 400 labels, same grid, int16', Bar('faster', 5), Bar('slower', 1.2, 'igzip')),
    _reduction('mean-float32', 'the same, float32', Bar('faster', 3), Bar('slower', 1.1, 'igzip'), series=FLOAT32),
    *(
        _strategy(strategy, Bar('slower', 1.5, 'mean'), once=True, others={'mean': _MEAN})
        for strategy in ('sum', 'minimum', 'maximum', 'variance', 'standard_deviation')
    ),
    _strategy('median', Bar('faster', 5)),
    _reduction('smoothing', 'mean with smoothing, 6 mm', Bar('faster', 8), ours=SMOOTHING, nilearn=SMOOTHING),
    *_sampled('labels-3mm', '3 mm atlas', Bar('slower', 3.5, 'igzip'), idle=2.5, voxel=3),
    *_sampled(
        'labels-1mm',
        '1 mm atlas',
        Bar('slower', 15, 'igzip'),
        Bar('faster', 100),
        Bar('peak', 350),
        idle=6,
        voxel=1,
        once=True,
    ),
    *_sampled(
        'labels-oblique',
        'oblique 3 mm atlas',
        Bar('slower', 6, 'igzip'),
        Bar('faster', 9),
        idle=3.5,
        voxel=3,
        oblique=True,
    ),
    _high_variance('high-variance', 'high-variance confounds', Bar('faster', 6), Bar('slower', 2.5, 'igzip')),
    _high_variance('high-variance-mask', 'the same within the brain', masked=True),
    _case(
        'project',
        'projection of 240 volumes, written to .nii.gz (float32)',
        Bar('faster', 4),
        ours=Job('ours.project', {'n_labels': 400}),
        nilearn=Job('theirs.project', {'n_labels': 400}),
    ),
    _case(
        'clean',
        'cleaning, 1200 × 1000, 36 confounds, all steps',
        Bar('slower', 1),
        ours=Job('ours.clean', CLEANING),
        nilearn=Job('theirs.clean', CLEANING),
    ),
    _case(
        'clean-tables',
        "the same, tables read and written (nilearn's: cleaning alone)",
        Bar('slower', 1),
        ours=Job('ours.clean_tables', CLEANING),
        nilearn=Job('theirs.clean', CLEANING),
    ),
    _reduction(
        'ten-atlases',
        'mean, 10 atlases of 400 labels at once',
        Bar('slower', 1.4, 'one atlas'),
        atlases=[ATLAS | {'which': which} for which in range(10)],
        once=True,
        others={'one atlas': _MEAN},
    ),
    _case(
        'hundred-atlases',
        'mean, 100 atlases of 400 labels at once (10 different ones)',
        Bar('peak', 500),
        ours=Job('ours.reduce', {'series': INT16, 'atlases': [ATLAS | {'which': i % 10} for i in range(100)]}),
        igzip=Job('theirs.decompress', {'series': INT16}),
    ),
    _case(
        'fine',
        f'mean, 400 labels, {N_FINE} volumes at 0.8 mm, 1 thread',
        Bar('slower', 1.6, 'igzip'),
        Bar('peak', 400),
        ours=Job('ours.reduce', {'series': FINE, 'atlases': [FINE_ATLAS]}, threads=1),
        igzip=Job('theirs.decompress', {'series': FINE}),
    ),
    _reduction('labels-1000', 'mean, 1,000 labels', atlases=[{'n_labels': 1000}], once=True),
    _reduction(
        'labels-35000',
        'mean, 35,000 labels',
        Bar('slower', 1.5, '400 labels'),
        atlases=[{'n_labels': 35_000}],
        once=True,
        others={'400 labels': _MEAN},
    ),
    _overlapping(
        'maps-64',
        '64 probabilistic maps that overlap',
        Bar('faster', 30),
        Bar('slower', 1.3, '400 labels'),
        Bar('peak', 200),
        n_maps=64,
    ),
    _overlapping('maps-64-dense', '64 maps with every voxel of the brain', Bar('faster', 20), n_maps=64, dense=True),
    _overlapping('maps-1024', '1,024 probabilistic maps', Bar('peak', 700), nilearn=False, n_maps=1024),
    _overlapping(
        'spheres',
        '264 spheres of 5 mm',
        Bar('faster', 25),
        Bar('slower', 1.3, '400 labels'),
        strategy='mean',
        n_seeds=264,
    ),
    _surfaces(
        'cifti',
        'CIFTI, mean, 91,282 × 1,200, float32, 400 regions',
        Bar('faster', 2, WORKBENCH),
        Bar('faster', 10),
        Bar('peak', 150),
        kind='cifti',
    ),
    _surfaces(
        'cifti-ten',
        'the same, 10 parcellations at once',
        Bar('slower', 2, 'one parcellation'),
        kind='cifti',
        n_atlases=10,
        nilearn=False,
        others={'one parcellation': Job('ours.reduce_surfaces', {'kind': 'cifti'})},
    ),
    _surfaces(
        'gifti',
        'GIFTI, mean, 2 × 10,242 × 652, float32, 400 regions (igzip: `<Data>` decoded)',
        Bar('slower', 1.25, 'igzip'),
        kind='gifti',
        igzip=Job('theirs.scan_gifti'),
    ),
    _case('node', 'mean as a node: tables read and written, mean volume too', ours=_NODE, others={'mean': _MEAN}),
    _case(
        'memory',
        'mean, 1,200 volumes',
        Bar('growth', GROWTH, '240 volumes'),
        Bar('peak', 200),
        ours=_LONG_MEAN,
        others={'240 volumes': _MEAN},
    ),
    _case(
        'memory-node',
        'the same as a node',
        Bar('growth', GROWTH, '240 volumes'),
        ours=_LONG_NODE,
        others={'240 volumes': _NODE},
    ),
    _case('import', '`import nipype_labels`', Bar('seconds', 0.05), ours=Job('overhead.load_package')),
    _case('help', '`nipype-labels --help`, whole process', Bar('seconds', 0.5), ours=Job('overhead.show_help')),
    *(
        _case(
            f'runs-{n}',
            f'graph of {n:,} run{"s" * (n > 1)}, built and expanded',
            ours=Job('overhead.build', {'n_runs': n}),
        )
        for n in (1, 10, 100)
    ),
    _case(
        'runs-1000',
        'graph of 1,000 runs, built and expanded',
        # 6 ms and 400 KB for each.
        Bar('seconds', 6),
        Bar('growth', 400, 'one run'),
        ours=Job('overhead.build', {'n_runs': 1000}),
        others={'one run': Job('overhead.build', {'n_runs': 1})},
    ),
    *(_graph(plugin, cached) for plugin in ('Linear', 'MultiProc') for cached in (False, True)),
]
