"""Who did what in an organisation; nothing in it is ever changed or removed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from registry.models.organizations import Organization


class AuditEntry(models.Model):
    """One act in an organisation. The database refuses to change or remove it.

    `subject` names whom or what it was done to; `actor` is empty for commands.
    """

    class Action(models.TextChoices):
        ORGANIZATION_MADE = "organization-made", _("made the organisation")
        INVITED = "invited", _("invited")
        INVITATION_WITHDRAWN = "invitation-withdrawn", _("withdrew the invitation of")
        JOINED = "joined", _("joined as")
        ROLE_CHANGED = "role-changed", _("changed the role of")
        MEMBER_REMOVED = "member-removed", _("removed")
        LEFT = "left", _("left")
        TOKEN_MADE = "token-made", _("made the token")
        TOKEN_REVOKED = "token-revoked", _("revoked the token")
        CLAIMED = "claimed", _("claimed the organisation")
        CLAIM_ASKED = "claim-asked", _("asked back about the claim of")
        CLAIM_ANSWERED = "claim-answered", _("answered about the claim")
        CLAIM_OBJECTED = "claim-objected", _("objected to the claim of")
        CLAIM_GRANTED = "claim-granted", _("granted the claim of")
        CLAIM_REFUSED = "claim-refused", _("refused the claim of")
        CLAIM_WITHDRAWN = "claim-withdrawn", _("withdrew the claim")
        WEBHOOK_MADE = "webhook-made", _("added the webhook")
        WEBHOOK_CHANGED = "webhook-changed", _("changed the webhook")
        WEBHOOK_SECRET = "webhook-secret", _("made a new secret for the webhook")
        WEBHOOK_REMOVED = "webhook-removed", _("removed the webhook")
        WEBHOOK_OFF = "webhook-off", _("switched off the failing webhook")
        IMPORT_ASKED = "import-asked", _("asked to import")
        IMPORT_CANCELLED = "import-cancelled", _("cancelled the import")
        IMPORT_FAILED = "import-failed", _("could not import")
        IMPORTED = "imported", _("imported")
        MODEL_HIDDEN = "model-hidden", _("made private the model")
        MODEL_SHOWN = "model-shown", _("made public the model")
        MODEL_REMOVED = "model-removed", _("removed the model")
        MODEL_RESTORED = "model-restored", _("took into use again the model")

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="audit_entries"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        # The entry cannot be changed, so whoever acted cannot be deleted.
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
    )
    action = models.CharField(max_length=24, choices=Action.choices)
    subject = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-id"], name="audit_of_organization")
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"
