"""Addresses of the pages that registry owns."""

from __future__ import annotations

from django.urls import path
from django.views.generic import TemplateView

from registry.views import (
    claims,
    corrections,
    emblem,
    imports,
    jobs,
    members,
    model_settings,
    moderation,
    organizations,
    register,
    sketches,
    tokens,
    uploads,
    webhooks,
)

app_name = "registry"
urlpatterns = [
    path("favicon.ico", emblem.favicon, name="favicon"),
    path("register/", register.register, name="register"),
    path("register/import/", imports.register_from_hub, name="register-import"),
    path("register/sketch/", sketches.register_sketch, name="register-sketch"),
    path("register/upload/", uploads.new, name="upload"),
    path("models/<str:slug>/upload/", uploads.to_model, name="upload-to"),
    path("organizations/", organizations.organizations, name="organizations"),
    path("organizations/<str:slug>/", organizations.organization, name="organization"),
    path("organizations/<str:slug>/tokens/", tokens.create, name="token-create"),
    path(
        "organizations/<str:slug>/tokens/<int:pk>/revoke/",
        tokens.revoke,
        name="token-revoke",
    ),
    path("organizations/<str:slug>/webhooks/", webhooks.webhooks, name="webhooks"),
    path(
        "organizations/<str:slug>/webhooks/<int:pk>/", webhooks.webhook, name="webhook"
    ),
    path(
        "organizations/<str:slug>/webhooks/<int:pk>/secret/",
        webhooks.secret,
        name="webhook-secret",
    ),
    path(
        "organizations/<str:slug>/webhooks/<int:pk>/test/",
        webhooks.test,
        name="webhook-test",
    ),
    path(
        "organizations/<str:slug>/webhooks/<int:pk>/remove/",
        webhooks.remove,
        name="webhook-remove",
    ),
    path(
        "organizations/<str:slug>/webhooks/<int:hook>/deliveries/<uuid:pk>/",
        webhooks.delivery,
        name="delivery",
    ),
    path(
        "organizations/<str:slug>/webhooks/<int:hook>/deliveries/<uuid:pk>/replay/",
        webhooks.replay,
        name="delivery-replay",
    ),
    path("organizations/<str:slug>/invite/", members.create, name="invite"),
    path("organizations/<str:slug>/audit/", members.audit, name="audit"),
    path(
        "organizations/<str:slug>/invitations/<int:pk>/withdraw/",
        members.withdraw,
        name="invitation-withdraw",
    ),
    path(
        "organizations/<str:slug>/members/<int:pk>/role/",
        members.role,
        name="member-role",
    ),
    path(
        "organizations/<str:slug>/members/<int:pk>/remove/",
        members.remove,
        name="member-remove",
    ),
    path("organizations/<str:slug>/claim/", claims.create, name="claim"),
    path("claims/<int:pk>/", claims.claim, name="claim-page"),
    path("claims/<int:pk>/answer/", claims.answer, name="claim-answer"),
    path("claims/<int:pk>/object/", claims.object_to, name="claim-object"),
    path("claims/<int:pk>/withdraw/", claims.withdraw, name="claim-withdraw"),
    path("claims/<int:pk>/decide/", claims.decide, name="claim-decide"),
    path("moderation/", moderation.moderation, name="moderation"),
    path("moderation/corrections/<int:pk>/", moderation.correction, name="correction"),
    path("corrections/<int:pk>/answer/", moderation.answer, name="correction-answer"),
    path("invitations/<str:key>/", members.invitation, name="invitation"),
    path("models/<str:slug>/correct/", corrections.correct, name="correct"),
    path("models/<str:slug>/settings/", model_settings.settings, name="model-settings"),
    path("models/<str:slug>/remove/", model_settings.remove, name="model-remove"),
    path("models/<str:slug>/restore/", model_settings.restore, name="model-restore"),
    path("jobs/<uuid:pk>/", jobs.job, name="job"),
    path("jobs/<uuid:pk>/progress/", jobs.progress, name="job-progress"),
    path("jobs/<uuid:pk>/cancel/", jobs.cancel, name="job-cancel"),
    path("jobs/<uuid:pk>/again/", jobs.again, name="job-again"),
    path(
        "glossary/",
        TemplateView.as_view(template_name="registry/glossary.html"),
        name="glossary",
    ),
    path(
        "method/",
        TemplateView.as_view(template_name="registry/method.html"),
        name="method",
    ),
]
