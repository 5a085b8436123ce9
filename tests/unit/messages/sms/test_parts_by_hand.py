"""Texts whose alphabet, units and parts were worked out by hand from 3GPP TS 23.038 and 23.040, not by this code."""

import pytest

from messages.sms.alphabet import BASIC, EXTENSION, Encoding
from messages.sms.parts import Size, size, split

GSM, UCS2 = Encoding.GSM, Encoding.UCS2
FAMILY, FLAG = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e8\U0001f1e6"


@pytest.mark.parametrize(
    ("text", "encoding", "units"),
    [
        # English
        ("Your appointment is tomorrow at 10:30.", GSM, 38),
        ("Reply STOP to end, HELP for help.", GSM, 33),
        ("Service Canada: your file was received. Reference: AB-1234/56.", GSM, 62),
        ("Call 1-800-622-6232 (TTY: 1-800-926-9105) before 4 p.m.", GSM, 55),
        ("Visit https://www.canada.ca/en/services/benefits.html?id=7&lang=en#top", GSM, 70),
        ("Balance: $12.50; 100% paid, 5 < 6 > 4 = fine!", GSM, 45),
        ('Write to a_b@example.ca, quoting "A&B" *now* + soon', GSM, 51),
        ("Line one\nLine two\nLine three", GSM, 28),
        ("Your code is {482913}", GSM, 23),
        ("Price: €5", GSM, 10),
        ("[Reminder] Bring ID | proof of address ~ 2 pieces", GSM, 53),
        ("C:\\temp ^ 2", GSM, 13),
        ("It’s ready", UCS2, 10),
        ("It's ready", GSM, 10),
        ("Open 9–5", UCS2, 8),
        ("Please wait…", UCS2, 12),
        ("Café at 5 £ or ¥, § 4", GSM, 21),
        ("Café", GSM, 4),
        ("Cafe\u0301", UCS2, 5),
        ("Temperature: 20 °C", UCS2, 18),
        ("½ hour left", UCS2, 11),
        ("a\u00a0b", UCS2, 3),
        # French
        ("Votre demande a été approuvée.", GSM, 30),
        ("Voilà où êtes-vous", UCS2, 18),
        ("Bonjour à tous, présentez-vous à l'accueil.", GSM, 43),
        ("Ça va", GSM, 5),
        ("ça va", UCS2, 5),
        ("Le garçon est là.", UCS2, 17),
        ("Hélène, ton déjeuner à Noël", UCS2, 27),
        ("Votre rendez-vous est confirmé pour le 3 mars à 14 h 30.", GSM, 56),
        ("L’école est fermée.", UCS2, 19),
        ("L'école est fermée.", GSM, 19),
        ("Répondez « OUI »", UCS2, 16),
        ('Répondez "OUI"', GSM, 14),
        ("Nœud", UCS2, 4),
        ("Ægir æ É", GSM, 8),
        ("ÉCOLE FERMÉE, ÀÈÙ", UCS2, 17),
        ("Il paie 5 € à midi", GSM, 19),
        ("Prêt pour août?", UCS2, 15),
        ("Où est l'île ?", UCS2, 14),
        ("ARRÊT pour arrêter", UCS2, 18),
        ("ARRET pour arreter", GSM, 18),
        ("Les employé·e·s", UCS2, 15),
        ("Où ça? Là!", UCS2, 10),
        # Inuktitut
        ("ᐃᓄᒃᑎᑐᑦ", UCS2, 6),
        ("ᑐᙵᓱᒋᑦ", UCS2, 5),
        ("ᓄᓇᕗᑦ ᒐᕙᒪᖓ", UCS2, 9),
        ("ᖁᔭᓐᓇᒦᒃ!", UCS2, 7),
        ("Nunavut: ᓄᓇᕗᑦ", UCS2, 13),
        ("Qujannamiik", GSM, 11),
        ("ł&ł", UCS2, 3),
        # Cree
        ("ᑖᓂᓯ", UCS2, 3),
        ("ᓀᐦᐃᔭᐍᐏᐣ", UCS2, 7),
        ("tānisi", UCS2, 6),
        ("nēhiyawēwin", UCS2, 11),
        ("tânisi", UCS2, 6),
        ("kinanâskomitin", UCS2, 14),
        ("ᒥᔼᔑᐣ 12", UCS2, 7),
        # Greek
        ("ΔΦΓΛΩΠΨΣΘΞ", GSM, 10),
        ("Ω", GSM, 1),
        ("\u2126", UCS2, 1),
        ("αβγ", UCS2, 3),
        # Other
        ("@£$¥èéùìòÇØøÅå", GSM, 14),
        ("¡Hola! ¿Qué tal, señor? Ñandú", UCS2, 29),
        ("ÄÖÜäöüß", GSM, 7),
        ("naïve", UCS2, 5),
        ("Привет", UCS2, 6),
        ("你好，世界", UCS2, 5),
        ("مرحبا", UCS2, 5),
        # Emoji
        ("😀", UCS2, 2),
        ("OK 👍", UCS2, 5),
        ("👍\U0001f3fd", UCS2, 4),
        ("👨\u200d👩\u200d👧", UCS2, 8),
        ("🇨🇦", UCS2, 4),
        ("❤\ufe0f", UCS2, 2),
        ("1\ufe0f\u20e3", UCS2, 3),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", UCS2, 14),
        ("☎ 911", UCS2, 5),
        ("🧑\U0001f3fe\u200d🚒", UCS2, 7),
        ("✅ Reçu", UCS2, 6),
        ("", GSM, 0),
    ],
)
def test_short_text_is_one_part(text, encoding, units):
    assert size(text) == Size(encoding, units, 1)
    assert split(text) == (text,)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        # GSM: 160 alone, 153 joined.
        ("a" * 160, GSM, 160, (160,)),
        ("a" * 161, GSM, 161, (153, 8)),
        ("a" * 306, GSM, 306, (153, 153)),
        ("a" * 307, GSM, 307, (153, 153, 1)),
        ("a" * 459, GSM, 459, (153, 153, 153)),
        ("a" * 460, GSM, 460, (153, 153, 153, 1)),
        ("a" * 612, GSM, 612, (153, 153, 153, 153)),
        ("a" * 1530, GSM, 1530, (153,) * 10),
        ("é\n" * 80, GSM, 160, (160,)),
        ("é\n" * 81, GSM, 162, (153, 9)),
        # A character of the extension is two septets, and moves whole: parts here are in characters.
        ("€" * 80, GSM, 160, (80,)),
        ("€" * 80 + "a", GSM, 161, (76, 5)),
        ("€" * 81, GSM, 162, (76, 5)),
        ("a" * 158 + "€", GSM, 160, (159,)),
        ("a" * 159 + "€", GSM, 161, (153, 7)),
        ("a" * 151 + "€" + "a" * 8, GSM, 161, (152, 8)),
        ("a" * 152 + "€" + "a" * 7, GSM, 161, (152, 8)),
        ("a" * 152 + "€" + "a" * 152, GSM, 306, (152, 152, 1)),  # 306 are two parts of 153 for who divides
        ("€" * 152, GSM, 304, (76, 76)),
        ("€" * 153, GSM, 306, (76, 76, 1)),
        ("a" + "€" * 152 + "a", GSM, 306, (77, 77)),
        ("[]" * 153, GSM, 612, (76, 76, 76, 76, 2)),
        # UCS-2: 70 alone, 67 joined.
        ("ê" * 70, UCS2, 70, (70,)),
        ("ê" * 71, UCS2, 71, (67, 4)),
        ("ê" * 134, UCS2, 134, (67, 67)),
        ("ê" * 135, UCS2, 135, (67, 67, 1)),
        ("ê" * 630, UCS2, 630, (*(67,) * 9, 27)),
        ("ᐃ" * 70, UCS2, 70, (70,)),
        ("ᐃ" * 71, UCS2, 71, (67, 4)),
        ("a" * 69 + "’", UCS2, 70, (70,)),
        ("a" * 159 + "’", UCS2, 160, (67, 67, 26)),
        ("€" * 69 + "ç", UCS2, 70, (70,)),  # one unit each, where GSM takes two septets
        # Emoji are two units and move whole.
        ("😀" * 35, UCS2, 70, (35,)),
        ("😀" * 36, UCS2, 72, (33, 3)),
        ("ê" * 65 + "😀" + "ê" * 4, UCS2, 71, (66, 4)),
        ("ê" * 66 + "😀" + "ê" * 3, UCS2, 71, (66, 4)),
        ("ê" * 66 + "😀" + "ê" * 66, UCS2, 134, (66, 66, 1)),  # 134 are two parts of 67 for who divides
        ("😀" * 66, UCS2, 132, (33, 33)),
        ("😀" * 67, UCS2, 134, (33, 33, 1)),
        # What is shown as one sign may stand in two parts: readers join them first.
        ("ê" * 62 + FAMILY, UCS2, 70, (67,)),
        ("ê" * 63 + FAMILY, UCS2, 71, (65, 3)),  # the second picture of three would begin in the 67th unit
        ("ê" * 66 + FLAG + "ê", UCS2, 71, (66, 3)),
        ("ê" * 65 + FLAG + "êê", UCS2, 71, (66, 3)),
        ("e\u0301" * 35, UCS2, 70, (70,)),
        ("e\u0301" * 36, UCS2, 72, (67, 5)),
    ],
)
def test_long_text_is_cut_greedily(text, encoding, units, parts):
    assert size(text) == Size(encoding, units, len(parts))
    assert tuple(map(len, split(text))) == parts
    assert "".join(split(text)) == text


def test_table_is_the_one_of_the_standard():
    """TS 23.038 6.2.1: 128 places, one of them the escape; ten characters behind that."""
    assert len(set(BASIC)) == len(BASIC) == 127
    assert (BASIC[0x00], BASIC[0x09], BASIC[0x0A], BASIC[0x10], BASIC[0x1A]) == ("@", "Ç", "\n", "Δ", "Ξ")
    assert BASIC.index("A") + 1 == 0x41  # the escape, 0x1B, is left out before it
    assert (BASIC[0x5F - 1], BASIC[0x60 - 1], BASIC[0x7F - 1]) == ("§", "¿", "à")
    assert len(set(EXTENSION)) == len(EXTENSION) == 10
