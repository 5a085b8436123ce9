"""Every table: for who must miss none of them. tests/migration holds it to what the database has."""

# Each import adds its tables to the metadata.
import auth.audit
import auth.domains.names
import auth.guests
import auth.keys
import auth.limits
import auth.notices
import auth.people.challenges
import auth.people.codes
import auth.people.devices
import auth.people.drafts
import auth.people.enquiries
import auth.people.go_live
import auth.people.invitations
import auth.people.memberships
import auth.people.organisations
import auth.people.passkeys
import auth.people.recovery
import auth.people.reply_to_codes
import auth.people.sessions
import auth.people.totp
import auth.people.users
import auth.presence
import auth.reply_tos
import auth.roots
import auth.senders
import auth.service_domains
import auth.services
import auth.throttle
import auth.watches
import delivery.figures.tables
import delivery.library.brandings
import delivery.library.origination
import delivery.library.templates
import delivery.store.backlogs
import delivery.store.inbound
import delivery.store.mail_answers
import delivery.store.reputations
import delivery.store.send_rates
import delivery.store.sent_index
import delivery.store.suppressions
import delivery.store.tables
from config.database import metadata

__all__ = ["metadata"]
