from messages.address import Address
from messages.envelope import Envelope
from messages.message import new_id

ANN, BEN = Address("ann", "example.ca"), Address("ben", "example.ca")


def test_split_gives_each_mailbox_one_envelope_in_order():
    envelope = Envelope(None, (BEN, ANN, Address("BEN", "example.ca")))
    assert envelope.split() == (Envelope(None, (BEN,)), Envelope(None, (ANN,)))


def test_split_keeps_the_reverse_path():
    assert Envelope("ann@web01", (BEN,)).split() == (Envelope("ann@web01", (BEN,)),)


def test_envelope_without_recipients_splits_into_nothing():
    assert Envelope("ann@web01", ()).split() == ()


def test_ids_sort_by_time_and_are_uuids_of_version_7():
    early, late = new_id(1000.0, b"\xff" * 10), new_id(1000.001, b"\0" * 10)
    assert early < late
    assert (early.version, early.variant) == (7, "specified in RFC 4122")
