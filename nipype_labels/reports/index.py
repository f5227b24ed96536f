# SPDX-License-Identifier: BSD-3-Clause
"""Pages to browse the reports of a dataset: an index of all runs, and a page for each participant."""

from collections import Counter
from statistics import median

from ..core.quality import LEAST_FREEDOM
from ..model.columns import COMPLETE
from .formatting import format_number
from .templates import fill_template

#: A complete run is suspicious with a larger mean framewise displacement in mm, a smaller fraction of retained volumes,
#: or a fraction of missing regions that is so much larger than the median of the runs with the same atlas.
LARGEST_DISPLACEMENT, LEAST_RETAINED, MORE_MISSING = 0.5, 0.5, 0.05

#: Order of runs in the index.
_BAD, _SUSPICIOUS, _SOUND = range(3)


def render_index(rows, version):
    """Return the page of all runs, failed and suspicious ones first, as HTML; equal arguments return equal texts.

    ``rows`` are those of the table of quality in their order, dicts with None where a value is missing; ``version`` is
    that of nipype_labels.
    """
    listed = sorted(_describe_all(rows), key=lambda row: row['rank'])
    ranks = {}
    for row in listed:
        ranks.setdefault(row['run_name'], row['rank'])
    counts = Counter(ranks.values())
    return fill_template(
        'index.html.j2',
        rows=listed,
        n_participants=len({row['participant'] for row in rows}),
        n_runs=len(ranks),
        n_bad=counts[_BAD],
        n_suspicious=counts[_SUSPICIOUS],
        limits={
            'fd': LARGEST_DISPLACEMENT,
            'retained': 100 * LEAST_RETAINED,
            'freedom': LEAST_FREEDOM,
            'missing': 100 * MORE_MISSING,
        },
        version=version,
    )


def render_participant(participant, rows, figures, index, version):
    """Return the page of a participant as HTML: its rows of the table of quality, and figures of its runs.

    ``figures`` are paths of figures by the path of the report of their run, ``index`` is the path of the index.
    """
    listed = [_describe(row, []) for row in rows]
    # Not the name of the run, which is the same in all spaces.
    names = {row['page']: row['page'].rpartition('/')[2].removesuffix('_report.html') for row in listed if row['page']}
    return fill_template(
        'participant.html.j2',
        participant=participant,
        rows=listed,
        runs=[(name, page, figures[page]) for page, name in names.items() if figures.get(page)],
        index=index,
        version=version,
    )


def find_concerns(row, usual_missing):
    """Return why a complete run is suspicious, in words; ``usual_missing`` is the median of missing regions.

    >>> sound = {'n_volumes': 90, 'degrees_of_freedom': 20, 'n_regions': 9, 'n_missing': 0, 'n_warnings': 0}
    >>> find_concerns(sound | {'mean_fd': 0.8, 'n_retained': 30}, 0)
    ['large motion', 'few retained volumes']
    """
    found = {
        'large motion': row['mean_fd'] is not None and row['mean_fd'] > LARGEST_DISPLACEMENT,
        'few retained volumes': row['n_retained'] < LEAST_RETAINED * row['n_volumes'],
        'few degrees of freedom': row['degrees_of_freedom'] < LEAST_FREEDOM,
        'more missing regions than usual': row['n_missing'] > usual_missing + MORE_MISSING * row['n_regions'],
        'files that may not belong together': row['n_warnings'] > 0,
    }
    return [concern for concern, is_so in found.items() if is_so]


def _describe_all(rows):
    """Yield what the index shows of each row."""
    missing = {}
    for row in rows:
        if row['n_missing'] is not None:
            missing.setdefault(row['folder'], []).append(row['n_missing'])
    usual = {folder: median(counts) for folder, counts in missing.items()}
    for row in rows:
        yield _describe(row, find_concerns(row, usual[row['folder']]) if row['status'] == COMPLETE else [])


def _describe(row, concerns):
    """Return what a page shows of a row of the table of quality; cells that it does not have are n/a."""
    row = {key: value for key, value in row.items() if value is not None}
    bad = row['status'] != COMPLETE
    return {
        'participant': row['participant'],
        'run_name': row['run_name'],
        'label': row['run_name'].partition('_')[2] or row['run_name'],
        'page': row.get('page'),
        'folder': row.get('folder', ''),
        'status': row['status'],
        'rank': _BAD if bad else _SUSPICIOUS if concerns else _SOUND,
        'notes': row.get('reason') or ', '.join(concerns),
        'mean_fd': format_number(row.get('mean_fd'), 2),
        'retained': _count(row.get('n_retained'), row.get('n_volumes')),
        'freedom': format_number(row.get('degrees_of_freedom'), 1),
        'tsnr': format_number(row.get('tsnr'), 1),
        'missing': _count(row.get('n_missing'), row.get('n_regions')),
    }


def _count(number, total):
    """Return a number and the total as text.

    >>> _count(3.0, 116), _count(None, None)
    ('3 of 116', 'n/a')
    """
    return format_number(None) if number is None else f'{number:.0f} of {total:.0f}'
