"""The words of the register and what each implies; no database, no translation."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


def _(label: str) -> str:
    """Return the label itself; the call marks it for the translation catalogue."""
    return label


class Kind(StrEnum):
    """What an entry is; only a model has a category."""

    MODEL = "model"
    PRODUCT = "product"
    TOOL = "tool"


KIND_LABELS: Final[Mapping[Kind, str]] = {
    Kind.MODEL: _("Model"),
    Kind.PRODUCT: _("Product"),
    Kind.TOOL: _("Tool"),
}


class Category(StrEnum):
    """What the makers of a model did."""

    BASE = "base"
    CONTINUED_PRETRAINING = "continued-pretraining"
    SFT = "sft"
    PROMPT_WRAPPER = "prompt-wrapper"
    API_RESKIN = "api-reskin"
    RETRAINED = "retrained"
    PREFERENCE_TUNED = "preference-tuned"
    ADAPTER = "adapter"
    DISTILLED = "distilled"
    MERGE = "merge"
    QUANTIZED = "quantized"
    ASSEMBLED = "assembled"
    WEIGHTS_RESKIN = "weights-reskin"


CATEGORY_LABELS: Final[Mapping[Category, str]] = {
    Category.BASE: _("Base"),
    Category.CONTINUED_PRETRAINING: _("Continued pre-training"),
    Category.SFT: _("Fine-tuned"),
    Category.PROMPT_WRAPPER: _("Prompt wrapper"),
    Category.API_RESKIN: _("API reskin"),
    Category.RETRAINED: _("Retrained"),
    Category.PREFERENCE_TUNED: _("Preference-tuned"),
    Category.ADAPTER: _("Adapter"),
    Category.DISTILLED: _("Distilled"),
    Category.MERGE: _("Merge"),
    Category.QUANTIZED: _("Quantized"),
    Category.ASSEMBLED: _("Assembled"),
    Category.WEIGHTS_RESKIN: _("Weights reskin"),
}

HEADLINE_CATEGORIES: Final = (
    Category.BASE,
    Category.CONTINUED_PRETRAINING,
    Category.SFT,
    Category.PROMPT_WRAPPER,
    Category.API_RESKIN,
)

# A category that refines none of the five headlines stands for itself.
CATEGORY_HEADLINE: Final[Mapping[Category, Category]] = {
    category: category for category in Category
} | {
    Category.RETRAINED: Category.BASE,
    Category.PREFERENCE_TUNED: Category.SFT,
    Category.ADAPTER: Category.SFT,
}


class Architecture(StrEnum):
    """The branch of the transformer tree that a model stands on, or another design."""

    DECODER = "decoder"
    DECODER_MOE = "decoder-moe"
    ENCODER = "encoder"
    ENCODER_DECODER = "encoder-decoder"
    DIFFUSION = "diffusion"
    RECURRENT = "recurrent"
    HYBRID = "hybrid"


ARCHITECTURE_LABELS: Final[Mapping[Architecture, str]] = {
    Architecture.DECODER: _("Decoder (GPT branch)"),
    Architecture.DECODER_MOE: _("Decoder with experts"),
    Architecture.ENCODER: _("Encoder (BERT branch)"),
    Architecture.ENCODER_DECODER: _("Encoder and decoder (T5 branch)"),
    Architecture.DIFFUSION: _("Diffusion"),
    Architecture.RECURRENT: _("Recurrent or state space"),
    Architecture.HYBRID: _("Attention and state space"),
}


class Share(StrEnum):
    """How much of a step the makers did themselves."""

    OWN = "own"
    SMALLER = "smaller"
    SMALL = "small"
    BORROWED = "borrowed"
    TEACHER = "teacher"
    NONE = "none"


SHARE_LABELS: Final[Mapping[Share, str]] = {
    Share.OWN: _("Own"),
    Share.SMALLER: _("Own, smaller"),
    Share.SMALL: _("Small"),
    Share.BORROWED: _("Borrowed"),
    Share.TEACHER: _("The teacher's"),
    Share.NONE: _("None"),
}

# Data, architecture and method, compute: what a category means by default.
CATEGORY_SHARES: Final[Mapping[Category, tuple[Share, Share, Share]]] = {
    Category.BASE: (Share.OWN, Share.OWN, Share.OWN),
    Category.CONTINUED_PRETRAINING: (Share.OWN, Share.BORROWED, Share.SMALLER),
    Category.SFT: (Share.SMALL, Share.BORROWED, Share.SMALL),
    Category.PROMPT_WRAPPER: (Share.NONE, Share.NONE, Share.NONE),
    Category.API_RESKIN: (Share.NONE, Share.NONE, Share.NONE),
    Category.RETRAINED: (Share.OWN, Share.BORROWED, Share.OWN),
    Category.PREFERENCE_TUNED: (Share.SMALL, Share.BORROWED, Share.SMALL),
    Category.ADAPTER: (Share.SMALL, Share.BORROWED, Share.SMALL),
    Category.DISTILLED: (Share.TEACHER, Share.BORROWED, Share.OWN),
    Category.MERGE: (Share.NONE, Share.BORROWED, Share.NONE),
    Category.QUANTIZED: (Share.NONE, Share.BORROWED, Share.NONE),
    Category.ASSEMBLED: (Share.SMALL, Share.BORROWED, Share.SMALL),
    Category.WEIGHTS_RESKIN: (Share.NONE, Share.NONE, Share.NONE),
}

# Trained from scratch; every other category is derived from somebody's model.
FROM_SCRATCH: Final = frozenset({Category.BASE, Category.RETRAINED})


class Layer(StrEnum):
    """What travels along a derivation."""

    WEIGHTS = "weights"
    COMPONENT = "component"
    OUTPUTS = "outputs"
    SERVICE = "service"
    ARCHITECTURE = "architecture"
    TOKENIZER = "tokenizer"


LAYER_LABELS: Final[Mapping[Layer, str]] = {
    Layer.WEIGHTS: _("Weights"),
    Layer.COMPONENT: _("Component"),
    Layer.OUTPUTS: _("Outputs"),
    Layer.SERVICE: _("Service"),
    Layer.ARCHITECTURE: _("Architecture"),
    Layer.TOKENIZER: _("Tokenizer"),
}

WEIGHT_LAYERS: Final = frozenset({Layer.WEIGHTS, Layer.COMPONENT})


class Relation(StrEnum):
    """How a child comes from a parent, grouped by layer."""

    CONTINUED_PRETRAINING = "continued-pretraining"
    SFT = "sft"
    PREFERENCE_TUNED = "preference-tuned"
    ADAPTER = "adapter"
    MERGE = "merge"
    QUANTIZED = "quantized"
    PRUNED = "pruned"
    UPSCALED = "upscaled"
    UPCYCLED = "upcycled"
    VOCABULARY_EXTENDED = "vocabulary-extended"
    RESKIN = "reskin"

    CONTAINS = "contains"

    DISTILLED = "distilled"
    SYNTHETIC_DATA = "synthetic-data"

    PROMPT_WRAPPER = "prompt-wrapper"
    API_RESKIN = "api-reskin"
    POWERS = "powers"

    SAME_ARCHITECTURE = "same-architecture"
    INFLUENCED_BY = "influenced-by"
    TAKES_PART = "takes-part"

    SAME_TOKENIZER = "same-tokenizer"
    EXTENDED_TOKENIZER = "extended-tokenizer"


RELATION_LABELS: Final[Mapping[Relation, str]] = {
    Relation.CONTINUED_PRETRAINING: _("continued pre-training of"),
    Relation.SFT: _("fine-tuned from"),
    Relation.PREFERENCE_TUNED: _("preference-tuned from"),
    Relation.ADAPTER: _("adapter for"),
    Relation.MERGE: _("merged from"),
    Relation.QUANTIZED: _("quantized from"),
    Relation.PRUNED: _("pruned from"),
    Relation.UPSCALED: _("up-scaled from"),
    Relation.UPCYCLED: _("up-cycled from"),
    Relation.VOCABULARY_EXTENDED: _("extends the vocabulary of"),
    Relation.RESKIN: _("the weights, renamed, of"),
    Relation.CONTAINS: _("contains"),
    Relation.DISTILLED: _("distilled from"),
    Relation.SYNTHETIC_DATA: _("trained on text written by"),
    Relation.PROMPT_WRAPPER: _("a prompt in front of"),
    Relation.API_RESKIN: _("the API, renamed, of"),
    Relation.POWERS: _("powered by"),
    Relation.SAME_ARCHITECTURE: _("has the architecture of"),
    Relation.INFLUENCED_BY: _("influenced by"),
    Relation.TAKES_PART: _("takes a part from"),
    Relation.SAME_TOKENIZER: _("has the tokenizer of"),
    Relation.EXTENDED_TOKENIZER: _("extends the tokenizer of"),
}

RELATIONS_BY_LAYER: Final[Mapping[Layer, tuple[Relation, ...]]] = {
    Layer.WEIGHTS: (
        Relation.CONTINUED_PRETRAINING,
        Relation.SFT,
        Relation.PREFERENCE_TUNED,
        Relation.ADAPTER,
        Relation.MERGE,
        Relation.QUANTIZED,
        Relation.PRUNED,
        Relation.UPSCALED,
        Relation.UPCYCLED,
        Relation.VOCABULARY_EXTENDED,
        Relation.RESKIN,
    ),
    Layer.COMPONENT: (Relation.CONTAINS,),
    Layer.OUTPUTS: (Relation.DISTILLED, Relation.SYNTHETIC_DATA),
    Layer.SERVICE: (
        Relation.PROMPT_WRAPPER,
        Relation.API_RESKIN,
        Relation.POWERS,
    ),
    Layer.ARCHITECTURE: (
        Relation.SAME_ARCHITECTURE,
        Relation.INFLUENCED_BY,
        Relation.TAKES_PART,
    ),
    Layer.TOKENIZER: (Relation.SAME_TOKENIZER, Relation.EXTENDED_TOKENIZER),
}

RELATION_LAYER: Final[Mapping[Relation, Layer]] = {
    relation: layer
    for layer, relations in RELATIONS_BY_LAYER.items()
    for relation in relations
}

# The category of a model that names a base and a relation, but no category.
RELATION_CATEGORY: Final[Mapping[Relation, Category]] = {
    Relation.CONTINUED_PRETRAINING: Category.CONTINUED_PRETRAINING,
    Relation.SFT: Category.SFT,
    Relation.PREFERENCE_TUNED: Category.PREFERENCE_TUNED,
    Relation.ADAPTER: Category.ADAPTER,
    Relation.MERGE: Category.MERGE,
    Relation.QUANTIZED: Category.QUANTIZED,
    Relation.PRUNED: Category.QUANTIZED,
    Relation.UPSCALED: Category.CONTINUED_PRETRAINING,
    Relation.UPCYCLED: Category.CONTINUED_PRETRAINING,
    Relation.VOCABULARY_EXTENDED: Category.CONTINUED_PRETRAINING,
    Relation.RESKIN: Category.WEIGHTS_RESKIN,
    Relation.CONTAINS: Category.ASSEMBLED,
    Relation.DISTILLED: Category.DISTILLED,
    Relation.PROMPT_WRAPPER: Category.PROMPT_WRAPPER,
    Relation.API_RESKIN: Category.API_RESKIN,
    Relation.SAME_ARCHITECTURE: Category.RETRAINED,
}


class StatementKind(StrEnum):
    """What can be said about a derivation."""

    DECLARED = "declared"
    CITED = "cited"
    ALLEGED = "alleged"
    VERIFIED = "verified"
    CONTRADICTED = "contradicted"
    FOUND = "found"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"


STATEMENT_LABELS: Final[Mapping[StatementKind, str]] = {
    StatementKind.DECLARED: _("Declared"),
    StatementKind.CITED: _("Cited"),
    StatementKind.ALLEGED: _("Alleged"),
    StatementKind.VERIFIED: _("Verified"),
    StatementKind.CONTRADICTED: _("Contradicted"),
    StatementKind.FOUND: _("Found"),
    StatementKind.DISPUTED: _("Disputed"),
    StatementKind.WITHDRAWN: _("Withdrawn"),
}

# What reading can establish; the others need the weights or a later event.
CATALOG_STATES: Final = frozenset(
    {
        StatementKind.DECLARED,
        StatementKind.CITED,
        StatementKind.ALLEGED,
        StatementKind.DISPUTED,
    }
)


class Verdict(StrEnum):
    """What the weights say about a revision and the base it declares."""

    CONSISTENT = "consistent"
    UNDECLARED_BASE = "undeclared-base"
    NOT_DERIVED_FROM_DECLARED = "not-derived-from-declared"
    RENAMED_COPY = "renamed-copy"
    INDEPENDENT = "independent"
    INCONCLUSIVE = "inconclusive"
    NOT_VERIFIABLE = "not-verifiable"


VERDICT_LABELS: Final[Mapping[Verdict, str]] = {
    Verdict.CONSISTENT: _("Consistent"),
    Verdict.UNDECLARED_BASE: _("Undeclared base"),
    Verdict.NOT_DERIVED_FROM_DECLARED: _("Not derived from the declared base"),
    Verdict.RENAMED_COPY: _("Renamed copy"),
    Verdict.INDEPENDENT: _("Independent"),
    Verdict.INCONCLUSIVE: _("Inconclusive"),
    Verdict.NOT_VERIFIABLE: _("Not verifiable"),
}


class Confidence(StrEnum):
    """How sure a source makes us."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


CONFIDENCE_LABELS: Final[Mapping[Confidence, str]] = {
    Confidence.HIGH: _("High"),
    Confidence.MEDIUM: _("Medium"),
    Confidence.LOW: _("Low"),
}

# Every word the engine may print; an empty tuple makes no derivation.
ENGINE_RELATIONS: Final[Mapping[str, tuple[Relation, ...]]] = {
    "identical": (Relation.RESKIN,),
    "renamed": (Relation.RESKIN,),
    "permuted": (Relation.RESKIN,),
    "noised": (Relation.RESKIN,),
    "cast": (Relation.QUANTIZED,),
    "quantized": (Relation.QUANTIZED,),
    "adapter": (Relation.ADAPTER,),
    "lora-merged": (Relation.SFT,),
    "fine-tuned": (Relation.SFT, Relation.PREFERENCE_TUNED),
    "continued-pretraining": (Relation.CONTINUED_PRETRAINING,),
    "vocabulary-extended": (Relation.VOCABULARY_EXTENDED,),
    "pruned": (Relation.PRUNED,),
    "upcycled": (Relation.UPCYCLED,),
    "merged": (Relation.MERGE,),
    "depth-changed": (Relation.UPSCALED, Relation.PRUNED),
    "siblings": (),
    "embeddings-only": (),
    "common-initialisation": (),
    "same-architecture": (),
    "unrelated": (),
    "inconclusive": (),
}

# The hub's base_model_relation -> the relations it agrees with, default first.
HUB_RELATIONS: Final[Mapping[str, tuple[Relation, ...]]] = {
    "adapter": (Relation.ADAPTER,),
    "merge": (Relation.MERGE,),
    "quantized": (Relation.QUANTIZED,),
    "finetune": (
        Relation.SFT,
        Relation.PREFERENCE_TUNED,
        Relation.CONTINUED_PRETRAINING,
    ),
}


def agreeing_relations(word: str) -> tuple[Relation, ...]:
    """Return the relations that a declared relation word agrees with, default first.

    The word is the hub's (`finetune` agrees with three) or a relation of ours, which
    agrees with itself. Raises ValueError for any other word.
    """
    return HUB_RELATIONS.get(word) or (Relation(word),)


_RESERVED = """
.well-known about account accounts admin api apple-touch-icon.png assets atom.xml badge
badges blog by-hash catalog categories claims common-ancestors compare contact
corrections datasets disputes docs download downloads dump en export facets families
family favicon.ico feed feeds glossary gone graph health healthz help home hub
humans.txt i18n identify import invitations jobs jsi18n licenses lineage livez login
logout manifest.json media method methods metrics models moderation new oauth
organizations path ping predicates privacy products readyz register registrations
resolve robots.txt rss schema search security.txt settings setup signup sitemap.xml
spaces sso static statistics stats status subtree terms tokens tools upload uploads user
users v1 verdicts verifications webhooks whoami zh zh-cn zh-hans zh-hant
"""

# First path segments; an organisation or a slug of this name would be unreachable.
RESERVED_NAMES: Final = frozenset(_RESERVED.split())


def is_reserved(name: str) -> bool:
    """Return whether a name belongs to the site itself; case is ignored."""
    return name.lower() in RESERVED_NAMES
