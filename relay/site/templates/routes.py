"""The routes of templates."""

from auth.people.permissions import Permission
from relay.site.routing import Route
from relay.site.templates import editing, listing, previewing, shelving, versions

_ALL = "services/{service_id}/templates"
_ONE = f"{_ALL}/{{template_id}}"
_MAY = Permission.MANAGE_TEMPLATES

ROUTES = (
    Route("GET", _ALL, listing.show, _MAY),
    Route("GET", f"{_ALL}/new-email", editing.new_email, _MAY),
    Route("POST", f"{_ALL}/new-email", editing.make_email, _MAY, max_bytes=editing.FORM_BYTES),
    Route("GET", f"{_ALL}/new-text", editing.new_text, _MAY),
    Route("POST", f"{_ALL}/new-text", editing.make_text, _MAY, max_bytes=editing.FORM_BYTES),
    Route("GET", _ONE, previewing.show, _MAY),
    Route("GET", f"{_ONE}/frame", previewing.frame, _MAY),
    Route("POST", f"{_ONE}/frame", previewing.fill_frame, _MAY, max_bytes=editing.FORM_BYTES),
    Route("GET", f"{_ONE}/edit", editing.edit, _MAY),
    Route("POST", f"{_ONE}/edit", editing.save, _MAY, max_bytes=editing.FORM_BYTES),
    Route("GET", f"{_ONE}/versions", versions.show_all, _MAY),
    Route("GET", f"{_ONE}/versions/{{version}}", versions.show_one, _MAY),
    Route("GET", f"{_ONE}/copy", shelving.ask_copy, _MAY),
    Route("POST", f"{_ONE}/copy", shelving.copy, _MAY),
    Route("GET", f"{_ONE}/archive", shelving.ask_archive, _MAY),
    Route("POST", f"{_ONE}/archive", shelving.archive, _MAY),
    Route("GET", f"{_ONE}/restore", shelving.ask_restore, _MAY),
    Route("POST", f"{_ONE}/restore", shelving.restore, _MAY),
)
