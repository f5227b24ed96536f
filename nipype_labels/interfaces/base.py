# SPDX-License-Identifier: BSD-3-Clause
"""What makes a node safe to cache, to kill and to embed, once for every node.

Nipype's ``SimpleInterface`` can give stale or silently wrong results, or keep a parallel run waiting for ever. Each
method here closes one of these doors and says which.
"""

import importlib.metadata
import os
import sys
import time
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path

from nipype import config, logging
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitError, isdefined
from nipype.pipeline import engine
from nipype.utils.filemanip import hash_timestamp
from threadpoolctl import threadpool_limits

from ..core.choices import suggest
from ..core.errors import LabelsError
from ..files.atomic import write_atomically
from ..files.digests import content_digest, image_digest
from ..files.grids import read_grid
from ..files.lut import find_lookup_table
from ..files.paths import expand
from .process_guard import exit_if_orphaned, is_owned, lock_folder

#: Nipype's logger for what happens inside nodes.
logger = logging.getLogger('nipype.interface')

#: Libraries whose releases may change numbers; major and minor version are part of every node's hash.
COMPUTING_LIBRARIES = ('numpy', 'scipy', 'nibabel')

#: Code of Nipype's engine that sets inputs outside of the run context.
_HANDING_ON = (engine.Node._get_inputs.__code__, engine.MapNode._make_nodes.__code__)

#: How often a long reading says how far it is.
PROGRESS_SECONDS = 5


class InputFile(File):
    """Name of an input file, made absolute when it is set: nodes run in folders of their own.

    It is not asked whether the file exists (:meth:`LabelsInterface._pre_run_hook` does): a file that vanishes after
    it was set would silently become undefined. Links are kept, since their names are the user's. A list of one name, as
    BIDSDataGrabber returns it, stands for the name.
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
    """Inputs whose hash carries all that can change a node's numbers.

    Attributes
    ----------
    numerics : int
        Raised by hand whenever the node's numbers can change, since Nipype hashes no code.
    grids : tuple of str
        Traits of images of which only the grid matters. They are ``nohash``; their grids are hashed instead.
    names_only : tuple of str
        Traits of files of which only the name matters. They are ``nohash``; ``more_to_hash`` has what their names say.
    """

    numerics = 1
    grids = ()
    names_only = ()

    #: Values from upstream nodes that do not fit: what is wrong with each, by input. Assigned anew, never changed.
    _unfit = {}

    def __setattr__(self, name, value):
        """Set an input; a value that does not fit is refused, or noted if an engine hands it on.

        Engines hand on the outputs of upstream nodes outside of the run context, where an exception leaves MultiProc
        waiting for ever. :meth:`LabelsInterface._pre_run_hook` raises it within the context.
        """
        try:
            super().__setattr__(name, value)
        except (TraitError, OSError) as e:  # an OSError is Nipype's for inputs that exclude each other
            told = ' '.join(str(e).split()).rstrip('.') + self._hint(name, value)
            if not is_set_by_engine():
                raise type(e)(told) from e
            self._note(**{**self._unfit, name: told})
        else:
            if name in self._unfit:
                self._note(**{other: told for other, told in self._unfit.items() if other != name})

    def _hint(self, name, value):
        """Return the choice, or the input, that a refused value or name resembles; empty if none does."""
        names = self.copyable_trait_names()
        if name not in names:
            return suggest(name, names)
        choices = [choice for each in _walk(self.trait(name).handler) for choice in getattr(each, 'values', None) or ()]
        refused = [entry for entry in _flat(value) if isinstance(entry, str) and entry not in choices]
        return suggest(refused[0], choices) if refused else ''

    def _note(self, **unfit):
        self.__dict__['_unfit'] = unfit

    def __deepcopy__(self, memo):
        """Copy the inputs, as a graph's run does."""
        copied = super().__deepcopy__(memo)
        copied._note(**self._unfit)
        return copied

    def __getstate__(self):
        """Pickle the inputs, as a node is sent to a worker."""
        return {**super().__getstate__(), '_unfit': self._unfit}

    def __setstate__(self, state):
        """Unpickle the inputs."""
        super().__setstate__({name: value for name, value in state.items() if name != '_unfit'})
        self._note(**state.get('_unfit', {}))

    def _get_sorteddict(self, objekt, dictwithhash=False, hash_method=None, hash_files=True):
        """Return what Nipype hashes of a value: of an image every file it consists of, each content read once."""
        methods = {'content': content_digest, 'timestamp': hash_timestamp}
        method = methods.get(hash_method or config.get('execution', 'hash_method'))
        if hash_files and method and isinstance(objekt, str) and os.path.isfile(objekt):  # noqa: PTH113
            digest = image_digest(objekt, method)
            return (objekt, digest) if dictwithhash else digest
        if isinstance(objekt, str):
            # A name that is not UTF-8 can not be encoded, and an error here would be outside of the run context.
            objekt = objekt.encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')
        return super()._get_sorteddict(objekt, dictwithhash, hash_method, hash_files)

    def get_hashval(self, hash_method=None):
        """Hash the inputs, and with them versions, grids, and floats to the last bit (Nipype rounds to 10 digits)."""
        listed, digest = super().get_hashval(hash_method)
        salt = [('numerics', self.numerics)]
        salt += [(name, _minor_version(name)) for name in COMPUTING_LIBRARIES]
        salt += [(name, [_grid_digest(path) for path in _flat(getattr(self, name))]) for name in self.grids]
        hashed = [name for name in self.copyable_trait_names() if not self.has_metadata(name, 'nohash', True)]
        exact = [(name, [v.hex() for v in _flat(getattr(self, name)) if isinstance(v, float)]) for name in hashed]
        salt += [(f'exact {name}', bits) for name, bits in sorted(exact) if bits]
        salt += [('unfit', sorted(self._unfit.items()))] if self._unfit else []
        salt += self.more_to_hash()
        # Names that are not UTF-8 are hashed as they are: an error here would be outside of the run context.
        return listed + salt, md5(f'{digest}{salt}'.encode('utf-8', 'surrogateescape')).hexdigest()

    def more_to_hash(self):
        """Pairs of names and values that a node's result depends on beside its inputs' values."""
        return []


class LabelsInterface(SimpleInterface):
    """A node whose outputs are right or missing, never stale, half-written or silently empty.

    Subclasses write every output through :meth:`publish` and name it in ``self._results``.
    """

    #: Switches and the inputs they stand for: True demands the input, False forbids it, undefined follows it.
    _intents = {}

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
        """Leave it to :meth:`_pre_run_hook`: an error before the run context leaves MultiProc waiting for ever."""

    def _pre_run_hook(self, runtime):
        """Forget the last run's outputs, then check that all inputs are there; files may vanish after they were set."""
        self._results = {}
        owned = is_owned(Path(runtime.cwd))
        self._lock = lock_folder(Path(runtime.cwd)) if owned else None
        for unfit in self.inputs._unfit.values():
            raise LabelsError(f'{type(self).__name__}: {unfit}')
        super()._check_mandatory_inputs()
        self._check_exclusive_inputs()
        for name, path in self._input_files():
            if not os.path.isfile(path):  # noqa: PTH113 (false for impossible names too)
                raise LabelsError(f'{type(self).__name__}.{name}: no such file: {path}')
        for switch, name in self._intents.items():
            wanted, given = self.given(switch), self.given(name) is not None
            if wanted is not None and wanted != given:
                raise LabelsError(
                    f'{type(self).__name__}: {switch} is {wanted}, but {name} is {"" if given else "not "}given'
                )
        # In a folder of the user, files of other runs and of other programs keep their names and their contents.
        digest = '' if owned else self.inputs.get_hashval(hash_method='timestamp')[1]
        self._prefix = f'{type(self).__name__}-{digest[:8]}-' if digest else ''
        return runtime

    def _check_exclusive_inputs(self):
        """Refuse two inputs of which one excludes the other: Nipype refuses them at assignment, but not in a copy."""
        for name in self.inputs.copyable_trait_names():
            for other in self.inputs.trait(name).xor or ():
                if self.given(name) is not None and self.given(other) is not None:
                    raise LabelsError(
                        f'{type(self).__name__}: {name} and {other} exclude each other, and both are given'
                    )

    def _list_outputs(self):
        """Outputs of this run. Without a run there are none: Nipype must not take that for a cached, empty result."""
        if not self._results:
            raise FileNotFoundError(f'{type(self).__name__} has no outputs yet, or a cached one is gone: run it again')
        return self._results

    def given(self, name, default=None):
        """Value of an input, or ``default`` if it is undefined."""
        value = getattr(self.inputs, name)
        return value if isdefined(value) else default

    def rows(self, *names):
        """Values of inputs that are lists, side by side: see :func:`broadcast`."""
        return broadcast(*(self.given(name) for name in names), names=names)

    def _input_files(self):
        """Pairs of an input's name and each file that it names."""
        for name in self.inputs.copyable_trait_names():
            for path in _flat(getattr(self.inputs, name)) if _takes_files(self.inputs.trait(name).handler) else ():
                if isinstance(path, str):
                    yield name, path

    def keep_inputs(self, paths):
        """Raise LabelsError if writing one of ``paths`` would replace a file that the node reads."""
        read = {os.path.realpath(path): name for name, path in self._input_files()}
        for path in paths:
            name = read.get(os.path.realpath(path))
            if name is not None:
                raise LabelsError(
                    f'{path}: this output is also an input ({type(self).__name__}.{name}): write to another folder'
                )

    @contextmanager
    def publish(self, runtime, name, output=None):
        """Give a path to write the file ``name`` to, put the finished file in its place, and name it as ``output``.

        A reader never sees half a file, and a worker that outlived its run writes nothing into the next one's folder.
        """
        final = self.place(runtime, name)
        self.keep_inputs([final])
        with write_atomically(final) as partial:
            yield partial
            exit_if_orphaned()
        if output is not None:
            self._results[output] = str(final)

    def paths(self, runtime, pattern, n):
        """Names of ``n`` outputs: ``pattern`` with a number in it, and their paths in the node's folder."""
        names = [pattern.format(i) for i in range(n)]
        return names, [str(self.place(runtime, name)) for name in names]

    def place(self, runtime, name):
        """Path of the output ``name``: distinct for each node and its inputs where no engine empties the folder."""
        return Path(runtime.cwd) / f'{self._prefix}{name}'


def read_blocks(series, num_threads):
    """Read blocks for as long as the run is alive, and say every few seconds how far that is."""
    said = time.monotonic()
    for first, block in series.blocks(num_threads):
        exit_if_orphaned()
        if time.monotonic() - said > PROGRESS_SECONDS:
            said = time.monotonic()
            logger.info('%s: volume %d of %d', series.grid.path, first, series.n_volumes)
        yield first, block


def broadcast(*lists, names):
    """Go through lists side by side: those of one entry, or None, are repeated.

    Parameters
    ----------
    *lists : list or None
    names : sequence of str
        What to call them in the error.

    Returns
    -------
    list of tuple

    Raises
    ------
    LabelsError
        If two longer ones differ in length.

    Examples
    --------
    >>> broadcast(['a', 'b'], ['c'], None, names=('x', 'y', 'z'))
    [('a', 'c', None), ('b', 'c', None)]
    """
    lists = [[None] if entries is None else list(entries) for entries in lists]
    longest = max(map(len, lists))
    if any(len(entries) not in (1, longest) for entries in lists):
        raise LabelsError(
            'as many files are needed of each: ' + ', '.join(f'{n} {len(e)}' for n, e in zip(names, lists, strict=True))
        )
    return list(zip(*(entries * longest if len(entries) == 1 else entries for entries in lists), strict=True))


def is_set_by_engine():
    """Whether Nipype's engine is handing on outputs of upstream nodes, or the elements of a MapNode's lists."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code in _HANDING_ON:
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
    """Values of a trait as a list: none if it is undefined."""
    if not isdefined(value):
        return []
    return [entry for v in value for entry in _flat(v)] if isinstance(value, list | tuple) else [value]


def try_grid(path):
    """Grid of an image, None if it can't be read: the run reports that, the hash must not."""
    try:
        return read_grid(path)
    except (LabelsError, OSError):
        return None


def digest_found_tables(atlases):
    """Digests of the look-up tables in the headers of atlases or next to them; None where there is none.

    Parameters
    ----------
    atlases : list of str

    Returns
    -------
    list of (str, str) or None
    """
    digests = []
    for atlas in atlases:
        try:
            table = find_lookup_table(atlas)
            digests.append(table and (table, content_digest(table)))
        except (LabelsError, OSError):
            digests.append(None)  # the run reports it, the hash must not
    return digests


def _minor_version(library):
    return '.'.join(importlib.metadata.version(library).split('.')[:2])


def _grid_digest(path):
    """Digest of an image's grid."""
    grid = try_grid(path)
    return grid and md5(f'{grid.shape}{grid.doubt}'.encode() + grid.affine.tobytes()).hexdigest()
