"""The facts: who registered what, its files, and what its weights look like."""

from registry.models.corrections import Correction
from registry.models.files import Blob, Revision, RevisionFile
from registry.models.fingerprints import Fingerprint
from registry.models.imports import UnfinishedImport
from registry.models.jobs import Job
from registry.models.organizations import ApiToken, Membership, Organization
from registry.models.registered import HubRepo, RegisteredModel, Source, rows_of

__all__ = [
    "ApiToken",
    "Blob",
    "Correction",
    "Fingerprint",
    "HubRepo",
    "Job",
    "Membership",
    "Organization",
    "RegisteredModel",
    "Revision",
    "RevisionFile",
    "Source",
    "UnfinishedImport",
    "rows_of",
]
