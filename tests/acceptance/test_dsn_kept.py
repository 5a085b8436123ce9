"""What a client asks to be told of its message is kept with it, each recipient's own."""

import sqlite3

from tests.harness.mail import address, connect, group_id
from tests.harness.relay import Credentials, Relay


def test_dsn_parameters_are_shown_with_the_message_and_encrypted_in_the_database(
    relay: Relay, key: Credentials
) -> None:
    first, second, third = address("first"), address("second"), address("third")
    with connect(relay, key) as client:
        assert "dsn" in client.esmtp_features  # before the log-in nobody knows whether there is whom to tell
        assert client.mail("app@example.org", ["RET=HDRS", "ENVID=case+2031"])[0] == 250
        assert client.rcpt(first, ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;" + first])[0] == 250
        assert client.rcpt(second)[0] == 250
        assert client.rcpt(third, ["NOTIFY=NEVER"])[0] == 250
        code, answer = client.data(b"From: app@example.org\r\nSubject: s\r\n\r\nx\r\n")
        group = group_id(f"{code} {answer.decode()}", 3)
    shown = {each["recipient"]: each["dsn"] for each in relay.histories(group)}
    assert shown == {
        first: f"RET=HDRS ENVID=case 31 NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;{first}",
        second: "RET=HDRS ENVID=case 31",
        third: "RET=HDRS ENVID=case 31 NOTIFY=NEVER",
    }
    assert "RET=HDRS ENVID=case 31" in relay.run("message", "show", group).stdout
    with sqlite3.connect(relay.folder / "var/relay.db") as database:
        kept = database.execute("SELECT dsn FROM messages WHERE dsn IS NOT NULL").fetchall()
    assert len(kept) >= 3
    assert not any(b"case" in row[0] for row in kept)


def test_nothing_is_kept_where_nothing_was_asked(relay: Relay, key: Credentials) -> None:
    with connect(relay, key) as client:
        group = group_id(client.submit([address("plain")]))
    assert [each["dsn"] for each in relay.histories(group)] == [None]
