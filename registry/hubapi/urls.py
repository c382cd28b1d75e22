"""Addresses of the hub protocol; they live at the root, as clients expect."""

from __future__ import annotations

from django.urls import (
    URLPattern,
    URLResolver,
    include,
    path,
    re_path,
    register_converter,
)

from registry.hubapi import (
    commits,
    downloads,
    files,
    lfs,
    lists,
    pages,
    preupload,
    refs,
    repos,
    transfers,
)
from registry.hubapi.converters import NameConverter, TeamConverter

# All that a client with xet shows to its user.
NO_XET = "xet-is-not-spoken-here-set-HF_HUB_DISABLE_XET=1-and-repeat"

register_converter(TeamConverter, "team")
register_converter(NameConverter, "name")

model_api = [
    path("revision/<path:revision>", repos.revision_info),
    path("preupload/<path:revision>", preupload.preupload),
    path("commit/<path:revision>", commits.commit),
    path("tree/<str:revision>", files.tree),
    path("tree/<str:revision>/<path:path>", files.tree),
    path("paths-info/<path:revision>", files.paths_info),
    path("branch/<path:branch>", repos.one_line),
    path("tag/<path:ref>", refs.tag),
    path("refs", refs.refs),
    path("commits/<path:revision>", refs.commits),
    path("super-squash/<path:rest>", repos.not_kept),
    path("discussions", repos.no_discussions),
    path("discussions/<path:rest>", repos.no_discussions),
    path("settings", repos.update_settings),
    path("xet-read-token/<path:rest>", repos.no_xet),
    path("xet-write-token/<path:rest>", repos.no_xet),
]

api: list[URLPattern | URLResolver] = [
    path("whoami-v2", repos.whoami),
    path("validate-yaml", preupload.validate_yaml),
    path("repos/create", repos.create),
    path("repos/delete", repos.delete),
    path("repos/move", repos.not_kept),
    path("models", lists.list_models),
    path("models/<team:team>/<name:name>", repos.model_info),
    path("models/<team:team>/<name:name>/", include(model_api)),
    path("models/<name:name>", repos.without_team),
    path("models/<name:name>/revision/<path:rest>", repos.without_team),
    path("datasets", repos.models_only),
    path("datasets/<path:rest>", repos.models_only),
    path("spaces", repos.models_only),
    path("spaces/<path:rest>", repos.models_only),
    path("kernels/<path:rest>", repos.models_only),
    path(NO_XET, repos.not_served, name="hub-no-xet"),
    # Below v1/ an address without its last slash must stay unknown, to be completed.
    re_path(r"^(?!v1/)(?P<rest>.+)$", repos.not_served),
]

large_files = [
    path("batch", lfs.batch, name="hub-lfs-batch"),
    path("verify", lfs.verify, name="hub-lfs-verify"),
    path("<str:sha256>", transfers.upload, name="hub-lfs-upload"),
    path("<str:sha256>/parts", transfers.complete, name="hub-lfs-parts"),
    path("<str:sha256>/parts/<int:number>", transfers.upload_part),
]

model = [
    path("", pages.model_page),
    path("tree/<path:rest>", pages.model_page),
    path("blob/<path:rest>", pages.model_page),
    path("commit/<path:rest>", pages.model_page, name="hub-commit-page"),
    path("resolve/<str:revision>/<path:path>", downloads.resolve),
    path("raw/<str:revision>/<path:path>", downloads.resolve),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include(api)),
    path("<team:team>/<name:name>.git/info/lfs/objects/", include(large_files)),
    path("datasets/<path:rest>", repos.models_only),
    path("spaces/<path:rest>", repos.models_only),
    path("<team:team>/resolve/<path:rest>", repos.without_team),
    path("<team:team>/<name:name>", pages.model_page, name="hub-model"),
    path("<team:team>/<name:name>/", include(model)),
]
