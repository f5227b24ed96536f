# SPDX-License-Identifier: BSD-3-Clause
"""XML of CIFTI and GIFTI files, parsed as a stream without document types, which could define entities."""

import re
from contextlib import contextmanager
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from ..model.errors import ImageError, LabelsError

#: Characters that no XML document may hold, escaped or not, and surrogates. A set of all others takes 3 ms to compile.
NOT_IN_XML = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')

#: Characters of numbers that are not negative.
_DIGITS_AND_BLANKS = b'0123456789 \n\t\r'

#: Most characters of a number in XML; longer ones would take long to parse.
_LONGEST_NUMBER = 64


def make_parser(path):
    """Return an expat parser; ImageError, which names the file, for a document type that defines anything."""

    def refuse(*_):
        raise ImageError(f'{path}: its XML defines entities or elements, which are not read: remove the definitions')

    def check_type(name, system, public, defines):
        if defines:
            refuse()

    parser = expat.ParserCreate()
    parser.buffer_text = True
    # GIFTI files name the document type of GIFTI, which is not read.
    parser.StartDoctypeDeclHandler = check_type
    parser.EntityDeclHandler = parser.ElementDeclHandler = refuse
    return parser


def parse_tree(content, path):
    """Return the root of an XML document in memory, an Element of ElementTree; ImageError if it is not valid."""
    builder, parser = ElementTree.TreeBuilder(), make_parser(path)
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.data
    with xml_errors_name(path):
        parser.Parse(content, True)
    return builder.close()


@contextmanager
def xml_errors_name(path):
    """Raise ImageError, with the name of the file, for XML that is not valid."""
    try:
        yield
    except LabelsError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as e:  # of encodings that are unknown
        raise ImageError(f'{path} is damaged: its XML is not valid ({e})') from e


def parse_integers(text, what):
    """Return whole numbers separated by blanks, int64 of shape (n,); ImageError, which names ``what``, for others."""
    if text.isascii() and not text.encode().translate(None, _DIGITS_AND_BLANKS):
        # NumPy takes a seventh of the time. Too long a number becomes the largest one.
        return np.fromstring(text, np.int64, sep=' ') if text.strip() else np.empty(0, np.int64)
    try:
        return np.fromiter(map(int, text.split()), np.int64)
    except (ValueError, OverflowError) as e:
        raise ImageError(f'{what} must be whole numbers ({_shorten(e)})') from e


def parse_integer(text, what, least=0):
    """Return a whole number that is not less than ``least``."""
    numbers = parse_integers((text or '')[:_LONGEST_NUMBER], what)
    if len(numbers) != 1 or numbers[0] < least:
        raise ImageError(f'{what} must be a whole number from {least}, not {(text or "")[:_LONGEST_NUMBER]!r}')
    return int(numbers[0])


def parse_floats(text, what):
    """Return finite numbers separated by blanks, float64 of shape (n,)."""
    try:
        numbers = np.fromiter(map(float, text.split()), np.float64)
    except ValueError as e:
        raise ImageError(f'{what} must be numbers ({_shorten(e)})') from e
    if not np.isfinite(numbers).all():
        raise ImageError(f'{what} must be finite numbers')
    return numbers


def _shorten(error):
    return ' '.join(str(error)[:100].split())
