import pytest

from messages.email.history import cut

OUTLOOK = "From: Ann Lee <ann@example.ca>\nSent: Monday, June 3, 2024 2:05 PM\nTo: Bob\nSubject: Re: File\n\nOld words"
OUTLOOK_FR = (
    "De : Ann Lee <ann@example.ca>\nEnvoyé : 3 juin 2024 14:05\nÀ : Bob\nCc : Eve\nObjet : Dossier\n\nAnciens mots"
)


@pytest.mark.parametrize(
    "history",
    [
        "On Mon, Jun 3, 2024 at 2:05 PM Ann Lee <ann@example.ca> wrote:\n\n> Old words\n> more",
        "On Mon, Jun 3, 2024 at 2:05 PM Ann Lee\n<ann@example.ca> wrote:\n> Old words",
        "On 2024-06-03 14:05, Ann Lee wrote:\nOld words, as HTML leaves them",
        "Le lun. 3 juin 2024 à 14:05, Ann Lee <ann@example.ca> a écrit :\n> Anciens mots",
        "Le lun. 3 juin 2024 à 14:05, Ann Lee <ann@example.ca>\na écrit\u00a0:\n\n> Anciens mots",
        "Le 03/06/2024 à 14:05, Ann Lee a écrit :\nAnciens mots",
        "--- On Mon, 6/3/24, ann@example.ca <ann@example.ca> wrote:\nOld words",
        "Ann Lee wrote:\n> Old words",
        "2024-06-03 14:05 GMT-04:00 Ann Lee <ann@example.ca>:\n\n> Old words",
        "-----Original Message-----\nFrom: Ann Lee\nOld words",
        "----- Original Message -----\nOld words",
        "-----Message d'origine-----\nDe : Ann Lee",
        "-----Message d\u2019origine-----\nDe : Ann Lee",
        "-------- Message original --------\nDe : Ann",
        "---------- Forwarded message ---------\nFrom: Ann",
        "---------- Message transféré ---------\nDe : Ann",
        "Begin forwarded message:\n\nFrom: Ann",
        "Début du message réexpédié :\n\nDe: Ann",
        OUTLOOK,
        OUTLOOK_FR,
        f"________________________________\n{OUTLOOK}",
        "*From:* Ann Lee\n*Sent:* Monday\n*To:* Bob\n*Subject:* Re: File",
        "> Old words\n> more",
        "-- \nAnn Lee\nPassport Office",
        "--\nAnn Lee",
        "Sent from my iPhone",
        "Envoyé de mon iPhone",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Obtenir Outlook pour Android",
        "Sent from my iPhone\n\nOn 3 Jun 2024, at 14:05, Ann Lee <ann@example.ca> wrote:\n\n> Old words",
        "-----BEGIN PGP SIGNATURE-----\n\niQ==",
        "begin 644 photo.jpg\nM_]C_X``02D9)",
    ],
)
def test_quoted_mail_and_signature_are_cut(history):
    assert cut(f"Your file is ready.\n\nCome by.\n\n{history}\n") == "Your file is ready.\n\nCome by."
    assert cut(f"{history}\n") == ""


def test_answers_between_quoted_lines_stay():
    text = "On Mon, Jun 3, 2024 at 2:05 PM Ann wrote:\n> When?\nAt noon.\n> Where?\nHere."
    assert cut(text) == "At noon.\nHere."


@pytest.mark.parametrize(
    "text",
    [
        "Office hours:\nFrom: 9:00\nTo: 17:00",  # no date line: not Outlook's
        "On Monday the office wrote:\nnothing",  # no date
        "Le bureau vous a écrit : une lettre",
        "Le bureau est ouvert de 9:00 à 17:00.",
        "2 -- 3 days",
        "a\n---\nb",
        "We sent from my office a form",
        "5 > 4\nand 3 < 4",
        "De : rien",
        "Once upon a time",
    ],
)
def test_what_only_looks_like_it_stays(text):
    assert cut(text) == text


def test_clear_signed_text_is_read():
    text = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nYour file\n-----BEGIN PGP SIGNATURE-----\n\niQ=="
    assert cut(text) == "Your file"


@pytest.mark.parametrize("line", ["> x", "On 2024 ", "From: a", "a wrote:", "Le 2024 a ", "-", "____", "Sent: x", " "])
def test_odd_text_takes_time_in_proportion(line):
    cut(f"{line}\n" * 40_000)
    cut(line * 100_000)
