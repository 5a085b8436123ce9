"""Where what somebody wrote ends, and quoted mail or a signature begins: plain text, English and French.

Cut off with all that follows: a signature (RFC 3676 4.3), a separator such as -----Original Message-----, Outlook's
block of header lines, an attribution ("On ... wrote:") that no quoted line follows. Left out alone: lines quoted by >
and the attribution before them, so that answers between them stay. Knows nothing of MIME.
"""

import re
from collections.abc import Sequence

_MAX_LINE = 300  # of a line that is looked at
_MAX_ATTRIBUTION = 3  # lines that one is wrapped into
_MAX_HEADER = 8  # lines of Outlook's block

_SEPARATOR = re.compile(
    r"-{2,}\s*(?:(?:original|forwarded) (?:message|appointment)|message (?:d['\u2019]origine|original|transf[ée]r[ée]"
    r"|r[ée]exp[ée]di[ée])|(?:courriel|rendez-vous) d['\u2019]origine)\s*-{2,}"
    r"|begin forwarded message:|d[ée]but du message (?:transf[ée]r[ée]|r[ée]exp[ée]di[ée])\s?:"
    r"|-----BEGIN PGP (?:SIGNATURE|MESSAGE)-----|begin [0-7]{3,4} \S.*",
    re.IGNORECASE,
)
_WHEN = r"(?=.*(?:\d{4}|\d\d?[:h]\d\d|\d\d?/\d\d?))"
_ATTRIBUTION = re.compile(rf"-*+ *+On\b{_WHEN}.{{4,}}\bwrote\s?:|Le\b{_WHEN}.{{4,}}\ba\s[ée]crit\s?:", re.DOTALL)
_BEFORE_QUOTE = re.compile(
    r"(?:.*\b(?:wrote|writes|said|[ée]crit)\s?:|\d{4}[-/]\d\d?[-/]\d\d?.*>\s?:?)$", re.IGNORECASE
)
_FROM = re.compile(r"\W{0,2}(?:From|De|Exp[ée]diteur)\s?:", re.IGNORECASE)
_DATED = re.compile(r"\W{0,2}(?:Sent|Date|Envoy[ée](?: le)?)\s?:", re.IGNORECASE)
_ADDRESSED = re.compile(r"\W{0,2}(?:To|[ÀA]|Destinataires?|Subject|Objet|Sujet)\s?:", re.IGNORECASE)
_RULE = re.compile(r"[_=*-]{5,}")
_DEVICE = re.compile(
    r"Sent from (?:my|the|Mail|Outlook|Yahoo|Samsung|Proton)\b.*|Get Outlook for (?:iOS|Android)\b.*"
    r"|Envoyé (?:de mon|depuis mon|depuis l|à partir d|avec|par l).*|(?:Obtenir|Obtenez|Téléchargez?) Outlook pour\b.*",
    re.IGNORECASE,
)
_CLEARSIGNED = re.compile(r"\s*-----BEGIN PGP SIGNED MESSAGE-----\n(?:\S.*\n)*\n")  # OpenPGP's cleartext signature


def cut(text: str) -> str:
    """What is left, without blanks around it; empty where that is nothing. Takes time in proportion to the text."""
    signed = _CLEARSIGNED.match(text)
    lines = (text[signed.end() :] if signed else text).split("\n")
    kept: list[str] = []
    at = 0
    while at < len(lines) and not _ends(lines, at):
        size = _attribution(lines, at)
        if size and not _is_quoted(lines, at + size):
            break
        if lines[at].startswith(">"):
            _drop_attribution(kept)
        elif not size:
            kept.append(lines[at])
        at += size or 1
    return "\n".join(_without_device(kept)).strip()


def _ends(lines: Sequence[str], at: int) -> bool:
    line = lines[at].strip()
    if line[:1] in ("-", "b", "B", "d", "D") and (line == "--" or _SEPARATOR.fullmatch(line[:_MAX_LINE])):
        return True
    return bool(_FROM.match(line[:_MAX_LINE])) and _is_header(lines[at + 1 : at + _MAX_HEADER])


def _is_header(lines: Sequence[str]) -> bool:
    dated = any(_DATED.match(line.strip()[:_MAX_LINE]) for line in lines)
    return dated and any(_ADDRESSED.match(line.strip()[:_MAX_LINE]) for line in lines)


def _attribution(lines: Sequence[str], at: int) -> int:
    """How many lines from there are an attribution; 0: none."""
    if not lines[at].lstrip("- ").startswith(("On ", "Le ")):
        return 0
    for size in range(1, _MAX_ATTRIBUTION + 1):
        if at + size > len(lines) or not lines[at + size - 1].strip():
            return 0
        joined = " ".join(line.strip()[:_MAX_LINE] for line in lines[at : at + size])
        if _ATTRIBUTION.fullmatch(joined):
            return size
    return 0


def _is_quoted(lines: Sequence[str], at: int) -> bool:
    return next((line for line in lines[at : at + 3] if line.strip()), "").startswith(">")


def _drop_attribution(kept: list[str]) -> None:
    """Of those that only what they stand before tells, as `Ann Lee wrote:`."""
    last = next((at for at in range(len(kept) - 1, max(-1, len(kept) - 3), -1) if kept[at].strip()), None)
    if last is not None and _BEFORE_QUOTE.match(kept[last].strip()[:_MAX_LINE]):
        del kept[last:]


def _without_device(lines: list[str]) -> list[str]:
    """Without rules at the end, and what a telephone's mail program writes there."""
    end = len(lines)
    while end and (not (line := lines[end - 1].strip()) or _RULE.fullmatch(line) or _DEVICE.fullmatch(line)):
        end -= 1
    return lines[:end]
