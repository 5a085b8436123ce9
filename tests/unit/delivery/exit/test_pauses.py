"""A provider that throttles stops its own channel, and no other."""

from delivery.exit.pauses import MAX_SECONDS, Pauses
from delivery.providers.simulator import SimulatorProvider
from delivery.providers.table import providers
from messages.message import Channel

EMAIL, SMS = Channel.EMAIL, Channel.SMS


def test_a_throttled_channel_rests_then_asks_with_one_message_while_the_other_goes_on() -> None:
    mail, texts = SimulatorProvider(), SimulatorProvider()
    pauses = Pauses(providers({EMAIL: mail, SMS: texts}, SimulatorProvider()))
    assert pauses.resting(0) == pauses.probing(0) == frozenset()

    pauses.throttled(mail, 5, now=0)
    assert (pauses.resting(4), pauses.probing(4), pauses.seconds(4)) == ({EMAIL}, set(), 1)
    assert (pauses.resting(5), pauses.probing(5)) == (set(), {EMAIL})

    pauses.begin([EMAIL])
    assert (pauses.resting(6), pauses.probing(6)) == ({EMAIL}, set())
    pauses.end([EMAIL])
    pauses.answered(texts)
    assert pauses.probing(6) == {EMAIL}
    pauses.answered(mail)
    assert pauses.resting(6) == pauses.probing(6) == frozenset()


def test_no_pause_is_longer_than_a_minute() -> None:
    mail = SimulatorProvider()
    pauses = Pauses(providers({EMAIL: mail}, SimulatorProvider()))
    pauses.throttled(mail, 3600, now=0)
    assert pauses.probing(MAX_SECONDS) == {EMAIL}
