"""A message with more recipients than a key's minute or a service's day holds would hear "later" for ever."""

from pathlib import Path

from tests.harness.smtp_door import Client, running_door


async def test_the_recipient_too_many_hears_so_and_the_others_are_sent(tmp_path: Path) -> None:
    async with running_door(tmp_path) as door:
        async with door.database.write() as connection:
            await connection.exec_driver_sql("UPDATE keys SET per_minute = 3")
        client = await Client.connect(door, tls=True)
        await client.log_in()
        assert (await client.ask("MAIL FROM:<app@example.org>")).startswith("250 ")
        answers = [await client.ask(f"RCPT TO:<r{n}@example.org>") for n in range(4)]
        assert (await client.ask("DATA")).startswith("354 ")
        end = await client.ask(b"From: a@example.org\r\n\r\nHello\r\n.\r\n")
        assert end.startswith("250 "), end
        assert [answer[:9] for answer in answers] == ["250 2.1.5"] * 3 + ["452 4.5.3"]
