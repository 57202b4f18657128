"""What a file is: its first bytes decide, not its name; among text formats, which carry no mark, the name does."""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from workbench.errors import DocumentError
from workbench.parsers.encodings import is_text


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read: its name for users, its media type, the extensions that promise it."""

    label: str
    media_type: str
    extensions: tuple[str, ...]
    text: bool = False


_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."

FORMATS: dict[str, Format] = {
    "pdf": Format("PDF", "application/pdf", ("pdf",)),
    "docx": Format("Word", _OFFICE + "wordprocessingml.document", ("docx", "docm", "dotx", "dotm")),
    "pptx": Format("PowerPoint", _OFFICE + "presentationml.presentation", ("pptx", "pptm", "ppsx", "potx")),
    "xlsx": Format("Excel", _OFFICE + "spreadsheetml.sheet", ("xlsx", "xlsm", "xltx", "xltm")),
    "xlsb": Format("Excel (binary)", "application/vnd.ms-excel.sheet.binary.macroenabled.12", ("xlsb",)),
    "xls": Format("old Excel", "application/vnd.ms-excel", ("xls", "xlt")),
    "ods": Format("OpenDocument spreadsheet", _OPEN + "spreadsheet", ("ods",)),
    "rtf": Format("RTF", "application/rtf", ("rtf",)),
    "odt": Format("OpenDocument text", _OPEN + "text", ("odt", "ott")),
    "epub": Format("EPUB", "application/epub+zip", ("epub",)),
    "html": Format("HTML", "text/html", ("html", "htm", "xhtml", "xht"), True),
    "markdown": Format("Markdown", "text/markdown", ("md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd"), True),
    "rst": Format("reStructuredText", "text/x-rst", ("rst", "rest"), True),
    "org": Format("Org", "text/org", ("org",), True),
    "csv": Format("CSV", "text/csv", ("csv",), True),
    "tsv": Format("TSV", "text/tab-separated-values", ("tsv", "tab"), True),
    "eml": Format("e-mail", "message/rfc822", ("eml", "mht", "mhtml"), True),
    "json": Format("JSON", "application/json", ("json", "jsonl", "ndjson", "geojson"), True),
    "notebook": Format("notebook", "application/x-ipynb+json", ("ipynb",), True),
    "xml": Format("XML", "application/xml", ("xml", "xsd", "rss", "atom", "svg"), True),
    "text": Format("plain text", "text/plain", ("txt", "text", "log"), True),
}
_BY_EXTENSION = {e: name for name, format in FORMATS.items() for e in format.extensions}

_OCR = "Run text recognition (OCR) on it first and upload the searchable PDF or text."
_REFUSED = {  # found type → remedy
    "an old Word file (.doc)": "Save it as .docx or PDF.",
    "an old PowerPoint file (.ppt)": "Save it as .pptx or PDF.",
    "an Outlook message (.msg)": "Save it as .eml, or as text.",
    "an OpenDocument presentation (.odp)": "Save it as .pptx or PDF.",
    "a password-protected Office file": "Save a copy without the password.",
    "a ZIP archive": "Unpack it and upload the documents inside.",
    "a compressed archive": "Unpack it and upload the documents inside.",
    "a picture": _OCR,
    "a sound or video file": "Upload a transcript of it.",
    "a program": "Upload documents only.",
    "a Python pickle or array": "Pickles are never opened; export the text.",
    "a database": "Export its text, to CSV for example.",
    "a PostScript file": "Convert it to PDF.",
    "an unknown binary file": f"Readable are {', '.join(f.label for f in FORMATS.values())}.",
}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"{\\rtf", "rtf"),
    (b"\x89PNG\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BM", "a picture?"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed archive"),
    (b"Rar!\x1a\x07", "a compressed archive"),
    (b"BZh", "a compressed archive?"),
    (b"\xfd7zXZ\0", "a compressed archive"),
    (b"\x28\xb5\x2f\xfd", "a compressed archive"),
    (b"MZ", "a program?"),
    (b"\x7fELF", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\x93NUMPY", "a Python pickle or array"),
    (b"\x80\x04\x95", "a Python pickle or array"),
    (b"\x80\x05\x95", "a Python pickle or array"),
    (b"SQLite format 3\0", "a database"),
    (b"%!PS", "a PostScript file"),
    (b"ID3", "a sound or video file?"),
    (b"OggS\0", "a sound or video file"),
    (b"fLaC", "a sound or video file"),
    (b"\x1aE\xdf\xa3", "a sound or video file"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STREAMS = (  # the names in an OLE file's directory, in the order in which they tell
    ("EncryptedPackage", "a password-protected Office file"),
    ("WordDocument", "an old Word file (.doc)"),
    ("PowerPoint Document", "an old PowerPoint file (.ppt)"),
    ("__substg1.0_", "an Outlook message (.msg)"),
    ("Workbook", "xls"),
    ("Book", "xls"),
)
_MEMBERS = (
    ("word/document.xml", "docx"),
    ("ppt/presentation.xml", "pptx"),
    ("xl/workbook.xml", "xlsx"),
    ("xl/workbook.bin", "xlsb"),
    ("META-INF/container.xml", "epub"),
)
_MIMETYPES = {
    _OPEN + "text": "odt",
    _OPEN + "text-template": "odt",
    _OPEN + "spreadsheet": "ods",
    _OPEN + "presentation": "an OpenDocument presentation (.odp)",
    "application/epub+zip": "epub",
}
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_MAIL = re.compile(
    rb"(?:(?:From|To|Subject|Date|Received|Return-Path|MIME-Version|Message-ID|Delivered-To|Content-Type):"
    rb"[^\n]*\r?\n(?:[ \t][^\n]*\n)*){2}"
)


def sniff(name: str, data: bytes) -> tuple[str, list[str]]:
    """The key in FORMATS of what `data` is, and a warning where the name says otherwise.

    Raises:
        DocumentError: empty, of a kind that cannot be read, or not what its name promises.
    """
    if not data:
        raise DocumentError("the file is empty (0 bytes).")
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    promised = _BY_EXTENSION.get(extension, "")
    found = _binary(data, extension)
    if found in _REFUSED:
        raise refusal(found)
    if found:
        if found == promised or not extension:
            return found, []
        return found, [f"named .{extension}, but its content is {FORMATS[found].label}: read as that"]
    if not is_text(data):
        if promised and not FORMATS[promised].text:
            raise DocumentError(
                f"named .{extension}, but it is not a {FORMATS[promised].label} file, or it is damaged at its start."
            )
        raise refusal("an unknown binary file")
    found = promised or _textual(data)
    if not FORMATS[found].text:
        content = _textual(data)
        raise DocumentError(
            f"named .{extension}, but its content is {FORMATS[content].label}. "
            f"Rename it to .{FORMATS[content].extensions[0]} if that is right."
        )
    return found, []


def refusal(found: str) -> DocumentError:
    """The error for a file of a kind that cannot be read."""
    return DocumentError(f"this is {found}, which cannot be read. {_REFUSED[found]}")


def _binary(data: bytes, extension: str) -> str:
    """A key of FORMATS or of _REFUSED by magic bytes; "" for what may be text."""
    head = data[:1024]
    if head.startswith(b"%PDF-") or (extension == "pdf" and b"%PDF-" in head):
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(data)
    if head.startswith(_OLE):
        for stream, found in _STREAMS:
            if stream.encode("utf-16-le") in data:
                return found
        return "an old Word file (.doc)" if extension in ("doc", "dot") else "an unknown binary file"
    if head[:4] == b"RIFF":
        return "a picture" if head[8:12] == b"WEBP" else "a sound or video file"
    if head[4:8] == b"ftyp":
        return "a picture" if head[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "a sound or video file"
    for magic, found in _MAGIC:
        if head.startswith(magic) and (not found.endswith("?") or not is_text(data)):
            return found.removesuffix("?")
    return ""


def _zipped(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            if "mimetype" in names:
                with archive.open("mimetype") as member:
                    declared = member.read(200).decode("ascii", "replace").strip()
                if declared in _MIMETYPES:
                    return _MIMETYPES[declared]
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
        zlib.error,
    ) as error:
        raise DocumentError(
            f"a ZIP-based file (Word, Excel, EPUB …) that is damaged or cut short ({error}). Copy or save it anew."
        ) from None
    return next((found for member, found in _MEMBERS if member in names), "a ZIP archive")


def _textual(data: bytes) -> str:
    """The text format of a file whose name tells nothing."""
    head = data[:4096].removeprefix(b"\xef\xbb\xbf")
    if _HTML.match(head):
        return "html"
    if head.lstrip().startswith(b"<?xml"):
        return "xml"
    return "eml" if _MAIL.match(head) else "text"
