import pytest

from messages.phone import PhoneNumber, PhoneNumberError


@pytest.mark.parametrize(
    "text",
    [
        "6135550100",
        "613 555 0100",
        "613-555-0100",
        "613.555.0100",
        "(613) 555-0100",
        "1 613 555 0100",
        "1-613-555-0100",
        "+16135550100",
        "+1 (613) 555-0100",
        "(+1) 613 555 0100",
        "+1\u00a0613\u202f555\u20110100",
        "\u202a+16135550100\u202c",  # as copied from a contact on a phone
        "613\u200b5550100",
        " 613/555-0100\n",
    ],
)
def test_number_is_read_as_people_write_it(text):
    assert str(PhoneNumber.parse(text)) == PhoneNumber.parse(text).key == "+16135550100"


@pytest.mark.parametrize(
    "text", ["+15149301633", "+15149301632", "+16132532222", "+16132532223", "+16132532224", "6132532222"]
)
def test_numbers_that_notify_names_for_tests_are_read(text):
    assert not PhoneNumber.parse(text).international


@pytest.mark.parametrize(
    ("text", "region", "international"),
    [
        ("+16135550100", "CA", False),
        ("+18679795555", "CA", False),
        ("+12025550104", "US", False),
        ("+18005551234", "US", False),
        ("+12423570100", "BS", True),
        ("+17875550100", "PR", True),
        ("+18765550123", "JM", True),
        ("+33612345678", "FR", True),
        ("011 33 6 12 34 56 78", "FR", True),
        ("+447400123456", "GB", True),
        ("+80012345678", "", True),  # of no country
    ],
)
def test_country_is_that_of_the_number_not_of_its_code(text, region, international):
    number = PhoneNumber.parse(text)
    assert (number.region, number.international) == (region, international)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Not enough digits"),
        ("+", "Not enough digits"),
        ("911", "Not enough digits"),
        ("555-0100", "Not enough digits"),
        ("613555010", "Not enough digits"),
        ("+3361234", "Not enough digits"),
        ("613 555 0100 1", "Too many digits"),
        ("+336123456789012", "Too many digits"),
        ("+1613555010012345678", "Too many digits"),
        ("9" * 60, "Too many digits"),
        ("+999123456789", "Not a valid country prefix"),
        ("1-800-FLOWERS", "Must not contain letters or symbols"),
        ("613-555-0100 x5", "Must not contain letters or symbols"),
        ("613-555-0100 ext. 5", "Must not contain letters or symbols"),
        ("613-555-0100#5", "Must not contain letters or symbols"),
        ("tel:+16135550100", "Must not contain letters or symbols"),
        ("6+135550100", "Must not contain letters or symbols"),
        ("++16135550100", "Must not contain letters or symbols"),
        ("\u0666\u0661\u06635550100", "Must not contain letters or symbols"),
        ("ann@example.ca", "Must not contain letters or symbols"),
        ("613\0" + "5550100", "Must not contain letters or symbols"),
        ("6135550100;ext=5", "Not a valid number"),
        ("+16135550100;+16135550101", "Not a valid number"),
        ("6" * 1_000_000, "Not a valid number"),
        ("111 555 0100", "Not a valid local number"),
        ("+1 242 555 0100", "Not a valid local number"),
        ("+33 000 000 000", "Not a valid international number"),
    ],
)
def test_number_that_cannot_be_used_is_refused_in_notifys_words(text, message):
    with pytest.raises(PhoneNumberError) as told:
        PhoneNumber.parse(text)
    assert str(told.value) == message


def test_stored_number_is_read_whatever_the_tables_say_today():
    assert PhoneNumber("+12425550100").region in ("", "BS")
