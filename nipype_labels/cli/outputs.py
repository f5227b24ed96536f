# SPDX-License-Identifier: BSD-3-Clause
"""Files of an extraction in the folder of the user: their names, and how they replace those of an earlier one."""

import itertools
import os
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

from nipype.interfaces.base import isdefined

from ..core.coverage import COLLINEAR_MAPS
from ..files.atomic import copy_content, has_content, sync_folder, write_atomically
from ..files.coverage import read_coverage
from ..files.json_files import read_json
from ..files.locks import locked
from ..model.errors import LabelsError
from ..model.outputs import BY_KEY, OUTPUTS, SURFACE_EXTENSIONS
from . import RunError
from .atlases import name_by_file
from .checks import make_folder
from .messages import warn
from .progress import count

#: Outputs that are copied to the folder of each atlas, and next to these folders.
_COPIED = tuple(output for output in OUTPUTS if output.file_name)
PER_ATLAS = {output.file_name: output for output in _COPIED if output.per_atlas}
PER_RUN = {output.file_name: output for output in _COPIED if not output.per_atlas}

#: Hidden file in the folder of the user that a run locks while it puts its outputs there.
LOCK = '.lock'

#: Files next to the folders of the atlases that are true for all of these folders.
SHARED = tuple(name for name, output in PER_RUN.items() if not output.is_drawn)

#: Table of the denoised time series, which every folder of an atlas has.
TIMESERIES = BY_KEY['timeseries'].file_name


def check_out(out, folders, inputs):
    """Refuse outputs that could not be written, or would replace an input, before anything runs.

    Parameters
    ----------
    out : Path
    folders : list of str
    inputs : dict of str to list of path
        Files that are read, by option.

    Raises
    ------
    LabelsError
    """
    read = {os.path.realpath(path): option for option, paths in inputs.items() for path in paths}
    for path in _places(out, folders):
        option = read.get(os.path.realpath(path))
        if option is not None:
            raise LabelsError(f'{path} is given as {option}, and would be replaced: choose another --out')
        if path.is_dir():
            raise LabelsError(f'can not write {path}: there is a folder of this name')
        if path.parent.exists() and not path.parent.is_dir():
            raise LabelsError(f'can not write to {path.parent}: it is not a folder')


def name_folders(atlases):
    """Return a folder name for each atlas: that of its file, made unique by a number."""
    names = []
    for path in atlases:
        stem = name_by_file(path)
        # A name of dots alone would lead out of the folder, or be that folder itself.
        stem = stem if stem.strip('.') else 'atlas'
        tries = itertools.chain([stem], (f'{stem}-{i}' for i in itertools.count(2)))
        taken = {name.lower() for name in (*names, *PER_RUN, 'work')}
        names.append(next(name for name in tries if name.lower() not in taken))
    return names


def write(graph, out, folders):
    """Copy the outputs of the nodes to the folder of the user, all or none; return each source by path written."""
    nodes = {node.name: node for node in graph.nodes()}
    copies = {}
    for name, output in (*PER_RUN.items(), *PER_ATLAS.items()):
        if output.node not in nodes:
            continue
        files = getattr(nodes[output.node].result.outputs, output.field)
        if not isdefined(files):
            continue  # files that another kind of series has, or a report with connectivity
        if output.per_atlas:
            copies.update(
                {out / folder / _rename(name, path): path for folder, path in zip(folders, files, strict=True)}
            )
        else:
            copies[out / _rename(name, files)] = files
    for folder in folders:
        make_folder(out / folder)
    # The outputs of two runs would mix.
    with locked(out / LOCK):
        _check_others(out, folders, copies)
        stale = [path for path in _places(out, folders) if path not in copies and path.is_file()]
        changed = {path: source for path, source in copies.items() if not has_content(path, Path(source))}
        replaced = [path for path in changed if path.is_file()]
        _put(changed, stale)
        for folder in {path.parent for path in copies}:
            sync_folder(folder)
    _announce(out, replaced, stale)
    return copies


def remove_work(copies, folder):
    """Remove the results of nodes after their copies, by path written, were verified; RunError if one differs."""
    for path, source in copies.items():
        if not has_content(path, Path(source)):
            raise RunError(f'{path} differs from {source}. The results of nodes are kept. Run the same command again')
    shutil.rmtree(folder)


def _check_others(out, folders, copies):
    """Refuse to replace a file that also describes the time series of atlases that this run has not processed."""
    others = sorted(
        path.parent.name for path in out.glob(f'*/{TIMESERIES}') if path.parent.name not in (*folders, 'work')
    )
    for name in SHARED if others else ():
        path, copy = out / name, copies.get(out / name)
        if path.is_file() if copy is None else not (path.is_file() and _alike(path, Path(copy))):
            raise LabelsError(
                f'{out} holds time series of other atlases ({", ".join(others)}), which the new {name} would '
                f'contradict: the series or the cleaning differ. Choose another --out (with --work-dir {out / "work"} '
                f'nothing is computed again), or delete {", ".join(str(out / other) for other in others)}'
            )


def _alike(path, copy):
    """Whether two files say the same of a series; regions without a value are those of one atlas."""
    if has_content(path, copy):
        return True
    if path.suffix != '.json':
        return False
    try:
        contents = [read_json(each) for each in (path, copy)]
    except LabelsError:
        return False
    unavailable = [content.pop('UnavailableRegions', None) for content in contents]
    return contents[0] == contents[1] and not any(any(regions or ()) for regions in unavailable)


def _announce(out, replaced, removed):
    """Report which files of an earlier run are gone."""
    changes = []
    for action, paths in (('replaced', replaced), ('removed', removed)):
        names = [path.relative_to(out).as_posix() for path in sorted(paths)]
        changes += [f'{action} {", ".join(names)}'] if names else []
    if changes:
        print(f'WARNING: {out}: outputs of other inputs or options: {"; ".join(changes)}', file=sys.stderr)


def _places(out, folders):
    """Return the paths of all files that a run may write."""
    per_run, per_atlas = ([each for name in names for each in _variants(name)] for names in (PER_RUN, PER_ATLAS))
    return [out / name for name in per_run] + [out / folder / name for folder in folders for name in per_atlas]


def _variants(name):
    """Return the names that an output may have: images of surfaces have other suffixes."""
    stem = name.removesuffix('.nii.gz')
    return [name] if stem == name else [name, *(f'{stem}{suffix}' for suffix in SURFACE_EXTENSIONS)]


def _rename(name, path):
    """Return the name of an output with the suffix of the file of the node."""
    suffix = next((suffix for suffix in SURFACE_EXTENSIONS if str(path).endswith(suffix)), None)
    return name if suffix is None else f'{name.removesuffix(".nii.gz")}{suffix}'


def _put(copies, stale):
    """Put copies of files in their places, and remove stale ones, once all are copied."""
    with ExitStack() as stack:
        for target, source in copies.items():
            copy_content(Path(source), stack.enter_context(write_atomically(target, sync_name=False)))
        for path in stale:
            # Left by an earlier run with other parameters, it would pass for a result of this one.
            path.unlink(missing_ok=True)


def summarise(out, written, folders):
    """Print which maps are collinear, which regions are missing, and last what was written."""
    absent = []
    for folder in folders:
        regions = read_coverage(out / folder / BY_KEY['regions'].file_name)
        missing, collinear = regions.list_missing(), regions.list_collinear()
        if collinear:
            warn(COLLINEAR_MAPS % (folder, collinear))
        if missing:
            n_missing = (~regions.has_signal).sum()
            absent.append(f'{n_missing} of {len(regions.index)} of {folder} ({missing})')
    print(
        f'wrote {count(len(written), "file")} to {out}; regions without a signal: {"; ".join(absent) or "none"}',
        file=sys.stderr,
    )
