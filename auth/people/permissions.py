"""What a member of a service's team may do there; each is given by itself."""

from enum import StrEnum


class Permission(StrEnum):
    VIEW_ACTIVITY = "view_activity"  # numbers, messages and what became of them
    SEND_MESSAGES = "send_messages"
    MANAGE_TEMPLATES = "manage_templates"
    MANAGE_SERVICE = "manage_service"  # settings and team
    MANAGE_API_KEYS = "manage_api_keys"  # keys, callbacks and the guest list: asks for a strong factor
