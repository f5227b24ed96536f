# SPDX-License-Identifier: BSD-3-Clause
"""The files at the top of a data set of derivatives, and the addresses of files in this and other data sets."""

from urllib.parse import quote

from ..core.errors import LabelsError
from .names import LACKING_ENTITIES, LACKING_SUFFIXES

#: Version of BIDS that names and sidecars keep to.
BIDS_VERSION = '1.11.0'

#: Who makes these data sets.
GENERATOR = 'nipype_labels'

#: What links and addresses call the data set that the series are from.
SOURCE_DATASET = 'preprocessed'

#: What a validator is to look away from, since the schema does not know it yet.
IGNORED = (
    *(f'*_{entity}-*' for entity in LACKING_ENTITIES),
    *(f'*_{suffix}.*' for suffix in LACKING_SUFFIXES),
    'figures',
    'group',
    'logs',
    'work',
)

README = """\
# Region signals

Signals of the regions of atlases, extracted from preprocessed fMRI and cleaned by nipype_labels. Each file has the name
of its series but for `desc`, with `atlas-` for the atlas and `stat-` for what its values are:

- `stat-mean_timeseries.tsv` (or another summary of voxels): clean signals, a column per region, a row per volume;
- `desc-raw_timeseries.tsv`: the same before cleaning;
- `stat-coverage_bold.tsv`: how much of each region there is, and why one has no signal;
- `dseg.nii.gz`, `dseg.tsv`: the labels that were used, and their names;
- `relmat.tsv`: connectivity, if it was asked for: a row and a column per region, in the order of the heading;
- `desc-projected_bold.nii.gz`: clean signals in space, if asked for;
- `desc-censoring_timeseries.tsv`: which volumes were kept, and why others were not;
- `desc-mean_boldref.nii.gz`: the mean volume of the series.

A missing value is `n/a`. The JSON file beside each table or image says how it was made: its sources, the atlas and the
checksum of its file, parameters, versions of software, and, as `Methods`, a text for a paper.
"""


def make_uri(path, dataset=''):
    """Address of a file: BIDS URI.

    Parameters
    ----------
    path : str
        Within its data set, with slashes.
    dataset : str
        A name that ``DatasetLinks`` knows; by default the data set that the address stands in.

    Returns
    -------
    str

    Examples
    --------
    >>> make_uri('sub-01/func/sub-01_task-rest_bold.nii.gz', 'preprocessed')
    'bids:preprocessed:sub-01/func/sub-01_task-rest_bold.nii.gz'
    """
    return f'bids:{dataset}:{quote(str(path), safe="/+")}'


def describe_dataset(version, links=None, existing=None, where='dataset_description.json'):
    """What ``dataset_description.json`` is to hold.

    Parameters
    ----------
    version : str
        Of this package.
    links : dict of str to str, optional
        Where other data sets are, by the names that addresses use.
    existing : dict, optional
        What it holds now. What else it tells, such as authors, stays.
    where : path
        Its path, for errors.

    Returns
    -------
    dict

    Raises
    ------
    LabelsError
        If the data set that is there is not of our making, or its series are from elsewhere.
    """
    links, found, existing = dict(links or {}), existing is not None, existing or {}
    generators = existing.get('GeneratedBy')
    generators = [entry for entry in generators if isinstance(entry, dict)] if isinstance(generators, list) else []
    if found and GENERATOR not in [entry.get('Name') for entry in generators]:
        makers = ', '.join(str(entry.get('Name')) for entry in generators) or 'nobody that it names'
        raise LabelsError(
            f'{where} is of another data set (made by {makers}), and nothing is written into those: choose a folder of '
            f'its own, as in derivatives/{GENERATOR}'
        )
    linked = existing.get('DatasetLinks', {})
    if not isinstance(linked, dict):
        raise LabelsError(f'{where}: DatasetLinks must be an object of names and places, not {linked!r}. Correct it')
    for name, place in links.items():
        if linked.get(name, place) != place:
            raise LabelsError(
                f'{where} says that {name} is {linked[name]}, not {place}: choose another folder for these derivatives '
                'or, if that data set has moved, correct DatasetLinks there'
            )
    own = {'Name': GENERATOR, 'Version': version}
    others = [entry for entry in generators if entry.get('Name') != GENERATOR]
    described = {'Name': 'Region signals', **existing, 'BIDSVersion': BIDS_VERSION, 'DatasetType': 'derivative'}
    described['GeneratedBy'] = [own, *others]
    if linked or links:
        described['DatasetLinks'] = dict(sorted({**linked, **links}.items()))
    return described


def list_ignored(existing=''):
    """What ``.bidsignore`` is to hold: what it holds now, and our lines as far as they lack."""
    lines = existing.splitlines()
    return '\n'.join([*lines, *(line for line in IGNORED if line not in lines)]) + '\n'
