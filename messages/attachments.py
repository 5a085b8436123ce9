"""Files that the provider does not take, told by their names: refused at the door, not after the 250.

Looks into messages within the message, too, as SES does. Knows nothing of what a file holds.
"""

from collections.abc import Iterator

from messages import mime, reply
from messages.mime import Part, parse_parameters
from messages.reply import Refused
from messages.words import decode_words

# Amazon SES, "unsupported attachment types": what runs, or makes something run, when somebody opens it.
_TYPES = """
ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh lib lnk
mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml msh2xml msi
msp mst ops pcd pif plg prf prg ps1 ps1xml ps2 ps2xml psc1 psc2 reg scf scr sct shb shs sys tmp url vb vbe vbs vps
vsmacros vss vst vsw vxd ws wsc wsf wsh xnk
"""
REFUSED_TYPES = frozenset(_TYPES.split())
_MAX_MESSAGES = 8  # within each other: what is deeper is not looked into


def check(root: Part) -> None:
    """Raises Refused for a file of a type that SES does not take."""
    for name in _names(root):
        _, dot, suffix = name.rstrip(". ").rpartition(".")  # dots and blanks at the end: Windows drops them
        if dot and suffix.lower() in REFUSED_TYPES:
            raise Refused(reply.ATTACHMENT_TYPE, suffix=suffix.lower())


def _names(root: Part) -> Iterator[str]:
    waiting = [(root, 0)]
    while waiting:
        part, messages = waiting.pop()
        for name, parameter in (("content-disposition", "filename"), ("content-type", "name")):
            for field in part.header.named(name):
                value = parse_parameters(part.header.raw(field).decode("latin-1")).get(parameter)
                if value:
                    yield decode_words(value)
        waiting += [(child, messages) for child in part.children]
        if messages < _MAX_MESSAGES and (inner := mime.inner(part)):
            waiting.append((inner, messages + 1))
