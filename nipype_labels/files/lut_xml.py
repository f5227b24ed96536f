# SPDX-License-Identifier: BSD-3-Clause
"""Rows of look-up tables that are XML, or AFNI's label tables, which look like it."""

import re
from xml.etree import ElementTree

from ..model.errors import LookupTableError
from .lut_lines import is_id, no_known_form, to_id

#: How AFNI's label tables are called, in files and in headers of images.
AFNI_TABLE = 'VALUE_LABEL_DTABLE'


def parse_xml(text, path):
    """Return pairs (id, name) of an XML atlas of FSL, SPM, BrainSuite or Julich-Brain, or an AFNI label table."""
    if AFNI_TABLE in text:
        return parse_afni(text)
    if '<!ENTITY' in text:
        raise LookupTableError(f'{path} defines XML entities, which are not read: remove the definitions')
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as e:
        raise LookupTableError(f'{path} is not valid XML: {e}') from e
    for rows in (_fsl(root), _spm(root), _brainsuite(root), _julich(root)):
        if rows and all(is_id(index) and name for index, name in rows):
            return [(to_id(index), name) for index, name in rows]
    first = re.sub(r'^\s*<\?.*?\?>\s*', '', text, flags=re.DOTALL).splitlines()[0]
    raise LookupTableError(no_known_form(path, first))


def parse_afni(text):
    """Return the pairs ``"id" "name"`` of an AFNI label table, in a file or in an attribute of a header."""
    text = text.replace('&quot;', '"')
    _, _, tag = text.partition(f'<{AFNI_TABLE}')
    body, end, _ = tag.partition('>')[2].partition(f'</{AFNI_TABLE}>')
    pairs = re.findall(r'"(-?[0-9]{1,99})"\s+"([^"]*)"', body) if end else []
    return [(int(index), name) for index, name in pairs]


def _fsl(root):
    """``<label index="3">name</label>``."""
    # A probabilistic atlas counts its maps from 0, its summary image of the likeliest region from 1.
    first = 1 if (root.findtext('.//type') or '').strip().lower().startswith('prob') else 0
    rows = [(label.get('index', ''), ''.join(label.itertext()).strip()) for label in root.iter('label')]
    return [(str(to_id(index) + first) if is_id(index) else '', name) for index, name in rows]


def _spm(root):
    """``<label><index>3</index><name>name</name></label>``."""
    rows = [(label.findtext('index'), label.findtext('name')) for label in root.iter('label')]
    return [((index or '').strip(), (name or '').strip()) for index, name in rows]


def _brainsuite(root):
    """``<label id="3" fullname="name"/>``."""
    return [(label.get('id', ''), (label.get('fullname') or '').strip()) for label in root.iter('label')]


def _julich(root):
    """``<Structure grayvalue="3">name</Structure>``, once for each hemisphere's image and value."""
    parts = [(part.get('grayvalue', ''), ''.join(part.itertext()).strip()) for part in root.iter('Structure')]
    return list(dict.fromkeys(parts))
