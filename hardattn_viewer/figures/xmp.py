"""What a file says of itself as XMP, which PDF, GIF and MP4 can hold (ISO 16684-1)."""

from __future__ import annotations

from html import escape

_PACKET = """<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" \
xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="{program}">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{words}</rdf:li></rdf:Alt></dc:description>
</rdf:Description>
{more}</rdf:RDF></x:xmpmeta>
<?xpacket end='w'?>
"""


def xmp_packet(title: str, description: str, program: str, more: str = "") -> bytes:
    """A packet of metadata in UTF-8.

    Args:
        title: what the file is called.
        description: what it shows.
        program: what made it.
        more: an XML element besides; empty for none.
    """
    more = more and f'<rdf:Description rdf:about="">{more}</rdf:Description>\n'
    told = _PACKET.format(
        program=_for_xml(program), title=_for_xml(title), words=_for_xml(description), more=more
    )
    return told.encode("utf-8", errors="replace")


def _for_xml(text: str) -> str:
    """Text without the control characters that no XML may hold."""
    return escape("".join(c if c.isprintable() else " " for c in text))
