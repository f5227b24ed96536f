# SPDX-License-Identifier: BSD-3-Clause
"""Base classes of all nodes, which are safe to cache, to kill and to embed.

Nipype's ``SimpleInterface`` can return stale or silently wrong results, or keep a parallel run waiting forever. Each
method here prevents one of these failures, and its docstring says which.
"""

import os
import sys
import time
from contextlib import contextmanager
from functools import cache, partial
from hashlib import md5
from pathlib import Path

from nipype import config, logging
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitError, isdefined
from nipype.utils.filemanip import hash_timestamp
from threadpoolctl import threadpool_limits

from ..bids.names import make_labels
from ..core.choices import suggest
from ..files.atomic import sync_file, sync_folder, write_atomically
from ..files.digests import content_digest, image_digest
from ..files.elements import read_space
from ..files.lut import find_lookup_table
from ..files.parcellations import split_map
from ..files.paths import expand
from ..files.spaces import is_surface
from ..model.errors import LabelsError
from ..model.software import COMPUTING_LIBRARIES, read_minor_version
from .nipype_private import PASSING_ON
from .output_names import label_files
from .process_guard import exit_if_orphaned, is_node_folder, lock_folder, watch_main_process
from .workflow_inputs import check_switches, name_input, require_workflow_inputs

#: Nipype's logger for what happens inside nodes.
logger = logging.getLogger('nipype.interface')

#: Seconds between log messages about the progress of reading.
PROGRESS_SECONDS = 5


class InputFile(File):
    """Name of an input file, made absolute when it is set: nodes run in folders of their own.

    Whether the file exists is checked by :meth:`LabelsInterface._pre_run_hook`: a file that vanishes after it was set
    would silently become undefined. Links are kept, since their names are the user's. A list of one name, as
    BIDSDataGrabber returns it, is taken as the name.
    """

    def validate(self, objekt, name, value):
        """Expand a leading ``~`` and make the name absolute; TraitError for several names."""
        if isinstance(value, list | tuple) and value and all(isinstance(entry, str | os.PathLike) for entry in value):
            if len(value) > 1:
                raise TraitError(
                    f'{name} takes one file, and {len(value)} are given: run a node for each, by a MapNode with '
                    f"iterfield=['{name}'] or by iterables"
                )
            (value,) = value
        path = super().validate(objekt, name, value)
        return str(expand(path).absolute()) if path else path


class LabelsInputSpec(BaseInterfaceInputSpec):
    """Inputs whose hash contains all that can change a node's numbers.

    ``numerics`` is raised by hand whenever the node's numbers can change, since Nipype hashes no code. ``grids`` are
    traits of images of which only the grid matters, ``names_only`` those of files of which only the name matters; both
    are ``nohash``, and grids are hashed instead, or ``more_to_hash`` has what the names say. ``named_by`` are traits of
    files, of which the first that is defined names the outputs.
    """

    numerics = 1
    grids = ()
    names_only = ()
    named_by = ()

    #: Values from upstream nodes that do not fit: what is wrong with each, by input. Assigned anew, never changed.
    _refused = {}

    def __setattr__(self, name, value):
        """Set an input; refuse a value that does not fit, or note it if an engine passes it on.

        Engines pass on the outputs of upstream nodes outside of the run context, where an exception leaves MultiProc
        waiting forever. :meth:`LabelsInterface._pre_run_hook` raises it within the context.
        """
        try:
            super().__setattr__(name, value)
        except (TraitError, OSError) as e:  # an OSError is Nipype's for inputs that exclude each other
            message = ' '.join(str(e).split()).rstrip('.') + self._hint(name, value)
            if not is_set_by_engine():
                raise type(e)(message) from e
            self._note(**{**self._refused, name: message})
        else:
            if name in self._refused:
                self._note(**{other: message for other, message in self._refused.items() if other != name})

    def _hint(self, name, value):
        """Return the choice, or the input, that a refused value or name resembles; empty if none does."""
        names = self.copyable_trait_names()
        if name not in names:
            return suggest(name, names)
        choices = [choice for each in _walk(self.trait(name).handler) for choice in getattr(each, 'values', None) or ()]
        refused = [entry for entry in _flat(value) if isinstance(entry, str) and entry not in choices]
        return suggest(refused[0], choices) if refused else ''

    def _note(self, **unfit):
        self.__dict__['_refused'] = unfit

    def __deepcopy__(self, memo):
        """Copy the inputs, as a graph's run does."""
        copied = super().__deepcopy__(memo)
        copied._note(**self._refused)
        return copied

    def __getstate__(self):
        """Pickle the inputs, as a node is sent to a worker."""
        return {**super().__getstate__(), '_refused': self._refused}

    def __setstate__(self, state):
        """Unpickle the inputs."""
        super().__setstate__({name: value for name, value in state.items() if name != '_refused'})
        self._note(**state.get('_refused', {}))

    def _get_sorteddict(self, objekt, dictwithhash=False, hash_method=None, hash_files=True):
        """Return what Nipype hashes of a value: of a file what the function ``hash_method`` returns, if it is one."""
        file, part = split_map(objekt) if isinstance(objekt, str) else ('', None)
        if hash_files and callable(hash_method) and os.path.isfile(file):  # noqa: PTH113
            digest = hash_method(file) + (f' {part}' if part else '')
            return (objekt, digest) if dictwithhash else digest
        if isinstance(objekt, str):
            # A name that is not UTF-8 can not be encoded, and an error here would be outside of the run context.
            objekt = objekt.encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')
        return super()._get_sorteddict(objekt, dictwithhash, hash_method, hash_files)

    def get_hashval(self, hash_method=None):
        """Hash the inputs, and with them versions, grids, and floats to the last bit (Nipype rounds to 10 digits)."""
        methods = {'content': content_digest, 'timestamp': hash_timestamp}
        method = methods.get(hash_method or config.get('execution', 'hash_method'))
        # Nipype takes each digest twice, and files that were written just now would be read twice.
        listed, digest = super().get_hashval(cache(partial(image_digest, digest=method)) if method else hash_method)
        salt = [('numerics', self.numerics)]
        salt += [(name, read_minor_version(name)) for name in COMPUTING_LIBRARIES]
        salt += [(name, [_grid_digest(path) for path in _flat(getattr(self, name))]) for name in self.grids]
        salt += [('output names', self.output_labels())] if self.named_by else []
        hashed = [name for name in self.copyable_trait_names() if not self.has_metadata(name, 'nohash', True)]
        exact = [(name, [v.hex() for v in _flat(getattr(self, name)) if isinstance(v, float)]) for name in hashed]
        salt += [(f'exact {name}', bits) for name, bits in sorted(exact) if bits]
        salt += [('unfit', sorted(self._refused.items()))] if self._refused else []
        salt += self.more_to_hash()
        # Names that are not UTF-8 are hashed as they are: an error here would be outside of the run context.
        return listed + salt, md5(f'{digest}{salt}'.encode('utf-8', 'surrogateescape')).hexdigest()

    def output_labels(self):
        """Return the label of each atlas, from the names of its files."""
        lists = (_flat(getattr(self, name)) for name in self.named_by)
        return label_files(next(filter(None, lists), []))

    def more_to_hash(self):
        """Return pairs of names and values that a node's result depends on besides its inputs' values."""
        return []


class LabelsInterface(SimpleInterface):
    """A node whose outputs are right or missing, never stale, half-written or silently empty.

    Subclasses write every output through :meth:`write_output` and name it in ``self._results``.
    """

    #: Switches, each with the input that it announces: True requires the input, False forbids it, undefined follows it.
    switches = {}

    #: Inputs that come from fields of ``inputnode`` of a workflow of this package, a WorkflowInput by name.
    workflow_inputs = {}

    #: Held while the node runs in the folder that an engine gave it.
    _lock = None

    #: What the names of all outputs begin with; empty in the folder that an engine gave the node.
    _prefix = ''

    def run(self, cwd=None, ignore_exception=None, **inputs):
        """Run the node with linear algebra on one thread: more come from ``num_threads``, and change no bit."""
        try:
            with threadpool_limits(1):
                return super().run(cwd, ignore_exception, **inputs)
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def _check_mandatory_inputs(self):
        """Check nothing yet: an error before the run context would leave MultiProc waiting forever."""

    def _pre_run_hook(self, runtime):
        """Forget the last run's outputs, and check that all inputs exist; files may vanish after they were set."""
        self._results = {}
        watch_main_process()
        owned = is_node_folder(Path(runtime.cwd))
        self._lock = lock_folder(Path(runtime.cwd)) if owned else None
        for unfit in self.inputs._refused.values():
            raise LabelsError(f'{type(self).__name__}: {unfit}')
        require_workflow_inputs(self)
        super()._check_mandatory_inputs()
        self._check_exclusive_inputs()
        for name, path in self._input_files():
            if not os.path.isfile(split_map(path)[0]):  # noqa: PTH113 (false for impossible names too)
                raise LabelsError(f'{name_input(self, name)}: no such file: {path}')
        check_switches(self)
        # In a folder of the user, files of other runs and of other programs keep their names and their contents.
        digest = '' if owned else self.inputs.get_hashval(hash_method='timestamp')[1]
        self._prefix = f'{type(self).__name__}-{digest[:8]}-' if digest else ''
        return runtime

    def _check_exclusive_inputs(self):
        """Refuse two inputs of which one excludes the other: Nipype refuses them at assignment, but not in a copy."""
        for name in self.inputs.copyable_trait_names():
            for other in self.inputs.trait(name).xor or ():
                if self.get_input(name) is not None and self.get_input(other) is not None:
                    raise LabelsError(
                        f'{type(self).__name__}: {name} and {other} exclude each other, and both are given'
                    )

    def _list_outputs(self):
        """Return outputs of this run; raise without any, which Nipype would take for a cached result."""
        if not self._results:
            raise FileNotFoundError(f'{type(self).__name__} has no outputs yet, or a cached one is gone: run it again')
        return self._results

    def _post_run_hook(self, runtime):
        """Wait until the outputs in the folder of the node are on disk: all at once takes less time."""
        written = [path for path in self.list_written() if Path(path).parent == Path(runtime.cwd)]
        for path in written:
            sync_file(path)
        if written:
            sync_folder(runtime.cwd)
        return super()._post_run_hook(runtime)

    def list_written(self):
        """Return the output files of this run that no other node may change."""
        return [v for v in _flat(list(self._results.values())) if isinstance(v, str) and os.path.isfile(v)]  # noqa: PTH113

    def get_input(self, name, default=None):
        """Return the value of an input, or ``default`` if it is undefined."""
        value = getattr(self.inputs, name)
        return value if isdefined(value) else default

    def zip_inputs(self, *names):
        """Return the values of inputs that are lists, side by side: see :func:`broadcast`."""
        shown = [name_input(self, name) if name in self.workflow_inputs else name for name in names]
        return broadcast(*(self.get_input(name) for name in names), names=shown)

    def _input_files(self):
        """Yield an input's name and each file that it names."""
        for name in self.inputs.copyable_trait_names():
            for path in _flat(getattr(self.inputs, name)) if _takes_files(self.inputs.trait(name).handler) else ():
                if isinstance(path, str):
                    yield name, path

    def refuse_to_replace_inputs(self, paths):
        """Raise LabelsError if writing one of ``paths`` would replace a file that the node reads."""
        # Inputs exist, and most outputs do not yet.
        existing = [path for path in paths if os.path.exists(path)]  # noqa: PTH110 (false for impossible names too)
        read = {os.path.realpath(path): name for name, path in self._input_files()} if existing else {}
        for path in existing:
            name = read.get(os.path.realpath(path))
            if name is not None:
                raise LabelsError(
                    f'{path}: this output is also an input ({type(self).__name__}.{name}): write to another folder'
                )

    @contextmanager
    def write_output(self, runtime, name, output=None):
        """Yield a temporary path for the output file ``name``, rename it when complete, and set the field ``output``.

        Readers never see half a file, and an orphaned worker writes nothing into the folder of the next run.
        """
        final = self.output_path(runtime, name)
        self.refuse_to_replace_inputs([final])
        with write_atomically(final, sync_content=False, sync_name=False) as partial:
            yield partial
            exit_if_orphaned()
        if output is not None:
            self._results[output] = str(final)

    def output_labels(self, n):
        """Return the labels of ``n`` atlases, or distinct labels of ``n`` outputs of one atlas."""
        labels = self.inputs.output_labels()
        return make_labels(labels * n) if len(labels) == 1 else labels

    def output_paths(self, runtime, ending, n):
        """Return the names of the outputs of ``n`` atlases, and their paths in the node's folder."""
        names = [f'{label}_{ending}' for label in self.output_labels(n)]
        return names, [str(self.output_path(runtime, name)) for name in names]

    def output_path(self, runtime, name):
        """Return the path of an output: distinct for each node and its inputs where no engine empties the folder."""
        return Path(runtime.cwd) / f'{self._prefix}{name}'


def read_blocks(series, num_threads):
    """Read blocks while the master process is alive, and log the progress every few seconds."""
    logged = time.monotonic()
    for first, block in series.blocks(num_threads):
        exit_if_orphaned()
        if time.monotonic() - logged > PROGRESS_SECONDS:
            logged = time.monotonic()
            unit, n = ('element', series.grid.size) if is_surface(series.grid.path) else ('volume', series.n_volumes)
            logger.info('%s: %s %d of %d', series.grid.path, unit, first, n)
        yield first, block


def broadcast(*lists, names):
    """Go through lists side by side; those of one entry, or None, are repeated. LabelsError if lengths differ.

    >>> broadcast(['a', 'b'], ['c'], None, names=('x', 'y', 'z'))
    [('a', 'c', None), ('b', 'c', None)]
    """
    given = {name: len(entries) for name, entries in zip(names, lists, strict=True) if entries is not None}
    lists = [[None] if entries is None else list(entries) for entries in lists]
    longest = max(map(len, lists))
    if any(len(entries) not in (1, longest) for entries in lists):
        raise LabelsError('as many files are needed of each: ' + ', '.join(f'{name} {n}' for name, n in given.items()))
    return list(zip(*(entries * longest if len(entries) == 1 else entries for entries in lists), strict=True))


def is_set_by_engine():
    """Whether Nipype's engine is passing on outputs of upstream nodes, or the elements of a MapNode's lists."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code in PASSING_ON:
            return True
        frame = frame.f_back
    return False


def _takes_files(handler):
    """Whether a trait's handler takes file names, alone, in a list or among other types."""
    return any(isinstance(each, File) for each in _walk(handler))


def _walk(handler):
    """Yield a trait's handler, and those of the elements of its lists and of its alternatives."""
    yield handler
    for inner in (*(getattr(handler, 'handlers', None) or ()), *(t.handler for t in _inner_traits(handler))):
        yield from _walk(inner)


def _inner_traits(handler):
    return handler.inner_traits() if hasattr(handler, 'inner_traits') else ()


def _flat(value):
    """Return the values of a trait as a list: empty if it is undefined."""
    if not isdefined(value):
        return []
    return [entry for v in value for entry in _flat(v)] if isinstance(value, list | tuple) else [value]


def read_grid_or_none(path):
    """Return the space of an image, None if it can't be read: the run reports that, the hash must not."""
    try:
        return read_space(path)
    except (LabelsError, OSError):
        return None


def digest_found_tables(atlases):
    """Return the path and digest of the LUT in the header of each atlas or next to it; None without one.

    Parcellations of surfaces have their own label tables.
    """
    digests = []
    for atlas in atlases:
        try:
            table = None if is_surface(atlas) else find_lookup_table(atlas)
            digests.append(table and (table, content_digest(table)))
        except (LabelsError, OSError):
            digests.append(None)  # the run reports it, the hash must not
    return digests


def _grid_digest(path):
    """Return the digest of an image's grid, None if it can't be read."""
    grid = read_grid_or_none(path)
    return grid and md5(grid.content).hexdigest()
