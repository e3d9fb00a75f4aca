"""The rows of a project, one module a noun."""

from projects.models.audit import AuditEvent
from projects.models.imports import ImportBatch, ImportMapping
from projects.models.items import Item, ItemExclusion, ItemRevision, ItemTag
from projects.models.media import Media, MediaName
from projects.models.metrics import AutomatedScore, Metric
from projects.models.people import Invitation, Membership, Rater, Role
from projects.models.project import Project
from projects.models.systems import Output, OutputRevision, System

__all__ = [
    "AuditEvent",
    "AutomatedScore",
    "ImportBatch",
    "ImportMapping",
    "Invitation",
    "Item",
    "ItemExclusion",
    "ItemRevision",
    "ItemTag",
    "Media",
    "MediaName",
    "Membership",
    "Metric",
    "Output",
    "OutputRevision",
    "Project",
    "Rater",
    "Role",
    "System",
]
