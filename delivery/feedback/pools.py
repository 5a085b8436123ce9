"""Which numbers are behind our pools, read from AWS each hour: a text to one of them is for the service of its pool."""

import structlog

from config.database import Database
from config.settings import Aws, Sms
from delivery.library import origination
from delivery.library.origination import Kind
from delivery.providers import aws_sms_account
from delivery.providers.aws_sms import open_sms_client
from delivery.providers.base import SendError

SECONDS = 3600.0


class Pools:
    """Held by the process that hears from AWS."""

    def __init__(self, database: Database, aws: Aws, sms: Sms) -> None:
        self._database, self._aws, self._sms = database, aws, sms
        self._log = structlog.get_logger("feedback")

    async def read(self) -> None:
        """What AWS does not tell stays as it was told last. Raises as the database does."""
        async with self._database.read() as connection:
            if not any(each.kind is Kind.POOL for each in await origination.list_all(connection)):
                return
        try:
            async with open_sms_client(self._aws, self._sms, 1) as client:
                found = await aws_sms_account.members(client)
        except SendError as error:
            self._log.warning("pools.not_read", reason=error.reason)
            return
        changed = await self._database.transact(lambda connection: origination.note_members(connection, found))
        if changed:
            self._log.info("pools.read", changed=len(changed))
