"""The facts: who registered what, its files, and what its weights look like."""

from registry.models.audit import AuditEntry
from registry.models.claims import Claim, ClaimNote
from registry.models.corrections import Correction
from registry.models.files import Blob, Revision, RevisionFile, Tag
from registry.models.fingerprints import Fingerprint, SelfAttestation
from registry.models.hubimports import HubImport
from registry.models.imports import UnfinishedImport
from registry.models.invitations import Invitation
from registry.models.jobs import Job
from registry.models.organizations import ApiToken, Membership, Organization
from registry.models.registered import HubRepo, RegisteredModel, Source, listed
from registry.models.removals import Removal
from registry.models.webhooks import Delivery, Webhook

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Blob",
    "Claim",
    "ClaimNote",
    "Correction",
    "Delivery",
    "Fingerprint",
    "HubImport",
    "HubRepo",
    "Invitation",
    "Job",
    "Membership",
    "Organization",
    "RegisteredModel",
    "Removal",
    "Revision",
    "RevisionFile",
    "SelfAttestation",
    "Source",
    "Tag",
    "UnfinishedImport",
    "Webhook",
    "listed",
]
