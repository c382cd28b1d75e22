"""Names of countries by their ISO 3166 codes, as far as laboratories are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _(label: str) -> str:
    """Return the label itself; the call marks it for the translation catalogue."""
    return label


COUNTRIES: Final[Mapping[str, str]] = {
    "AE": _("United Arab Emirates"),
    "AU": _("Australia"),
    "CA": _("Canada"),
    "CH": _("Switzerland"),
    "CN": _("China"),
    "DE": _("Germany"),
    "ES": _("Spain"),
    "FI": _("Finland"),
    "FR": _("France"),
    "GB": _("United Kingdom"),
    "IL": _("Israel"),
    "IN": _("India"),
    "IT": _("Italy"),
    "JP": _("Japan"),
    "KR": _("South Korea"),
    "NL": _("Netherlands"),
    "RU": _("Russia"),
    "SA": _("Saudi Arabia"),
    "SE": _("Sweden"),
    "SG": _("Singapore"),
    "US": _("United States"),
    "VN": _("Vietnam"),
}
