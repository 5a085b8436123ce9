"""Files that the provider does not take, told by their names: refused at the door, not after the 250.

Looks into messages within the message, too, as SES does. Knows nothing of what a file holds.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from messages import reply
from messages.email import mime
from messages.email.encoded_words import decode_words
from messages.email.mime import MAX_VALUE_CHARACTERS, Part, parse_parameters
from messages.reply import Refused

# Amazon SES, "unsupported attachment types": what runs, or makes something run, when somebody opens it.
_TYPES = """
ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh lib lnk
mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml msh2xml msi
msp mst ops pcd pif plg prf prg ps1 ps1xml ps2 ps2xml psc1 psc2 reg scf scr sct shb shs sys tmp url vb vbe vbs vps
vsmacros vss vst vsw vxd ws wsc wsf wsh xnk
"""
REFUSED_TYPES = frozenset(_TYPES.split())
_NAME = re.compile(r"""name\*?\d*\*?\s*=\s*("(?:[^"\\]|\\.)*+"|[^;"]*+)""", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_MAX_MESSAGES = 8  # within each other: what is deeper is not looked into


def check(root: Part) -> None:
    """Raises Refused for a file of a type that SES does not take."""
    for name in _names(root):
        _, dot, suffix = name.rstrip(". ").rpartition(".")  # dots and blanks at the end: Windows drops them
        if dot and suffix.lower() in REFUSED_TYPES:
            raise Refused(reply.ATTACHMENT_TYPE, suffix=suffix.lower())


def _of_field(value: str) -> Iterator[str]:
    """Every name that a reader could find: as one is meant, and each that stands there."""
    parameters = parse_parameters(value)
    for found in (parameters.get("filename"), parameters.get("name"), *_NAME.findall(value)):
        if found:
            yield decode_words(unquote(_COMMENT.sub("", found).replace("\0", "").strip('" ')))


def _names(root: Part) -> Iterator[str]:
    waiting = [(root, 0)]
    while waiting:
        part, messages = waiting.pop()
        for name in ("content-disposition", *(() if part.type.main == "message" else ("content-type",))):
            for field in part.header.named(name):
                yield from _of_field(part.header.raw(field)[:MAX_VALUE_CHARACTERS].decode("latin-1"))
        waiting += [(child, messages) for child in part.children]
        if messages < _MAX_MESSAGES and (inner := mime.inner(part)):
            waiting.append((inner, messages + 1))
