"""How SES reads an address field of a raw message: as JavaMail does in its strict way, whose words its refusals are.

Shares nothing with the relay's reader. Where SES is known to refuse, so does this; where it is not known to take, too.
"""

import re

MAX_OCTETS = 320  # "Address length is more than 320 bytes long", name and address once encoded
_LDH = re.compile(r"[A-Za-z0-9-]+")
_SPECIALS = '()<>,;:\\"[]@'
_CLOSERS = {"(": ")", '"': '"', "<": ">"}


def problem(field: bytes) -> str | None:
    """Why SES does not take the value of a To, Cc, Reply-To or From field; None if it does."""
    text = re.sub(r"\r?\n(?=[ \t])", "", field.decode("latin-1")).strip(" \t\r\n")
    if not text.isascii() or re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text):
        return "Address contains control or non-ASCII characters"
    try:
        entries = _split(text)
        members = [member for entry in entries for member in _members(entry)]
        for member in members:
            _check(member)
    except ValueError as error:
        return str(error)
    return None if entries else "Empty address"


def mailboxes(field: bytes) -> list[str]:
    """The addresses of a field that has no problem."""
    text = re.sub(r"\r?\n(?=[ \t])", "", field.decode("ascii")).strip()
    return [_taken_apart(member)[1] for entry in _split(text) for member in _members(entry)]


def _split(text: str, at_colon: bool = True) -> list[str]:
    """At commas outside quotes, comments, brackets and groups."""
    entries, entry, group, at = [], "", False, 0
    while at < len(text):
        character = text[at]
        end = _closed(text, at) if character in _CLOSERS else at + 1
        if character == ")":
            raise ValueError("Missing '('")
        if character == ">":
            raise ValueError("Missing '<'")
        if character == ":" and at_colon:
            if group or not entry.strip():
                raise ValueError("Nested group")
            group = True
        if character == ";" and not group:
            raise ValueError("Illegal semicolon, not in group")
        if character == "," and not group:
            entries.append(entry)
            entry, at = "", end
            continue
        group = group and character != ";"
        entry += text[at:end]
        at = end
    if group:
        raise ValueError("Missing ';'")
    entries.append(entry)
    if not all(each.strip() for each in entries):
        raise ValueError("Empty address")
    return entries


def _closed(text: str, at: int) -> int:
    """Behind the character that closes what opens at `at`; only comments stand in each other."""
    closer, depth, quoted = _CLOSERS[text[at]], 1, False
    index = at + 1
    while index < len(text):
        character = text[index]
        if character == "\\":
            index += 1
        elif text[at] == "<" and character == '"':
            quoted = not quoted
        elif text[at] == "<" and character == "<" and not quoted:
            raise ValueError("Extra route-addr")
        elif text[at] == "(" and character == "(":
            depth += 1
        elif character == closer and not quoted:
            depth -= 1
            if depth == 0:
                return index + 1
        index += 1
    raise ValueError(f"Missing '{closer}'")


def _members(entry: str) -> list[str]:
    """The mailboxes of a group, or the one mailbox."""
    head, colon, _ = _bare(entry).partition(":")
    if not colon:
        return [entry]
    if not _bare(entry).rstrip().endswith(";"):
        raise ValueError("Illegal group")
    if any(special in head for special in _SPECIALS):
        raise ValueError("Illegal group name")
    inside = entry[len(head) + 1 : _bare(entry).rindex(";")]
    return _split(inside, at_colon=False) if _bare(inside).strip() else []


def _bare(text: str) -> str:
    """With what stands in quotes and brackets blotted out, and comments, in as many characters."""
    done, at = "", 0
    while at < len(text):
        end = _closed(text, at) if text[at] in _CLOSERS else at + 1
        done += text[at] if end == at + 1 else (" " if text[at] == "(" else "_") * (end - at)
        at = end
    return done


def _taken_apart(member: str) -> tuple[str, str]:
    """Its phrase and its address, comments taken out."""
    phrase, address, bracket, at = "", "", False, 0
    while at < len(member):
        end = _closed(member, at) if member[at] in _CLOSERS else at + 1
        piece = member[at:end]
        if piece[0] == "<":
            if bracket:
                raise ValueError("Extra route-addr")
            bracket, address = True, piece[1:-1].strip()
        elif piece[0] == "(":
            phrase += " "
        elif bracket and piece.strip():
            raise ValueError("Illegal text behind an address in brackets")
        else:
            phrase += piece
        at = end
    return (phrase, address) if bracket else ("", phrase.strip())


def _check(member: str) -> None:
    phrase, address = _taken_apart(member)
    if len(member.strip()) > MAX_OCTETS:
        raise ValueError(f"Address length is more than {MAX_OCTETS} bytes long")
    if any(special in re.sub(r'"(?:[^"\\]|\\.)*"', "", phrase) for special in _SPECIALS):
        raise ValueError("Illegal character in a phrase that is not quoted")
    if not address:
        raise ValueError("Empty address")
    quoted = re.match(r'"(?:[^"\\]|\\.)*"(?=@)', address)
    local, at, domain = (quoted[0], "@", address[quoted.end() + 1 :]) if quoted else address.partition("@")
    if not at:
        raise ValueError("Missing final '@domain'")
    if not local:
        raise ValueError("Missing local name")
    if not quoted and re.search(r"[\x00-\x20\x7f]", local):
        raise ValueError("Local address contains control or whitespace")
    if not quoted and any(special in local for special in _SPECIALS):
        raise ValueError("Local address contains illegal character")
    if not quoted and (".." in local or local[0] == "." or local[-1] == "."):
        raise ValueError("Local address contains dot-dot, or starts or ends with a dot")
    if not domain:
        raise ValueError("Missing domain")
    labels = domain.split(".")
    if labels[0] == "":
        raise ValueError("Domain starts with dot")
    if labels[-1] == "":
        raise ValueError("Domain ends with dot")
    if not all(_LDH.fullmatch(label) for label in labels):
        raise ValueError("Domain contains illegal character")
    if len(labels) < 2 or labels[-1].isdigit():
        raise ValueError("Illegal domain")
