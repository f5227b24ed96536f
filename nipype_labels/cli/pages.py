# SPDX-License-Identifier: BSD-3-Clause
"""Pages to browse a dataset of derivatives: ``index.html`` and a page per participant, from the table of quality.

A job reads the derivatives of its own participants only: rows of all others are those of the table of quality. It does
so after its last run, so that the last of several jobs shows the runs of all. The page of a participant is written
last: after a killed job, it is missing or older than the manifests and logs of the runs, and the next job writes it.
"""

import os
import sys
from contextlib import contextmanager, suppress

from .. import __version__
from ..bids.dataset import INDEX, name_page
from ..bids.manifest import FOLDER as MANIFESTS
from ..bids.names import parse_name
from ..files.atomic import sync_folder, write_atomically
from ..files.locks import locked
from ..model.errors import INSTALL, LabelsError
from ..model.outputs import BY_KEY
from .logs import FOLDER as LOGS
from .quality import find_report, read_participant, read_rows, write_quality

#: Hidden file that a job locks while it writes the table of quality and the pages.
LOCK = '.pages.lock'

#: Figures of each run that pages of participants show, by the label of ``desc`` in their names.
_SHOWN = tuple(BY_KEY[key].derivative.desc for key in ('carpets', 'connectivity_figures'))


def update_pages(out, participants, changed):
    """Write the rows and pages of ``changed`` and of those with outdated pages among ``participants``, and the index.

    Both are collections of participants, such as ``'sub-01'``; ``changed`` are those of which this job has processed
    runs. Without a valid table of quality, the derivatives of all participants are read, for their rows.
    """
    if not _list_outdated(out, participants, changed):
        return
    try:
        with _locked(out):
            # Another job may have written pages in the meantime.
            outdated = _list_outdated(out, participants, changed)
            if outdated:
                rows = read_rows(out)
                if rows is None:
                    others = read_times(out).keys() - outdated
                    rows = [row for name in others for row in read_participant(out, name)[0]]
                _write(out, rows, outdated)
    except (LabelsError, OSError) as e:
        print(f'{out / INDEX} is not up to date: {e}', file=sys.stderr)


def replace_pages(out, rows, times):
    """Write the table of quality, the index and outdated pages from the rows of all runs.

    ``times`` are those of :func:`read_times` before the rows were made: participants that changed since are read again.
    """
    with _locked(out):
        now = read_times(out)
        changed = {name for name in now if now[name] != times.get(name)}
        _write(out, rows, _list_outdated(out, now, changed))


def read_times(out):
    """Return the times of change of the manifests and logs of each participant: a dict of names in a dict."""
    times = {}
    for folder, ending in ((MANIFESTS, '.json'), (LOGS, '.txt')):
        with suppress(FileNotFoundError), os.scandir(out / folder) as entries:
            for entry in entries:
                if entry.name.startswith('sub-') and entry.name.endswith(ending):
                    times.setdefault(entry.name.split('_', 1)[0], {})[entry.name] = entry.stat().st_mtime_ns
    return times


@contextmanager
def _locked(out):
    """Hold the lock on the pages of a dataset; its removal is on disk when the block has ended."""
    with locked(out / LOCK):
        yield
    sync_folder(out)


def _list_outdated(out, participants, changed):
    """Return the participants that are ``changed``, or whose page is older than a manifest or log of their runs.

    The time of a page does not tell whether it shows a run of ``changed``: another job may have read the participant
    before the run ended, and have written the page after it.
    """
    times, outdated = read_times(out), []
    for name in times.keys() & participants:
        page = out / name_page(name)
        if name in changed or not (page.is_file() and page.stat().st_mtime_ns >= max(times[name].values())):
            outdated.append(name)
    return sorted(outdated)


def _write(out, rows, participants):
    """Write the table of quality and the index of ``rows``, those of the participants read anew; then their pages."""
    found = {name: read_participant(out, name) for name in participants}
    others = [row for row in rows if f'sub-{row["participant"]}' not in found]
    rows = write_quality(out, [*others, *(row for own, _ in found.values() for row in own)])
    try:
        from ..reports.index import render_index, render_participant
    except ImportError as e:
        print(f'{INDEX} is not written: {e}. Run {INSTALL % "reports"}', file=sys.stderr)
        return
    pages = {INDEX: render_index(rows, __version__)}
    for name, (_, manifests) in found.items():
        own = [row for row in rows if f'sub-{row["participant"]}' == name]
        pages[name_page(name)] = render_participant(name, own, _list_figures(manifests), INDEX, __version__)
    for name, page in pages.items():
        with write_atomically(out / name) as partial:
            partial.write_text(page, encoding='utf-8', newline='\n')


def _list_figures(manifests):
    """Return the paths of the figures that are shown of each run, by the path of its report."""
    figures = {}
    for manifest in manifests:
        outputs = list(manifest['Outputs'])
        drawn = [name for name in outputs if name.endswith('.svg')]
        shown = [name for name in drawn if parse_name(name)[0]['desc'].split('+')[0] in _SHOWN]
        figures[find_report(outputs)] = shown
    return figures
