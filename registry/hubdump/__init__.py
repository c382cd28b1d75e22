"""A hub's model metadata on disk, read in a stream and without trust. Pure."""

from registry.hubdump.files import Dump, DumpUnreadable, Unreadable, open_dump
from registry.hubdump.row import HubRow, RowInvalid, parse_row

__all__ = [
    "Dump",
    "DumpUnreadable",
    "HubRow",
    "RowInvalid",
    "Unreadable",
    "open_dump",
    "parse_row",
]
